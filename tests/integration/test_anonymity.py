"""Before the vote nothing that reaches the voter depends on which model answers: not a byte, not a beat."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import AsyncExitStack
from itertools import takewhile
from pathlib import Path
from typing import NamedTuple

import httpx2
import orjson
import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from arena.gateway.demo_faults import Fault
from arena.gateway.demo_server import DemoServer
from arena.gateway.demo_wire import Completion
from arena.tables import Vote
from tests.integration.conftest import Says, StartArena
from tests.integration.figures import say
from tests.integration.journeys import IMPATIENT, scan_battles
from tests.integration.planted import catalog_entry, planted_models, serving_planted, write_catalog
from tests.integration.recorder import Recorder, chunks
from tests.integration.serving import Serving, answered_battle, events, start_battle, vote

FRAME = 32  # characters of a side in one frame, as the settings have it
PARAGRAPHS = "\n\n".join(f"Paragraph {number} says **little**, but says it well." for number in range(12))
PARAGRAPHS = PARAGRAPHS[: len(PARAGRAPHS) // FRAME * FRAME]
ROWS = "\n".join(f"- row {number} of a list that is read aloud" for number in range(9)) + "\n\n"
StartUnequal = Callable[[str, str], Awaitable[Serving]]


class Frame(NamedTuple):
    """One server-sent event of one side."""

    side: str
    event: str
    block: int | None
    size: int


async def test_no_byte_before_the_vote_names_a_model(
    start_arena: StartArena,
    catalog: Path,
    monkeypatch: pytest.MonkeyPatch,
    pytestconfig: pytest.Config,
) -> None:
    """Pages, answers, events, refusals and headers of forty battles, with every fault met on the way."""
    models = planted_models(24)
    for model in models:
        monkeypatch.setenv(model.key_variable, model.key)
    async with serving_planted(models, catalog) as planted:
        arena = await start_arena(catalog=catalog, **IMPATIENT)
        scan = await scan_battles(arena.url, planted, battles=40, reveals=10, seed=1)
    say(pytestconfig, battles=len(scan.journeys), reveals=scan.reveals, bytes_scanned=scan.bytes_scanned)
    assert scan.leaked == set()
    assert set(planted.shown) == set(Fault)
    assert {journey.state for journey in scan.journeys} >= {"answered", "void"}


class Bursts(DemoServer):
    """Sends so many tokens of a model at once; one that sends single tokens is slow to say that this was all."""

    def __init__(self, models: Sequence[Says], tokens_at_once: dict[str, int]) -> None:
        super().__init__({model.name: model for model in models}, speed=1)
        self._tokens_at_once = tokens_at_once

    async def _paced_tokens(
        self, completion: Completion, fault: Fault | None
    ) -> AsyncIterator[tuple[int, str]]:
        size = self._tokens_at_once[completion.served_name]
        held = ""
        async for index, token in super()._paced_tokens(completion, fault):
            held += token
            if index % size == size - 1 or index == len(completion.tokens) - 1:
                yield index, held
                held = ""
        await asyncio.sleep(0.1 if size == 1 else 0)


async def beats_of(voter_of: Serving, *, format: str) -> list[list[Frame]]:
    """The frames of one turn as they left the server together: one list a write, each with side and size."""
    recorder = Recorder()
    async with recorder.client(voter_of.url) as voter:
        battle = await start_battle(voter)
        before = len(recorder.reads)
        seen = [event async for event in events(voter, battle["id"], format=format)]
    assert seen[-1]["data"] == {"state": "answered"}
    return [frames for _, body in chunks(recorder.reads[before:]) if (frames := list(_frames(body)))]


def _frames(body: bytes) -> Iterator[Frame]:
    for event in body.split(b"\n\n"):
        lines = dict(line.split(b": ", 1) for line in event.splitlines() if b": " in line)
        data = orjson.loads(lines.get(b"data", b"{}"))
        if "side" in data:
            size = len(data.get("text") or data.get("html") or "")
            yield Frame(data["side"], lines[b"event"].decode(), data.get("index"), size)


def _of(side: str, beat: Sequence[Frame]) -> list[tuple[str, int | None, int]]:
    return [(frame.event, frame.block, frame.size) for frame in beat if frame.side == side]


@pytest.fixture
async def start_unequal(start_arena: StartArena, catalog: Path) -> AsyncIterator[StartUnequal]:
    """Two models as different as servers can be: late, quick and in bursts; and at once, slow and steady."""
    async with AsyncExitStack() as stack:

        async def start(quick_text: str, steady_text: str) -> Serving:
            quick = Says("quick", quick_text, tokens_per_second=3000, first_token_milliseconds=400)
            steady = Says("steady", steady_text, tokens_per_second=350)
            server = Bursts([quick, steady], {"quick": 30, "steady": 1})
            url = await server.start()
            stack.push_async_callback(server.close)
            write_catalog(catalog, [catalog_entry(model.name, url) for model in (quick, steady)])
            return await start_arena(catalog=catalog)

        yield start


@pytest.mark.parametrize("format", ["text", "html"])
async def test_the_same_answer_comes_in_the_same_frames_whoever_writes_it(
    start_unequal: StartUnequal, format: str
) -> None:
    """Nothing but the words can tell two models apart: first and last frames, sizes and beats are the same."""
    assert len(PARAGRAPHS) % FRAME == 0, (
        "the end then coincides with a full frame, where it is hardest to hide"
    )
    beats = await beats_of(await start_unequal(PARAGRAPHS, PARAGRAPHS), format=format)
    assert len(beats) >= 4
    for beat in beats:
        assert _of("a", beat) == _of("b", beat) != []
    frames = [frame for beat in beats for frame in beat]
    assert frames[-1].event == "side_end"
    assert sum(frame.size for frame in frames if frame.event == "delta") == (format == "text") * 2 * len(
        PARAGRAPHS
    )


async def test_frames_are_equal_until_the_shorter_answer_ends(start_unequal: StartUnequal) -> None:
    longer, shorter = ROWS + PARAGRAPHS, ROWS
    beats = await beats_of(await start_unequal(longer, shorter), format="text")
    together = list(takewhile(lambda beat: _of("a", beat) and _of("b", beat), beats))
    for beat in together[:-1]:
        assert [frame.side for frame in beat] == ["a", "b"]
        assert _of("a", beat) == _of("b", beat)
    for beat in beats[len(together) :]:
        assert len({frame.side for frame in beat}) == 1
    sizes = [sum(frame.size for beat in together for frame in beat if frame.side == side) for side in "ab"]
    assert min(sizes) == len(shorter)
    assert max(sizes) - min(sizes) < FRAME


async def test_two_hundred_parallel_votes_are_one_vote(arena: Serving, session: AsyncSession) -> None:
    """The same verdict a hundred times and the other ones as often, all at once."""
    async with arena.client(limits=httpx2.Limits(max_connections=200)) as voter:
        battle = await answered_battle(voter)
        verdicts = ["model_a", "model_b", "model_a", "tie", "model_a", "both_bad"] * 34
        answers = await asyncio.gather(*(vote(voter, battle["id"], verdict) for verdict in verdicts[:200]))
    accepted = [answer.json() for answer in answers if answer.status_code == 201]
    assert Counter(answer.status_code for answer in answers) == {201: 1, 409: 199}
    assert {answer.json()["type"] for answer in answers if answer.status_code == 409} == {
        "/about/problems#already-voted"
    }
    stored = (await session.execute(select(Vote.winner, Vote.receipt))).all()
    assert [tuple(row) for row in stored] == [(accepted[0]["winner"], accepted[0]["receipt"])]
    assert not any("models" in answer.json() for answer in answers if answer.status_code == 409)


async def test_two_hundred_equal_votes_are_one_vote(arena: Serving, session: AsyncSession) -> None:
    """A double click, a replay, an impatient script."""
    async with arena.client(limits=httpx2.Limits(max_connections=200)) as voter:
        battle = await answered_battle(voter)
        answers = await asyncio.gather(*(vote(voter, battle["id"], "tie") for _ in range(200)))
    assert Counter(answer.status_code for answer in answers) == {201: 1, 409: 199}
    assert (await session.scalars(select(Vote.winner))).all() == ["tie"]
