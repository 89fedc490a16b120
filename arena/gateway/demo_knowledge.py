"""What the demo models know, read from the tables in `knowledge/`."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Entry:
    """Something that can be asked for, with a right and a wrong thing to say about it."""

    asked: re.Pattern[str]
    title: str
    right: str
    wrong: str
    points: tuple[str, ...]
    code: str = ""
    wrong_code: str = ""
    language: str = ""


@dataclass(frozen=True, kw_only=True)
class Language:
    """Enough of a language to answer in it."""

    code: str
    recognised_by: re.Pattern[str]
    greeting: str
    result: str
    title: str
    answer: str
    shallow: str
    points: tuple[str, ...]

    @property
    def has_own_script(self) -> bool:
        return self.recognised_by.pattern.startswith("[")


@dataclass(frozen=True, kw_only=True)
class Knowledge:
    capitals: Mapping[str, str]
    not_the_capital: Mapping[str, str]
    units: Mapping[str, tuple[str, float]]
    unit_names: Mapping[str, str]
    phrases: Mapping[str, Mapping[str, str]]
    facts: tuple[Entry, ...]
    topics: tuple[Entry, ...]
    formulas: tuple[Entry, ...]
    code: tuple[Entry, ...]
    languages: tuple[Language, ...]
    # Any: ready-made texts by kind and name, as they stand in texts.toml.
    texts: Mapping[str, Any]

    def recognise_language(self, prompt: str) -> Language | None:
        """The language of a prompt, None for English."""
        best, most_words = None, 0
        for language in self.languages:
            hits = len(language.recognised_by.findall(prompt))
            if language.has_own_script:
                # One foreign word in an English sentence is not a foreign sentence.
                if hits > len(re.findall(r"[A-Za-z]", prompt)) / 4:
                    return language
            elif hits > most_words:
                best, most_words = language, hits
        needed = max(1, min(2, len(prompt.split()) // 2))
        return best if most_words >= needed else None


@cache
def knowledge() -> Knowledge:
    facts, topics = _read("facts"), _read("topics")
    return Knowledge(
        capitals=facts["capitals"],
        not_the_capital=facts["not_the_capital"],
        units={unit: (dimension, size) for unit, (dimension, size) in facts["units"].items()},
        unit_names=facts["unit_names"],
        phrases=facts["phrases"],
        facts=_entries(facts["facts"]),
        topics=_entries(topics["topics"]),
        formulas=_entries(topics["formulas"]),
        code=_entries(_read("code")["code"]),
        languages=tuple(_language(row) for row in _read("languages")["languages"]),
        texts=_read("texts"),
    )


def _read(name: str) -> dict[str, Any]:
    folder = resources.files("arena.gateway") / "knowledge"
    return tomllib.loads((folder / f"{name}.toml").read_text("utf-8"))


def _entries(rows: Iterable[dict[str, Any]]) -> tuple[Entry, ...]:
    return tuple(
        Entry(**{**row, "asked": _pattern(row["asked"]), "points": tuple(row["points"])}) for row in rows
    )


def _language(row: dict[str, Any]) -> Language:
    return Language(
        **{**row, "recognised_by": _pattern(row["recognised_by"]), "points": tuple(row["points"])}
    )


def _pattern(text: str) -> re.Pattern[str]:
    return re.compile(text, re.IGNORECASE | re.DOTALL)
