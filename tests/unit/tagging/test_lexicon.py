"""Every entry of the lexicon can be found in a text."""

import pytest

from arena.tagging import signals
from arena.tagging.lexicon import CONCEPTS, LEXICON

ENTRIES = sorted({(concept, entry) for concept, entries in LEXICON.items() for entry in entries.split()})


def test_every_entry_is_found_where_it_stands() -> None:
    lost = []
    for concept, entry in ENTRIES:
        text = signals.plain(f"x {entry.replace('_', ' ').strip('*')} x")
        if not signals.count_concepts(text, signals.words_of(text))[CONCEPTS.index(concept)]:
            lost.append(entry)
    assert lost == []


@pytest.mark.parametrize(
    ("text", "concept"),
    [
        ("eine python-funktion", "code"),
        ("python'da yaz", "code"),
        ("用python写", "code"),
        ("ein liebesgedicht", "creative form"),
        ("القصيدة", "creative form"),
        ("एक कविता", "creative form"),
        ("regular expressions", "code"),
        ("50 words", "unit"),
    ],
)
def test_words_are_found_in_their_forms(text: str, concept: str) -> None:
    assert signals.count_concepts(text, signals.words_of(text))[CONCEPTS.index(concept)] > 0


def test_numbers_before_a_unit_of_text_are_a_measure() -> None:
    place = signals.FORMS.index("measure")
    for text in ("in 50 words", "drei kurze sätze", "不超过100字", "200文字以内", "10글자 이하"):
        assert signals.measure_form(text, signals.words_of(text))[place] > 0
    for text in ("50 dollars", "three words is what i said"[6:], "第三章"):
        assert signals.measure_form(text, signals.words_of(text))[place] == 0


def test_of_a_long_prompt_both_ends_are_read() -> None:
    read = signals.excerpt("first " + "x" * 9000 + " last")
    assert read.startswith("first")
    assert read.endswith("last")
    assert len(read) <= signals.LONGEST_READ + 1
