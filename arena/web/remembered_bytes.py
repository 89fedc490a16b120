"""The bytes that were last asked for, within a limit that counts their names, too."""

from collections import OrderedDict

ENTRY_BYTES = 400  # what Python takes for an entry beside its characters


class RememberedBytes:
    """Keeps bytes by name; those that were not asked for the longest make room."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._kept: OrderedDict[tuple[str, str], bytes] = OrderedDict()
        self._bytes = 0

    def get(self, key: tuple[str, str]) -> bytes | None:
        """What is kept under this name."""
        if key in self._kept:
            self._kept.move_to_end(key)
        return self._kept.get(key)

    def keep(self, key: tuple[str, str], content: bytes) -> None:
        """Keep this under its name, in the place of what was there: two may have read it at once."""
        if key in self._kept:
            self._bytes -= _weight(key, self._kept.pop(key))
        self._kept[key] = content
        self._bytes += _weight(key, content)
        while self._bytes > self._most:
            self._bytes -= _weight(*self._kept.popitem(last=False))


def _weight(key: tuple[str, str], content: bytes) -> int:
    return len(content) + sum(map(len, key)) + ENTRY_BYTES
