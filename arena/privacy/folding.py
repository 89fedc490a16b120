"""A text as the detectors read it: as long as the original, with one writing of digits, spaces and dashes."""

import re
import sys
import unicodedata
from collections.abc import Iterator, Set
from dataclasses import dataclass
from functools import cached_property, lru_cache

from arena.privacy.kinds import PLACEHOLDER

_SPACES = "\t\u00a0\u1680\u180e\u202f\u205f\u3000" + "".join(map(chr, range(0x2000, 0x200B)))
_INVISIBLE = (
    "\u061c\u200b\u200c\u200d\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2060\u2066\u2067\u2068\u2069\ufeff"
)
_DASHES = "\u2010\u2011\u2012\u2013\u2014\u2015\u2212\ufe58\ufe63\u00ad"
_FULL_WIDTH = range(0xFF01, 0xFF5F)
_WITHIN_WORDS = re.compile(rf"(?<=[A-Za-z0-9@._%+-])[{_INVISIBLE}]+(?=[A-Za-z0-9@._%+-])")
_FILLER = "\0"
# Patterns for long texts begin with a sign that they take and look behind it only then: so they are searched for fast.
_DIGITS = re.compile(r"[0-9](?:(?:[^0-9]{0,3}[0-9]){5,}|(?<=[A-Za-z]{5}[0-9])[0-9]{3}[A-Za-z])")
_NUMBER = re.compile(r"[0-9(+](?<![A-Za-z0-9_].)(?=(?:[ ./()\n+-]{0,6}[0-9]){6})", re.DOTALL)
_MARGIN = 40  # wider than what any pattern takes on either side of its digits
ANNOUNCED = frozenset({"phone", "identity"})
"""Topics of words near numbers."""
TOPICS = frozenset({"at", "digits", "network", "secret", "birth", "address", "name"}) | ANNOUNCED


@dataclass(frozen=True)
class Folded:
    """Both writings are as long as the text they were made of, so that places in them are places in it."""

    text: str
    lower: str
    topics: Set[str]
    """What the text may speak of: nothing else is looked for."""
    unseen: tuple[int, ...] = ()
    """Places of invisible signs within Latin words and addresses, which only blanks stand for here."""

    @cached_property
    def windows(self) -> tuple[tuple[int, int], ...]:
        """Places with several digits close together, and what stands around them."""
        return tuple(_windows(self.text))

    @cached_property
    def _numbers(self) -> tuple[tuple[int, int], ...]:
        """Where a number of seven or more digits may begin, and where its window ends."""
        return tuple(
            (match.start(), end)
            for start, end in self.windows
            for match in _NUMBER.finditer(self.text, start, end)
        )

    def matches(self, pattern: re.Pattern[str]) -> Iterator[re.Match[str]]:
        """Matches of a pattern that needs several digits."""
        for start, end in self.windows:
            yield from pattern.finditer(self.text, start, end)

    def numbers(self, pattern: re.Pattern[str], first: str) -> Iterator[re.Match[str]]:
        """Matches of a pattern that needs seven digits and begins with one of these signs, not after a letter."""
        taken = 0
        for start, end in self._numbers:
            if start >= taken and self.text[start] in first:
                match = pattern.match(self.text, start, end)
                if match:
                    taken = match.end()
                    yield match


def fold(text: str, topics: Set[str] = TOPICS) -> Folded:
    """One sign for one sign; earlier placeholders become signs that no detector takes."""
    folded = text if text.isascii() else text.translate(_one_for_one())
    if "[" in folded:
        folded = PLACEHOLDER.sub(lambda found: _FILLER * len(found[0]), folded)
    unseen: tuple[int, ...] = ()
    if "at" in topics and not text.isascii():
        unseen = tuple(place for run in _WITHIN_WORDS.finditer(text) for place in range(*run.span()))
    return Folded(folded, folded.lower(), topics, unseen)


def _windows(folded: str) -> Iterator[tuple[int, int]]:
    start = end = 0
    for match in _DIGITS.finditer(folded):
        if match.start() - _MARGIN > end:
            if end:
                yield start, end
            start = max(0, match.start() - _MARGIN)
        end = match.end() + _MARGIN
    if end:
        yield start, end


@lru_cache(maxsize=1)
def _one_for_one() -> dict[int, str]:
    digits = {
        sign: str(unicodedata.digit(chr(sign)))
        for sign in range(0x80, sys.maxunicode + 1)
        if unicodedata.category(chr(sign)) == "Nd"
    }
    full_width = {sign: chr(sign - 0xFEE0) for sign in _FULL_WIDTH}
    blanks = dict.fromkeys(map(ord, _SPACES + _INVISIBLE), " ")
    dashes = dict.fromkeys(map(ord, _DASHES), "-")
    # The one letter whose small form is longer than itself.
    return digits | full_width | blanks | dashes | {ord("İ"): "I"}
