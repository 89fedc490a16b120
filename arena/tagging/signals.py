"""What can be seen of a prompt in any language: which concepts its words name, and its outer form."""

import re
import unicodedata
from collections.abc import Iterator, Mapping
from functools import lru_cache
from math import log1p
from typing import Final

from arena.tagging.lexicon import CONCEPTS, LEXICON

LONGEST_READ: Final = 3000
"""Characters of a prompt: what it asks stands at its beginning or, below pasted text, at its end."""

_UNSPACED: Final = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af"
)
_MARKS: Final = "\u0300-\u036f\u0591-\u05c7\u064b-\u065f\u200c\u0900-\u0dff"
"""Signs that belong to a letter before them, which Python does not count as parts of words."""
_WORD: Final = re.compile(
    rf"[{_UNSPACED}]+|[^\W_{_UNSPACED}](?:(?:[^\W{_UNSPACED}]|['+#.{_MARKS}-])*(?:[^\W{_UNSPACED}]|[+#{_MARKS}]))?"
)
_JOINTS: Final = re.compile(r"['.-]")
_FENCED: Final = re.compile(r"```.*?(?:```|\Z)", re.DOTALL)
_COUNT: Final = re.compile(
    r"\d+|one|two|three|four|five|six|seven|eight|nine|ten|twelve|ein\w*|zwei|drei|vier|fünf|sechs|acht|zehn|une?|deux|trois|"
    r"quatre|cinq|dix|uno?|una|dos|tres|cuatro|cinco|diez|uma?|dois|duas|três|quatro|dez|due|tre|quattro|cinque|otto|dieci|"
    r"één|twee|drie|vijf|tien|дв[ае]|три|четыре|пять|одно\w*|десять|iki|üç|beş|dua|tiga|lima|hai|ba|năm|دو|واحدة|दो|तीन"
)
_UNSPACED_MEASURE: Final = re.compile(
    r"(?:\d|[一二两三四五六七八九十百]) ?(?:个字|字|文字|文|句|行|段|点|条|글자|자 ?이내|자 ?이하|문장|줄|단어|คำ)"
)
_QUANTITY: Final = re.compile(r"(?<![a-zA-Z\d.])\d+(?:[.,]\d+)?")
_ASPECTS: Final = re.compile(r"[:：][^.:?!。？！\n]{10,300}")
_SHORT: Final = 60
"""Words: an exercise with numbers in it is shorter than this."""
_CLITICS: Final = re.compile(r"^(?:وال|بال|فال|كال|ال|لل|و|ب|ل|ف|ב|ה|ל|ו|ש)(?=\w{3})")
_SHORTEST_PREFIX: Final = 2
_LONGEST_ENDING: Final = 3
_LONGEST_PHRASE: Final = 4

FORMS: Final = (
    "measure",
    "quantities",
    "asked quantities",
    "aspects",
    "length",
    "lines",
    "sentences",
    "numbers",
    "commas",
    "question",
    "quotes",
    "fenced",
    "colon",
    "list",
    "capitals",
)


class _Words:
    """The lexicon, arranged for looking words up."""

    def __init__(self, lexicon: Mapping[str, str]) -> None:
        self.exact: dict[str, set[int]] = {}
        self.prefixes: dict[str, set[int]] = {}
        self.open_phrases: dict[str, set[int]] = {}
        self.suffixes: dict[str, set[int]] = {}
        unspaced: dict[str, set[int]] = {}
        for concept, words in enumerate(lexicon.values()):
            for entry in words.split():
                word = plain(entry.replace("_", " "))
                if re.search(f"[{_UNSPACED}]", word):
                    unspaced.setdefault(word, set()).add(concept)
                elif word.endswith("*") and " " in word:
                    self.open_phrases.setdefault(word[:-1], set()).add(concept)
                elif word.endswith("*"):
                    self.prefixes.setdefault(word[:-1], set()).add(concept)
                elif word.startswith("*"):
                    self.suffixes.setdefault(word[1:], set()).add(concept)
                else:
                    self.exact.setdefault(word, set()).add(concept)
        self.unspaced = unspaced
        self.unspaced_pattern = re.compile("|".join(sorted(map(re.escape, unspaced), key=len, reverse=True)))
        self.longest_prefix = max(map(len, self.prefixes))
        phrases = (*(word for word in self.exact if " " in word), *self.open_phrases)
        self.phrases = frozenset(phrase.split()[0] for phrase in phrases)


_HAS_UNSPACED: Final = re.compile(f"[{_UNSPACED}]")


def excerpt(prompt: str) -> str:
    """The part of a prompt that is read: all of it, or of a long one its beginning and its end."""
    if len(prompt) <= LONGEST_READ:
        return prompt
    half = LONGEST_READ // 2
    return f"{prompt[:half]}\n{prompt[-half:]}"


def plain(text: str) -> str:
    """Lower case, one Unicode form, straight apostrophes."""
    return unicodedata.normalize("NFKC", text).lower().replace("’", "'")


_WORDS: Final = _Words(LEXICON)


def is_unspaced(word: str) -> bool:
    """Whether the word is a run of signs of a script that does not part words."""
    return _HAS_UNSPACED.match(word) is not None


def without_code(text: str) -> str:
    """The text outside of fenced code."""
    return _FENCED.sub("\n", text)


def words_of(text: str) -> list[str]:
    """The words of a plain text; of scripts without spaces, whole runs."""
    return _WORD.findall(text)


def count_concepts(text: str, words: list[str]) -> list[int]:
    """How often each concept of the lexicon is named in a plain text."""
    counts = [0] * len(CONCEPTS)
    for word in words:
        for concept in _concepts_of(word):
            counts[concept] += 1
    for phrase in _phrases(words):
        for concept in _WORDS.exact.get(phrase, ()):
            counts[concept] += 1
        for end in range(len(phrase) - _LONGEST_ENDING, len(phrase) + 1):
            for concept in _WORDS.open_phrases.get(phrase[:end], ()):
                counts[concept] += 1
    if _HAS_UNSPACED.search(text):
        for found in _WORDS.unspaced_pattern.finditer(text):
            for concept in _WORDS.unspaced[found[0]]:
                counts[concept] += 1
    return counts


def _phrases(words: list[str]) -> Iterator[str]:
    for place, first in enumerate(words):
        if first in _WORDS.phrases:
            for end in range(place + 2, min(place + _LONGEST_PHRASE, len(words)) + 1):
                yield " ".join(words[place:end])


@lru_cache(maxsize=20_000)
def _concepts_of(word: str) -> tuple[int, ...]:
    found: set[int] = set()
    for form in {word, _CLITICS.sub("", word), *_JOINTS.split(word)}:
        found |= _WORDS.exact.get(form, set())
        for end in range(_SHORTEST_PREFIX, min(len(form), _WORDS.longest_prefix) + 1):
            found |= _WORDS.prefixes.get(form[:end], set()) | _WORDS.suffixes.get(form[-end:], set())
    return tuple(sorted(found))


def _count_measures(prompt: str, words: list[str]) -> int:
    """How often a number stands before a unit of text: 50 words, three sentences, 200字."""
    unit = CONCEPTS.index("unit")
    spaced = sum(
        bool(_COUNT.fullmatch(first)) and (unit in _concepts_of(second) or unit in _concepts_of(third))
        for first, second, third in zip(words, words[1:], [*words[2:], ""], strict=False)
    )
    return spaced + len(_UNSPACED_MEASURE.findall(prompt))


def measure_form(prompt: str, words: list[str]) -> list[float]:
    """The numbers named in `FORMS`, each between 0 and about 3."""
    quantities = len(_QUANTITY.findall(without_code(prompt)))
    asked = "```" not in prompt and any(mark in prompt for mark in "?？؟")
    size = len(words) + len(_HAS_UNSPACED.findall(prompt)) / 2
    return [
        log1p(_count_measures(prompt, words)),
        log1p(quantities),
        log1p(max(quantities - 1, 0)) * asked * (len(words) < _SHORT),
        log1p(
            sum(
                found.count(",") + found.count("、") + found.count("，") for found in _ASPECTS.findall(prompt)
            )
        ),
        log1p(size) / 2,
        log1p(prompt.count("\n")) / 2,
        log1p(len(re.findall(r"[.!?。！？।]", prompt))) / 2,
        log1p(len(re.findall(r"\d+", prompt))) / 2,
        log1p(prompt.count(",") + prompt.count("、") + prompt.count("，")) / 2,
        float(any(mark in prompt for mark in "?？؟")),
        float(bool(re.search(r"[\"“„«「『]", prompt))),
        float("```" in prompt),
        float(bool(re.search(r"[:：]\s", prompt))),
        float(bool(re.search(r"^[ \t]*(?:[-*•]|\d+[.)])\s", prompt, re.MULTILINE))),
        float(bool(re.search(r"\b[A-Z]{3,}\b", prompt))),
    ]
