"""Personal data leaves the texts of a release, and every turn says which kinds were replaced in it."""

from collections.abc import Mapping, Sequence
from typing import Any, Final, Protocol

import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]

from arena.errors import ReleaseInvalid
from arena.privacy import planted

TEXTS: Final = ("prompt", "response_a", "response_b")


class RedactedColumn(Protocol):
    """A column of texts without personal data, and what was replaced in those that are changed, by their places."""

    @property
    def texts(self) -> Any: ...

    @property
    def kinds(self) -> Mapping[int, Mapping[str, int]]: ...


class Privacy(Protocol):
    """What finds personal data."""

    def redact_column(self, texts: Any, /) -> RedactedColumn: ...


def redact_turns(turns: pa.Table, known: Sequence[Sequence[str] | None], privacy: Privacy) -> pa.Table:
    """The turns with redacted texts, and the column `redacted`: kinds found now and those known before."""
    kinds: dict[int, set[str]] = {row: set(found) for row, found in enumerate(known) if found}
    # All columns at once: the automata that look through texts are made anew for each look.
    every = [chunk for name in TEXTS for chunk in turns[name].cast(pa.large_string()).chunks]
    redacted = privacy.redact_column(pa.chunked_array(every, pa.large_string()))
    for place, found in redacted.kinds.items():
        kinds.setdefault(place % turns.num_rows, set()).update(found)
    for number, name in enumerate(TEXTS):
        texts = redacted.texts.slice(number * turns.num_rows, turns.num_rows).cast(pa.string())
        turns = turns.set_column(turns.schema.get_field_index(name), name, texts)
    lists = _lists({row: sorted(found) for row, found in kinds.items()}, turns.num_rows)
    return turns.set_column(turns.schema.get_field_index("redacted"), "redacted", lists)


def _lists(values: Mapping[int, Sequence[str]], length: int) -> pa.Array:
    """These lists in these rows, empty ones in the others."""
    sizes = np.zeros(length + 1, np.int32)
    rows = sorted(values)
    sizes[np.array(rows, np.int64) + 1] = [len(values[row]) for row in rows]
    every = pa.array([value for row in rows for value in values[row]], pa.string())
    return pa.ListArray.from_arrays(pa.array(np.cumsum(sizes, dtype=np.int32)), every)


def planted_recall() -> dict[str, float]:
    """The share of planted personal data that is found, by kind.

    Raises `ReleaseInvalid` where too little of a structured kind is: what misses the planted misses the real.
    """
    measured = planted.recall()
    if missed := planted.missed_kinds(measured):
        said = ", ".join(f"{kind} {share:.1%}" for kind, share in missed.items())
        raise ReleaseInvalid(
            f"Too little of the personal data that was planted as a test is found: {said}; at least"
            f" {planted.LEAST_RECALL:.0%} must be. Nothing is released before that is mended."
        )
    return {kind: round(share, 4) for kind, share in sorted(measured.items())}
