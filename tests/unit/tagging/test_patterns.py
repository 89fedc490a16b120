"""Patterns of operators: dangerous ones are refused, words are found whole."""

import re
from time import process_time

import pytest

from arena.tagging.patterns import LONGEST_SEARCHED, compile_pattern, compile_words

SAFE = [
    r"\b(?:oven|stove)s?\b",
    "foo.*bar",
    "(?:very )*good",
    "(a|b)+c",
    r"(?<=x)foo.{0,60}bar",
    r"[a-z]+ing\b",
    r"(x)?(?(1)y|z)",
    "a++b++c++d",
    "(?>a+b)c",
]
SLOW = [
    "(a+)+b",
    r"(\w+\s?)*!",
    "(a|aa)+$",
    "(?:a|a)*b",
    "foo.*bar.*baz",
    "((a{1,9}){1,9}){1,9}b",
    r"(.*)(.*)(.*)\1x",
    "(?=(a+)+b)c",
]


@pytest.mark.parametrize("pattern", SAFE)
def test_a_safe_pattern_is_quick_on_hard_texts(pattern: str) -> None:
    compiled = compile_pattern(pattern)
    for text in ("a" * LONGEST_SEARCHED, "foo" * (LONGEST_SEARCHED // 3), "very " * (LONGEST_SEARCHED // 5)):
        started = process_time()
        compiled.search(text)
        assert process_time() - started < 2


@pytest.mark.parametrize("pattern", SLOW)
def test_a_pattern_that_may_take_long_is_refused(pattern: str) -> None:
    with pytest.raises(ValueError, match=r"write \.\{0,60\} for \.\*"):
        compile_pattern(pattern)


@pytest.mark.parametrize(
    ("pattern", "said"),
    [
        ("(", "is no regular expression: missing \\)"),
        ("a*", "matches the empty text"),
        ("", "has 0 characters"),
        ("a" * 1001, "has 1001 characters"),
        ("a{99999999999}", "is no regular expression"),
    ],
)
def test_a_bad_pattern_is_refused_with_a_reason(pattern: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        compile_pattern(pattern)


def test_case_does_not_matter() -> None:
    assert compile_pattern("recipe").search("RECIPE")


def test_words_are_found_whole() -> None:
    words = compile_words(["recipe", "料理", "C++", "pot roast"])
    found = ["A RECIPE!", "私の料理が好き", "my c++ code", "a pot roast.", "recipe"]
    assert [text for text in found if not words.search(text)] == []
    assert [
        text for text in ("recipes", "prerecipe", "abc++", "potroast", "pot roasts") if words.search(text)
    ] == []


def test_signs_of_a_word_are_no_pattern() -> None:
    assert not compile_words(["a.c"]).search("abc")
    assert isinstance(compile_words(["(", "["]), re.Pattern)
