"""What a check of a release finds."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa  # type: ignore[import-untyped]


@dataclass(frozen=True, kw_only=True)
class Finding:
    """Something that is wrong.

    Attributes
    ----------
    file : str
        The file in which it is, as a path inside the release.
    what : str
        What is wrong, and where in the file.
    """

    file: str
    what: str

    def __str__(self) -> str:
        return f"{self.file}: {self.what}"


@dataclass(frozen=True, kw_only=True)
class Check:
    """One check of a release.

    Attributes
    ----------
    name : str
    said : str
        What was looked at, in a few words.
    findings : sequence of Finding
        Empty where all is well.
    seconds : float
        How long it took.
    made : bool
        False where what was found before stood in its way.
    """

    name: str
    said: str
    findings: Sequence[Finding] = ()
    seconds: float = 0.0
    made: bool = True


class WrongRows:
    """Rows with a fault, of a table that is read piece by piece: how many have it, and the first of them."""

    def __init__(self) -> None:
        self._found: dict[tuple[str, str], tuple[int, str]] = {}

    def note(self, file: str, what: str, mask: Any, ids: pa.Array | pa.ChunkedArray) -> None:
        """Add the rows of a piece that a mask selects."""
        selected = ids.filter(mask)
        if len(selected):
            before, first = self._found.get((file, what), (0, selected[0].as_py()))
            self._found[file, what] = before + len(selected), first

    def findings(self) -> list[Finding]:
        """One for each fault of each file."""
        return [
            Finding(
                file=file,
                what=f"{f'{rows:,} rows' if rows > 1 else 'a row'} where {what}, such as {first}",
            )
            for (file, what), (rows, first) in self._found.items()
        ]

    def __bool__(self) -> bool:
        return bool(self._found)
