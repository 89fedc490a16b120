"""Sentences with made-up personal data in them, and how much of it is found: run before every release."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from random import Random
from typing import Final

import pyarrow as pa  # type: ignore[import-untyped]

from arena.privacy.columns import find_in_all
from arena.privacy.kinds import KINDS
from arena.privacy.planted_values import locales, make_value
from arena.privacy.redaction import Finding

SEED: Final = 20_240_229
VALUES_A_SENTENCE: Final = 5
LEAST_RECALL: Final = 0.95
_SLOT: Final = "⟨⟩"
_LINE: Final = re.compile(r"(?P<kind>[a-z-]+)(?:/(?P<rule>[\w.]+))?(?P<held_out>!?)\| (?P<sentence>.*)")


@dataclass(frozen=True)
class Planted:
    """A text, and where in it the made-up value stands."""

    text: str
    start: int
    end: int
    kind: str
    language: str
    held_out: bool


@dataclass(frozen=True)
class Caught:
    """Of the planted values of a kind, how many are hidden by findings, whatever these call them."""

    planted: int
    hidden: int

    @property
    def share(self) -> float:
        """Hidden among planted."""
        return self.hidden / self.planted


def planted_texts(seed: int = SEED) -> Sequence[Planted]:
    """Every sentence of every language with some values of its kind, the same ones for the same seed."""
    return _kept(seed)


@lru_cache(maxsize=1)
def _kept(seed: int) -> Sequence[Planted]:
    return tuple(_planted(seed))


def _planted(seed: int) -> Iterator[Planted]:
    for language, locale in locales().items():
        for number, line in enumerate(_lines(language)):
            random = Random(f"{seed} {language} {number}")
            held_out = bool(line["held_out"])
            before, after = line["sentence"].split(_SLOT)
            for _ in range(VALUES_A_SENTENCE):
                value = make_value(line["kind"], locale, random, rule=line["rule"] or "", held_out=held_out)
                start, end = _personal_part(line["kind"], value)
                place = len(before)
                yield Planted(
                    before + value + after, place + start, place + end, line["kind"], language, held_out
                )


def _personal_part(kind: str, value: str) -> tuple[int, int]:
    """Of a web address only user and password are anybody's."""
    return (value.index("//") + 2, value.rindex("@")) if kind == "login" else (0, len(value))


@lru_cache(maxsize=32)
def _lines(language: str) -> Sequence[re.Match[str]]:
    source = resources.files("arena.privacy").joinpath("planted_sentences", f"{language}.txt")
    matched = [_LINE.fullmatch(line) for line in source.read_text(encoding="utf-8").splitlines()]
    assert all(matched), f"{language}.txt has a line that is no sentence"
    return [line for line in matched if line]


def recall(*, held_out: bool | None = None) -> Mapping[str, float]:
    """The share of planted values that are hidden, by kind; of all sentences, or of one part of them."""
    return {kind: caught.share for (kind, _), caught in caught_by_kind(held_out=held_out).items()}


def missed_kinds(measured: Mapping[str, float]) -> Mapping[str, float]:
    """Structured kinds of which too little is found for a release."""
    return {
        kind.slug: measured.get(kind.slug, 0.0)
        for kind in KINDS
        if kind.structured and measured.get(kind.slug, 0.0) < LEAST_RECALL
    }


def caught_by_kind(
    *, by_language: bool = False, held_out: bool | None = None, seed: int = SEED
) -> Mapping[tuple[str, str], Caught]:
    """What was caught by kind and language; the language is empty where all count together."""
    planted: Counter[tuple[str, str]] = Counter()
    hidden: Counter[tuple[str, str]] = Counter()
    texts = [each for each in planted_texts(seed) if held_out is None or each.held_out == held_out]
    for each, findings in zip(texts, _found(each.text for each in texts), strict=True):
        key = (each.kind, each.language if by_language else "")
        planted[key] += 1
        hidden[key] += is_hidden(each, findings)
    return {key: Caught(planted[key], hidden[key]) for key in planted}


def is_hidden(planted: Planted, findings: Sequence[Finding]) -> bool:
    """Whether every letter and digit of the value lies within a finding."""
    return all(
        any(finding.start <= place < finding.end for finding in findings)
        for place in range(planted.start, planted.end)
        if planted.text[place].isalnum()
    )


@dataclass(frozen=True)
class Precision:
    """Of the findings of a kind in sentences with a planted value, how many touch it; and false ones elsewhere."""

    found: int
    right: int
    false_in_negatives: int

    @property
    def share(self) -> float:
        """Right ones among all that were found."""
        return self.right / (self.found + self.false_in_negatives)


def negatives() -> Sequence[str]:
    """Texts that look like personal data and are none: code, mathematics, versions, dates, serial numbers."""
    source = resources.files("arena.privacy").joinpath("planted_negatives.txt")
    return source.read_text(encoding="utf-8").splitlines()


def precision(seed: int = SEED) -> Mapping[str, Precision]:
    """How often a finding is right, by its kind, in the planted sentences and the negatives together."""
    found: Counter[str] = Counter()
    right: Counter[str] = Counter()
    texts = planted_texts(seed)
    for each, findings in zip(texts, _found(each.text for each in texts), strict=True):
        found.update(finding.kind.slug for finding in findings)
        right.update(f.kind.slug for f in findings if f.start < each.end and each.start < f.end)
    false = Counter(f.kind.slug for findings in _found(negatives()) for f in findings)
    return {kind.slug: Precision(found[kind.slug], right[kind.slug], false[kind.slug]) for kind in KINDS}


def _found(texts: Iterable[str]) -> list[list[Finding]]:
    return find_in_all(pa.array(list(texts), pa.string()))
