"""Personal data leaves the texts of a release, and every turn says which kinds were replaced in it."""

import importlib
from collections.abc import Mapping, Sequence
from typing import Any, Final, Protocol

import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]

from arena.errors import ReleaseInvalid

TEXTS: Final = ("prompt", "response_a", "response_b")


class Redacted(Protocol):
    """A text without personal data, and what was replaced in it."""

    @property
    def found(self) -> Mapping[str, int]: ...


class RedactedColumn(Protocol):
    """A column of texts, likewise, and which of them are changed."""

    @property
    def texts(self) -> Any: ...

    @property
    def changed(self) -> Any: ...


class Privacy(Protocol):
    """What finds personal data."""

    def redact(self, text: str, /) -> Redacted: ...

    def redact_column(self, texts: Any, /) -> RedactedColumn: ...


def redact_turns(turns: pa.Table, known: Sequence[Sequence[str] | None], privacy: Privacy) -> pa.Table:
    """The turns with redacted texts, and the column `redacted`: kinds found now and those known before."""
    kinds: dict[int, set[str]] = {row: set(found) for row, found in enumerate(known) if found}
    for name in TEXTS:
        before = turns[name]
        redacted = privacy.redact_column(before)
        for row in np.flatnonzero(redacted.changed.to_numpy(zero_copy_only=False)).tolist():
            kinds.setdefault(row, set()).update(privacy.redact(before[row].as_py()).found)
        turns = turns.set_column(turns.schema.get_field_index(name), name, redacted.texts)
    lists = pa.array([sorted(kinds.get(row, ())) for row in range(turns.num_rows)], pa.list_(pa.string()))
    return turns.set_column(turns.schema.get_field_index("redacted"), "redacted", lists)


def program_privacy() -> Privacy:
    """What the program finds personal data with; without it, nothing is released."""
    try:
        found: Any = importlib.import_module("arena.privacy")
    except ModuleNotFoundError as error:
        raise ReleaseInvalid(
            "This installation cannot find personal data, so it releases no texts."
        ) from error
    privacy: Privacy = found
    return privacy
