"""Prompts that are alike share a digest; others do not."""

import pytest

from arena.tagging import prompt_digest


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Hello, world!", "hello   world"),
        ("What's up?", "Whats up"),
        ("ＡＢＣ", "abc"),
        ("ﬁne\u200b", "fine"),
        ("Straße", "STRASSE"),
        ("你好！", "你好"),
        ("line\none", "line one"),
    ],
)
def test_alike(one: str, other: str) -> None:
    assert prompt_digest(one) == prompt_digest(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("What is 2*3?", "What is 2/3?"),
        ("Is 1.5 more?", "Is 15 more?"),
        ("???", "!!!"),
        ("", " ."),
        ("a + b", "a b"),
        ("🙂", "🙁"),
        ("résumé", "resume"),
    ],
)
def test_different(one: str, other: str) -> None:
    assert prompt_digest(one) != prompt_digest(other)


def test_a_digest_is_short_hex_and_the_same_everywhere() -> None:
    assert (
        prompt_digest("Hello, world!") == prompt_digest("hello world") == "e9a804b2e527fd3601d2ffc0bb023cd6"
    )
    assert len(prompt_digest("\ud800")) == 32
