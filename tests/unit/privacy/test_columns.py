"""Columns and single texts come to the same; a second time changes nothing; hostile texts take no longer."""

import time

import pyarrow as pa  # type: ignore[import-untyped]
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arena.privacy import KINDS, redact, redact_column
from arena.privacy.candidates import candidates, topics
from arena.privacy.columns import find_in_all
from arena.privacy.folding import ANNOUNCED, TOPICS, fold
from arena.privacy.kinds import PLACEHOLDER
from arena.privacy.planted import negatives, planted_texts
from arena.privacy.redaction import find, replace

PIECES = st.sampled_from(
    [*(kind.placeholder for kind in KINDS), "tel ", "phone ", "ssn ", "my name is ", "Anna", "ana", "@",
     "%40", "&#64;", "\\", "\u200b", "example.org",
     " (at) ", " at ", " dot ", "+49", "171", "4567890", " ", "-", ".", "(", ")", "\n", "4111", "1111", "DE89", "0130",
     "93.184", ".216.34", "://", "u:p4ss", "sk-", "0049", "12", "Street", "born ", "1985", "电话", "٥", "５", "é",
     "İ", "[", "]"]
)  # fmt: skip


def texts_in_pieces() -> st.SearchStrategy[str]:
    return st.lists(PIECES, max_size=30).map("".join)


@settings(max_examples=80, deadline=None)
@given(texts_in_pieces() | st.text())
def test_a_second_time_changes_nothing(text: str) -> None:
    once = redact(text)
    twice = redact(once.text)
    assert (twice.text, twice.found) == (once.text, {})
    assert (once.text != text) == bool(once.found)


@settings(max_examples=25, deadline=None)
@given(st.lists(texts_in_pieces(), min_size=1, max_size=5))
def test_a_column_gives_what_its_texts_give(texts: list[str]) -> None:
    column = redact_column(pa.array(texts, pa.string()))
    alone = [redact(text) for text in texts]
    assert column.texts.to_pylist() == [each.text for each in alone]
    assert column.changed.to_pylist() == [bool(each.found) for each in alone]
    assert column.kinds == {place: each.found for place, each in enumerate(alone) if each.found}
    assert column.found.total() == sum(sum(each.found.values()) for each in alone)


def test_planted_texts_and_negatives_pass_the_sieve_wherever_something_is_found() -> None:
    texts = [*(each.text for each in planted_texts()), *negatives()]
    sieved = find_in_all(pa.array(texts))
    assert sum(map(bool, sieved)) > 2000
    assert [text for text, found in zip(texts, sieved, strict=True) if found != find(fold(text))] == []


@settings(max_examples=25, deadline=None)
@given(st.lists(texts_in_pieces(), min_size=1, max_size=5))
def test_automata_of_long_columns_pass_what_a_closer_look_finds(texts: list[str]) -> None:
    long = [*texts, "1234567 " * 2000]
    assert find_in_all(pa.array(long))[: len(texts)] == find_in_all(pa.array(texts))


@pytest.mark.parametrize(
    "text",
    [
        "The task: bonheur. That is what will occur.",
        "at every point in space",
        "@return a desk. Please",
        "@app.get",
    ],
)
def test_words_within_words_are_no_signs(text: str) -> None:
    assert candidates(pa.array([text])).to_pylist() == [False]


def test_topics_are_all_known() -> None:
    seen = topics(pa.array([each.text for each in planted_texts()]))
    assert frozenset().union(*seen) == TOPICS - ANNOUNCED


def test_nulls_types_and_chunks_are_kept() -> None:
    column = pa.chunked_array([["ana@example.org", None], ["plain"], []], pa.large_string())
    redacted = redact_column(column)
    assert redacted.texts.to_pylist() == ["[email]", None, "plain"]
    assert redacted.texts.type == pa.large_string()
    assert redacted.changed.to_pylist() == [True, False, False]
    assert redacted.found == {"email": 1}
    assert redact_column(pa.array([], pa.string())).texts.to_pylist() == []


def test_a_column_of_numbers_is_refused() -> None:
    with pytest.raises(TypeError, match="column of int64"):
        redact_column(pa.array([1]))


def test_no_placeholder_is_found_again() -> None:
    text = "phone [phone] my name is [name] 12 [address] [email]@[email] " * 3
    assert redact(text).found == {}
    assert all(PLACEHOLDER.fullmatch(kind.placeholder) for kind in KINDS)


HOSTILE = [
    "a", "1", "1 ", "12 ", "123-", "+1 ", "+", "(", "a@", "@a.", "a.", "a@b.", "0049 ", "1:", "ab:", "ab-", "1.",
    "://a:", "a://", "a at b dot ", "a (at) b", "DE89", "DE89 ", "4111 ", "tel 1", "ssn 1 ", "Aa ", "12 Aa ", "via a ",
    "calle a ", "sk-", "eyJ", "eyJa.", "-----BEGIN PRIVATE KEY-----", "key=", "my name is ", "I was born ", "ул. а ",
    "我叫", "市区1", "시 로 ", "1234567 ", "+4917145678 ", "111222333 bsn ", "\n", " ", "[", "[email]", "12345678A ",
    "a 1 Sok. ", "شارع 1 ", "93.184.216.34 ", "2a00:", "::", "0 30 / ", "Apt 1, ", "1-1-1 ",
    "a%40", "%40a.", "a\u200b", "4111111111111111 ", "4111111111111111\n", "+49 171 4567890\n",
]  # fmt: skip


def cpu_seconds(text: str) -> float:
    """The best of three: what else runs on the machine only adds to it."""
    measured = []
    for _ in range(3):
        started = time.process_time()
        find(fold(text))
        measured.append(time.process_time() - started)
    return min(measured)


# Those that once took the square of their length, and some more; all of them in `make test-slow`.
OFTEN = ("a@", "0049 ", "+4917145678 ", "4111111111111111 ", "sk-", " ")


@pytest.mark.parametrize(
    "piece", [pytest.param(piece, marks=() if piece in OFTEN else pytest.mark.slow) for piece in HOSTILE]
)
def test_time_grows_no_faster_than_the_text(piece: str) -> None:
    cpu_seconds(piece * 100)
    short, long = (cpu_seconds(piece * (size // len(piece))) for size in (10_000, 40_000))
    assert long < 12 * max(short, 0.004)


@pytest.mark.slow
@pytest.mark.parametrize(
    "piece", ["111222333 bsn ", "12345678 dni ", "X1234567L nie ", "aadhaar 2345 6789 0123 "]
)
def test_numbers_with_their_words_take_no_longer_than_numbers_alone(piece: str) -> None:
    cpu_seconds(piece)
    alone = cpu_seconds("123 4567 " * 10_000)
    assert cpu_seconds(piece * (90_000 // len(piece))) < 2 * alone


@pytest.mark.parametrize("piece", ["0049 ", "4111111111111111 ", "4111 1111 1111 1111 "])
def test_numbers_in_a_row_need_no_look_for_each(piece: str) -> None:
    text = piece * 100
    findings = find(fold(text))
    assert len(findings) > 20
    assert find(fold(replace(text, findings))) == []
