"""Texts and columns of texts without personal data; only texts with a sign of any leave Arrow."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from dataclasses import replace as altered
from typing import Final

import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.compute as pc  # type: ignore[import-untyped]

from arena.privacy.candidates import announced, candidates, topics, with_forms
from arena.privacy.folding import ANNOUNCED, Folded, fold
from arena.privacy.redaction import Finding, find, replace

# From so many characters of texts with digits on, automata that look closer at them pay for being made.
_WORTH_AUTOMATA: Final = 10_000


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
    kinds: Mapping[int, Mapping[str, int]]
    """What was found in each of the texts that are changed, by their places."""


def redact(text: str) -> Redacted:
    """Replace personal data in one text; a second time changes nothing."""
    return _redacted(pa.array([text], pa.large_string())).get(0, Redacted(text, {}))


def redact_column(texts: pa.Array | pa.ChunkedArray) -> RedactedColumn:
    """Replace personal data in a column of strings; nulls stay, and a second time changes nothing.

    Raises TypeError for columns of anything else.
    """
    if not (pa.types.is_string(texts.type) or pa.types.is_large_string(texts.type)):
        raise TypeError(f"a column of {texts.type} has no texts to redact; cast it to string first")
    column = texts.combine_chunks() if isinstance(texts, pa.ChunkedArray) else texts
    places = pc.indices_nonzero(candidates(column))
    redacted = {places[row].as_py(): each for row, each in _redacted(column.take(places)).items()}
    mask = np.zeros(len(column), np.bool_)
    mask[list(redacted)] = True
    changed = pa.array(mask)
    if redacted:
        replacements = pa.array([each.text for each in redacted.values()], column.type)
        column = pc.replace_with_mask(column, changed, replacements)
    found: Counter[str] = Counter()
    for each in redacted.values():
        found.update(each.found)
    return RedactedColumn(column, found, changed, {place: each.found for place, each in redacted.items()})


def _redacted(texts: pa.Array) -> dict[int, Redacted]:
    """The texts that change, by their places."""
    redacted: dict[int, str] = {}
    found: dict[int, Counter[str]] = {}
    places: Sequence[int] = range(len(texts))
    while places:
        changed = {}
        for place, text, findings in zip(places, texts.to_pylist(), find_in_all(texts), strict=True):
            if findings:
                found.setdefault(place, Counter()).update(finding.kind.slug for finding in findings)
                changed[place] = replace(text, findings)
        redacted |= changed
        # What a placeholder has replaced no longer stands between its neighbours: look again.
        places, texts = list(changed), pa.array(changed.values(), texts.type)
    return {place: Redacted(text, dict(found[place])) for place, text in redacted.items()}


def find_in_all(texts: pa.Array) -> list[list[Finding]]:
    """What one look finds in each of several texts."""
    return [find(folded) for folded in _folded(texts)]


def _folded(texts: pa.Array) -> list[Folded]:
    """Texts with the topics of which they have signs."""
    folded = [fold(text, seen) for text, seen in zip(texts.to_pylist(), topics(texts), strict=True)]
    numbers = [place for place, each in enumerate(folded) if "digits" in each.topics]
    if sum(len(folded[place].text) for place in numbers) < _WORTH_AUTOMATA:
        return [altered(each, topics=each.topics | ANNOUNCED) for each in folded]
    lower = pa.array([folded[place].lower for place in numbers], pa.large_string())
    for place, words, has_form in zip(numbers, announced(lower), with_forms(lower), strict=True):
        seen = folded[place].topics | words
        folded[place] = altered(folded[place], topics=seen if words or has_form else seen - {"digits"})
    return folded
