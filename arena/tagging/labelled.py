"""Texts with the labels that they deserve: JSON lines, one text each."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, kw_only=True)
class LabelledPrompt:
    """A prompt, its language, and the labels that a reader gave it.

    `unlike_training` marks those written last, on purpose in manners that the training prompts do not know.
    """

    prompt: str
    language: str
    labels: frozenset[str]
    unlike_training: bool = False


@dataclass(frozen=True, kw_only=True)
class LabelledAnswer:
    """An answer, and whether a reader calls it a refusal."""

    answer: str
    language: str
    refusal: bool


def read_labelled_prompts(path: Path) -> list[LabelledPrompt]:
    """The prompts of a file, in its order."""
    return [LabelledPrompt(**line | {"labels": frozenset(line["labels"])}) for line in _lines(path)]


def read_labelled_answers(path: Path) -> list[LabelledAnswer]:
    """The answers of a file, in its order."""
    return [LabelledAnswer(**line) for line in _lines(path)]


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    with path.open(encoding="utf-8") as file:
        yield from map(json.loads, file)
