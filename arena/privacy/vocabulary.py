"""Words that announce personal data, in many languages, and where in a text they stand."""

import re
import tomllib
from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from functools import lru_cache
from importlib import resources
from itertools import groupby
from typing import Final

VOCABULARY_FILE: Final = "vocabulary.toml"
_UNSPACED: Final = re.compile(
    r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]"
)


class Announcements:
    """Where the words of one topic begin and end in one text."""

    def __init__(self, pattern: re.Pattern[str], lower: str) -> None:
        found = [match.span() for match in pattern.finditer(lower)]
        self._starts = [start for start, _ in found]
        self._ends = [end for _, end in found]

    def __bool__(self) -> bool:
        return bool(self._starts)

    def before(self, place: int, *, within: int) -> bool:
        """Whether a word ends at most so many characters before the place."""
        index = bisect_right(self._ends, place)
        return index > 0 and place - self._ends[index - 1] <= within

    def after(self, place: int, *, within: int) -> bool:
        """Whether a word begins at most so many characters after the place."""
        index = bisect_left(self._starts, place)
        return index < len(self._starts) and self._starts[index] - place <= within


def announcements(topic: str, lower: str) -> Announcements:
    """The words of a topic in a text in small letters."""
    return Announcements(_pattern(topic), lower)


def words(topic: str) -> list[str]:
    """The words of a topic in all languages, as they stand in the file."""
    return [word.strip() for listed in _vocabulary()[topic].values() for word in listed.split(",")]


@lru_cache(maxsize=1)
def _vocabulary() -> dict[str, dict[str, str]]:
    source = resources.files("arena.privacy").joinpath(VOCABULARY_FILE)
    return tomllib.loads(source.read_text(encoding="utf-8"))


@lru_cache(maxsize=16)
def _pattern(topic: str) -> re.Pattern[str]:
    return compile_announcements(words(topic))


def compile_announcements(listed: Iterable[str]) -> re.Pattern[str]:
    """Whole words, or their beginnings where a star ends them; anywhere in scripts that do not part words."""
    known = sorted(set(listed))
    spaced = [word for word in known if not _UNSPACED.match(word)]
    unspaced = [word for word in known if _UNSPACED.match(word)]
    parts = [rf"(?<![^\W\d_])(?:{_by_first_sign(spaced)})"] if spaced else []
    return re.compile("|".join([*parts, *([_by_first_sign(unspaced)] if unspaced else [])]))


def _by_first_sign(listed: Iterable[str]) -> str:
    """One branch a first sign: most places of a text are then left after one look."""
    branches = []
    for first, group in groupby(sorted(listed), key=lambda word: word[0]):
        tails = sorted((_tail(word) for word in group), key=len, reverse=True)
        branches.append(f"{re.escape(first)}(?:{'|'.join(tails)})")
    return "|".join(branches)


def _tail(word: str) -> str:
    if word.endswith("*"):
        return re.escape(word[1:-1])
    return re.escape(word[1:]) + ("" if _UNSPACED.match(word[-1]) else r"(?![^\W\d_])")
