"""Texts and columns of texts without personal data; only texts with a sign of any leave Arrow."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.compute as pc  # type: ignore[import-untyped]

from arena.privacy.candidates import candidates, topics
from arena.privacy.redaction import Finding, find, replace


@dataclass(frozen=True)
class Redacted:
    """A text without what was found in it, and how often each kind was found."""

    text: str
    found: Mapping[str, int]


@dataclass(frozen=True)
class RedactedColumn:
    """Texts in the type and order in which they came, what was found in them, and which are changed."""

    texts: pa.Array
    found: Counter[str]
    changed: pa.BooleanArray


def redact(text: str) -> Redacted:
    """Replace personal data in one text; a second time changes nothing."""
    found: Counter[str] = Counter()
    redacted = _redacted([0], pa.array([text], pa.large_string()), found)
    return Redacted(redacted.get(0, text), dict(found))


def redact_column(texts: pa.Array | pa.ChunkedArray) -> RedactedColumn:
    """Replace personal data in a column of strings; nulls stay, and a second time changes nothing.

    Raises TypeError for columns of anything else.
    """
    if not (pa.types.is_string(texts.type) or pa.types.is_large_string(texts.type)):
        raise TypeError(f"a column of {texts.type} has no texts to redact; cast it to string first")
    column = texts.combine_chunks() if isinstance(texts, pa.ChunkedArray) else texts
    found: Counter[str] = Counter()
    places = pc.indices_nonzero(candidates(column))
    redacted = _redacted(places.to_pylist(), column.take(places), found)
    changed = pa.array([place in redacted for place in range(len(column))], pa.bool_())
    if redacted:
        replacements = pa.array([redacted[place] for place in sorted(redacted)], column.type)
        column = pc.replace_with_mask(column, changed, replacements)
    return RedactedColumn(column, found, changed)


def _redacted(places: list[int], texts: pa.Array, found: Counter[str]) -> dict[int, str]:
    """The texts that change, by their places; what was found is added to the counts."""
    redacted: dict[int, str] = {}
    while places:
        changed = {}
        for place, text, findings in zip(places, texts.to_pylist(), find_in_all(texts), strict=True):
            if findings:
                found.update(finding.kind.slug for finding in findings)
                changed[place] = replace(text, findings)
        redacted |= changed
        # What a placeholder has replaced no longer stands between its neighbours: look again.
        places, texts = list(changed), pa.array(changed.values(), texts.type)
    return redacted


def find_in_all(texts: pa.Array) -> list[list[Finding]]:
    """What one look finds in each of several texts."""
    return [find(text, seen) for text, seen in zip(texts.to_pylist(), topics(texts), strict=True)]
