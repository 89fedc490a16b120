"""The release of a running turn: one clock, equal frames, places to resume from."""

import asyncio
from contextlib import aclosing

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arena.settings import ReleasePolicy
from arena.streams import Checkpoint, Frame, LiveTurn, Position, Release
from arena.tables import SIDES, Side


def turn(policy: ReleasePolicy = "paced", characters: int = 4) -> LiveTurn:
    return LiveTurn("battle", 0, Release(policy=policy, interval_seconds=0.001, characters=characters))


def released(live: LiveTurn) -> tuple[str, str]:
    return live.released_text("a"), live.released_text("b")


def test_both_sides_wait_for_the_slower() -> None:
    live = turn()
    live.write("a", "a long answer")
    live.tick()
    assert released(live) == ("", "")
    live.write("b", "short")
    live.tick()
    assert released(live) == ("a lo", "shor")
    live.tick()
    assert released(live) == ("a lo", "shor"), "less than a frame is left on the slower side"
    live.end("b")
    live.tick()
    assert released(live) == ("a long a", "short")


def test_together_shows_all_or_nothing() -> None:
    live = turn("together")
    live.write("a", "one")
    live.write("b", "two")
    live.end("a")
    live.tick()
    assert released(live) == ("", "")
    live.end("b")
    live.tick()
    assert released(live) == ("one", "two")


def test_raw_shows_text_as_it_comes() -> None:
    live = turn("raw")
    live.write("a", "x")
    assert released(live) == ("x", "")


@given(
    writes=st.lists(st.tuples(st.sampled_from(SIDES), st.text(min_size=1, max_size=9)), max_size=30),
    beats=st.lists(st.integers(0, 3), max_size=30),
)
def test_frames_are_equal_until_the_shorter_answer_ends(
    writes: list[tuple[Side, str]], beats: list[int]
) -> None:
    live = turn()
    sizes: dict[Side, list[int]] = {"a": [], "b": []}

    def beat() -> None:
        before = {side: live.sides[side].released for side in SIDES}
        live.tick()
        for side in SIDES:
            if live.sides[side].released > before[side]:
                sizes[side].append(live.sides[side].released - before[side])

    for (side, text), count in zip(writes, beats + [0] * len(writes), strict=False):
        live.write(side, text)
        for _ in range(count):
            beat()
    live.finish("answered")
    while not live.through:
        beat()
    texts = {side: "".join(text for where, text in writes if where == side) for side in SIDES}
    assert released(live) == (texts["a"], texts["b"])
    for side in SIDES:
        assert set(sizes[side][:-1]) <= {4}, "every frame but the last has one size"


async def read(live: LiveTurn, start: Position) -> list[Frame]:
    frames: list[Frame] = []
    async with aclosing(live.beats(start)) as beats, asyncio.timeout(5):
        async for beat in beats:
            frames.extend(beat)
    return frames


def text_of(frames: list[Frame], side: Side) -> str:
    return "".join(frame.text for frame in frames if frame.kind == "delta" and frame.side == side)


async def test_reader_gets_everything_and_the_ends() -> None:
    live = turn()
    reading = asyncio.create_task(read(live, Position(0)))
    clock = asyncio.create_task(live.run_clock())
    for piece in ("Hello ", "from ", "both."):
        for side in SIDES:
            live.write(side, piece)
        await asyncio.sleep(0.005)
    live.end("a")
    live.end("b", failed=True)
    live.finish("failed")
    frames = await reading
    await clock
    assert text_of(frames, "a") == text_of(frames, "b") == "Hello from both."
    assert {frame.kind: frame.side for frame in frames if "side" in frame.kind} == {
        "side_end": "a",
        "side_failed": "b",
    }
    assert (frames[-1].kind, frames[-1].state) == ("turn_end", "failed")


@given(at=st.integers(0, 40))
async def test_reader_resumes_at_any_frame(at: int) -> None:
    live = turn("raw")
    for number in range(10):
        live.write("a", f"{number},")
        live.write("b", f"<{number}>")
    live.finish("answered")
    whole = await read(live, Position(0))
    place = Position.parse(str(whole[min(at, len(whole) - 1)].position), turn=0, attempt=1)
    rest = await read(live, place)
    assert live.sides["a"].text == live.sides["a"].text[: place.a] + text_of(rest, "a")
    assert live.sides["b"].text == live.sides["b"].text[: place.b] + text_of(rest, "b")


@pytest.mark.parametrize(
    "value", [None, "", "0.1.2", "1-1.3.4", "0-2.3.4", "0-1.3", "0-1.-3.4", "0-1.3.9999999999999", "x"]
)
def test_place_that_is_not_ours_means_the_start(value: str | None) -> None:
    assert Position.parse(value, turn=0, attempt=1) == Position(0)


async def test_silence_is_kept_alive(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("arena.streams.KEEPALIVE_SECONDS", 0.01)
    live = turn()
    async with aclosing(live.beats(Position(0))) as beats, asyncio.timeout(5):
        assert await anext(beats) == []


def test_mirror_shows_what_its_owner_released_and_no_more() -> None:
    live = turn("raw")
    live.mirror(Checkpoint(state=None, texts={"a": "abcdef", "b": "uvwxyz"}, released={"a": 2, "b": 2}))
    assert released(live) == ("ab", "uv")
    live.mirror(
        Checkpoint(state="answered", texts={"a": "abcdefg", "b": "uvwxyz"}, released={"a": 4, "b": 4})
    )
    assert released(live) == ("abcdefg", "uvwxyz")
    assert live.through
