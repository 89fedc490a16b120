from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arena.gateway.errors import BrokenStream
from arena.gateway.sse import Event, EventSplitter

line_text = st.text(st.characters(exclude_characters="\r\n", codec="utf-8"), max_size=12)
payloads = st.lists(st.lists(line_text, min_size=1, max_size=3), min_size=1, max_size=5)


def split(stream: bytes, cuts: list[int]) -> list[Event]:
    splitter, events, begin = EventSplitter(), [], 0
    for end in [*sorted(cut % (len(stream) + 1) for cut in cuts), len(stream)]:
        events += splitter.feed(stream[begin:end])
        begin = end
    return events + splitter.finish()


@given(payloads, st.sampled_from(["\n", "\r\n", "\r"]), st.lists(st.integers(0, 10_000), max_size=12))
def test_where_the_network_cuts_makes_no_difference(
    messages: list[list[str]], newline: str, cuts: list[int]
) -> None:
    stream = "".join(
        ": a comment" + newline + "".join(f"data: {line}{newline}" for line in lines) + newline
        for lines in messages
    ).encode()
    assert split(stream, cuts) == [Event("message", "\n".join(lines).encode()) for lines in messages]


def test_a_byte_at_a_time_is_as_good_as_all_at_once() -> None:
    stream = b"\xef\xbb\xbfevent: error\r\ndata: caf\xc3\xa9\r\n\r\ndata:x\n\n"
    expected = [Event("error", "café".encode()), Event("message", b"x")]
    assert split(stream, list(range(len(stream)))) == split(stream, []) == expected


def test_an_event_is_given_out_as_soon_as_it_is_complete() -> None:
    splitter = EventSplitter()
    assert splitter.feed(b"data: 1\r\n\r") == [Event("message", b"1")]
    assert splitter.feed(b"\ndata: 2\r\n\r\n") == [Event("message", b"2")]


@pytest.mark.parametrize("stream", [b"<html>\n\n", b"data 1\n\n", b"\x00\xff\n\n", b"nonsense: 1\n\n"])
def test_lines_that_are_no_fields_are_refused(stream: bytes) -> None:
    with pytest.raises(BrokenStream):
        EventSplitter().feed(stream)


def test_an_event_has_a_largest_size_whether_or_not_it_ends() -> None:
    for stream in (b"data: " + b"x" * 200, b"data: " + b"x" * 200 + b"\n\n"):
        with pytest.raises(BrokenStream) as caught:
            EventSplitter(maximum_event_bytes=100).feed(stream)
        assert "100 bytes" in caught.value.cause_text
