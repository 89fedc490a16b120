"""A battle from the first prompt to the last turn, through HTTP."""

import asyncio

import httpx2
import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from arena.battles import SideOutcome, TurnJob, finish_turn
from arena.checkpoints import CHECKPOINT_RESPONSES, CHECKPOINT_TURNS
from arena.db import Database
from arena.gateway.demo_faults import Fault
from arena.sweeps import declare_interrupted
from arena.tables import Battle, Response, Turn
from tests.integration.conftest import Says, StartArena, StartModels
from tests.integration.serving import (
    Serving,
    answered_battle,
    events,
    start_battle,
    text_of,
    vote,
    wait_until_settled,
)

LONG = "A sentence of forty characters, exactly. " * 60


async def test_battle_is_answered_and_hides_the_models(voter: httpx2.AsyncClient) -> None:
    battle = await answered_battle(voter)
    assert battle["state"] == "answered"
    assert battle["can_vote"]
    assert "models" not in battle
    responses = battle["turns"][0]["responses"]
    assert all(responses[side]["state"] == "answered" and responses[side]["text"] for side in "ab")


async def test_battle_stores_what_a_statistician_needs(
    voter: httpx2.AsyncClient, session: AsyncSession
) -> None:
    battle = await answered_battle(voter)
    stored = await session.get(Battle, battle["id"])
    assert stored is not None
    assert stored.propensity == pytest.approx(1 / 45)  # ten demo models
    assert stored.release_policy == "paced"
    assert stored.decoding["temperature"] == 0.7
    responses = (
        await session.scalars(select(Response).join(Turn).where(Turn.battle_id == battle["id"]))
    ).all()
    assert {response.finish_reason for response in responses} == {"stop"}
    assert all((response.total_milliseconds or 0) > 0 for response in responses)
    assert all((response.completion_tokens or 0) > 0 for response in responses)


async def test_another_voter_sees_nothing(arena: Serving, voter: httpx2.AsyncClient) -> None:
    battle = await answered_battle(voter)
    async with arena.client() as stranger:
        await start_battle(stranger)
        for method, path in (
            ("GET", ""),
            ("GET", "/events"),
            ("POST", "/stop"),
            ("POST", "/skip"),
            ("POST", "/retry"),
        ):
            answer = await stranger.request(method, f"/api/v1/battles/{battle['id']}{path}")
            assert answer.status_code == 404, path
        assert (await vote(stranger, battle["id"])).status_code == 404
    async with arena.client() as nobody:
        assert (await nobody.get(f"/api/v1/battles/{battle['id']}")).status_code == 404


async def test_events_carry_the_whole_text_in_equal_frames(start_models: StartModels, start_arena: StartArena,
                                                           catalog: object) -> None:  # fmt: skip
    """Under the paced release both sides get frames of the same size on the same beat, whoever is slower."""
    await start_models(
        Says("quick", LONG, tokens_per_second=4000), Says("leisurely", LONG, tokens_per_second=400), speed=1
    )
    arena = await start_arena(catalog=catalog)
    async with arena.client() as voter:
        battle = await start_battle(voter)
        seen = [event async for event in events(voter, battle["id"])]
        assert text_of(seen, "a") == text_of(seen, "b") == LONG
        assert seen[-1] == {"event": "turn_end", "id": seen[-1]["id"], "data": {"state": "answered"}}
        sizes = {side: [len(e["data"]["text"]) for e in seen if e["event"] == "delta" and e["data"]["side"] == side]
                 for side in "ab"}  # fmt: skip
        assert sizes["a"] == sizes["b"]
        sides = [event["data"]["side"] for event in seen if event["event"] == "delta"]
        assert sides == ["a", "b"] * (len(sides) // 2)


async def test_reader_resumes_where_it_left(voter: httpx2.AsyncClient, arena: Serving) -> None:
    battle = await start_battle(voter, "Explain recursion to a beginner.")
    first = [await anext(events(voter, battle["id"]))]
    rest = [event async for event in events(voter, battle["id"], last_event_id=first[-1]["id"])]
    settled = await wait_until_settled(voter, battle["id"])
    for side in "ab":
        assert text_of(first + rest, side) == settled["turns"][0]["responses"][side]["text"]
    path = f"/api/v1/battles/{battle['id']}/events"
    assert (await voter.get(path, headers={"Last-Event-ID": rest[-1]["id"]})).status_code == 204


async def test_reader_follows_from_another_process(start_models: StartModels, start_arena: StartArena,
                                                   catalog: object) -> None:  # fmt: skip
    """A process that does not own the turn follows its checkpoints, and resumes one that began elsewhere."""
    await start_models(Says("one", LONG, 500), Says("two", LONG, 500), speed=1)
    owner = await start_arena(catalog=catalog)
    other = await start_arena(catalog=catalog)
    async with owner.client() as voter:
        battle = await start_battle(voter)
        first = []
        async for event in events(voter, battle["id"]):
            first.append(event)
            if len(first) == 4:
                break
        async with other.client(cookies=voter.cookies) as elsewhere:
            rest = [event async for event in events(elsewhere, battle["id"], last_event_id=first[-1]["id"])]
        assert len(rest) > 3, "it followed, rather than waiting for the end"
        for side in "ab":
            assert text_of(first + rest, side) == LONG


async def test_html_blocks_equal_the_page(voter: httpx2.AsyncClient) -> None:
    from arena.web.markdown import render_markdown

    battle = await start_battle(voter, "Give me three ideas for a rainy Sunday.")
    blocks: dict[str, dict[int, str]] = {"a": {}, "b": {}}
    async for event in events(voter, battle["id"], format="html"):
        if event["event"] == "block":
            blocks[event["data"]["side"]][event["data"]["index"]] = event["data"]["html"]
    settled = await wait_until_settled(voter, battle["id"])
    for side in "ab":
        html = "".join(blocks[side][index] for index in sorted(blocks[side]))
        assert html == render_markdown(settled["turns"][0]["responses"][side]["text"])


async def test_second_turn_goes_to_the_same_pair_with_its_own_history(
    start_models: StartModels, start_arena: StartArena, catalog: object, session: AsyncSession
) -> None:
    asked: list[tuple[str, list[tuple[str, str]]]] = []

    class Remembers(Says):
        def reply(self, messages: object, seed: int | None) -> str:
            assert isinstance(messages, list | tuple)
            asked.append((self.name, [(m.role, m.content) for m in messages]))
            return self.text

    await start_models(Remembers("one", "It is one."), Remembers("two", "It is two."))
    arena = await start_arena(catalog=catalog)
    async with arena.client() as voter:
        battle = await answered_battle(voter, "first")
        answer = await voter.post(f"/api/v1/battles/{battle['id']}/turns", json={"prompt": "second"})
        assert answer.status_code == 201
        settled = await wait_until_settled(voter, battle["id"])
    assert [turn["prompt"] for turn in settled["turns"]] == ["first", "second"]
    second = dict(asked[2:])
    for name, said in (("one", "It is one."), ("two", "It is two.")):
        assert second[name] == [("user", "first"), ("assistant", said), ("user", "second")]


async def test_stop_ends_both_sides_where_the_voter_saw_them_end(
    start_models: StartModels, start_arena: StartArena, catalog: object, session: AsyncSession
) -> None:
    """What a faster model had written beyond the released text would tell it apart, so it is not kept."""
    server = await start_models(Says("quick", LONG, 2000), Says("slow", LONG, 40), speed=1)
    arena = await start_arena(catalog=catalog)
    async with arena.client() as voter:
        battle = await start_battle(voter)
        stream = events(voter, battle["id"])
        async for event in stream:
            if event["event"] == "delta" and event["id"].endswith(".64"):
                break
        stopped = (await voter.post(f"/api/v1/battles/{battle['id']}/stop")).json()
        assert stopped["state"] == "answered"
        assert stopped["turns"][0]["state"] == "stopped"
        texts = [stopped["turns"][0]["responses"][side]["text"] for side in "ab"]
        assert len(texts[0]) == len(texts[1]) >= 64
        cast = (await vote(voter, battle["id"])).json()
        assert cast["early"]
        await asyncio.sleep(0.2)
    assert sum(server.running.values()) == 0, "both upstream requests were cancelled"


async def test_stop_reaches_the_process_that_runs_the_turn(
    start_models: StartModels, start_arena: StartArena, catalog: object
) -> None:
    await start_models(Says("one", LONG, 200), Says("two", LONG, 200), speed=1)
    owner = await start_arena(catalog=catalog)
    other = await start_arena(catalog=catalog)
    async with owner.client() as voter:
        battle = await start_battle(voter)
        async for event in events(voter, battle["id"]):
            if event["event"] == "delta":
                break
        async with other.client(cookies=voter.cookies) as elsewhere:
            assert (await elsewhere.post(f"/api/v1/battles/{battle['id']}/stop")).status_code == 200
        settled = await wait_until_settled(voter, battle["id"])
        assert settled["turns"][0]["state"] == "stopped"


async def test_closed_tab_loses_nothing(
    start_models: StartModels, start_arena: StartArena, catalog: object
) -> None:
    await start_models(Says("one", LONG, 2000), Says("two", LONG, 2000), speed=1)
    arena = await start_arena(catalog=catalog)
    async with arena.client() as voter:
        battle = await start_battle(voter)
        async for _ in events(voter, battle["id"]):
            break
        settled = await wait_until_settled(voter, battle["id"])
        assert settled["turns"][0]["responses"]["a"]["text"] == LONG


async def test_graceful_stop_lets_the_turn_finish(
    start_models: StartModels, start_arena: StartArena, catalog: object, session: AsyncSession
) -> None:
    await start_models(Says("one", LONG, 1000), Says("two", LONG, 1000), speed=1)
    arena = await start_arena(catalog=catalog, shutdown_seconds=20)
    async with arena.client() as voter:
        battle = await start_battle(voter)
    await arena.stop()
    stored = await session.get(Battle, battle["id"])
    assert stored is not None
    assert stored.state == "answered"


async def test_failed_side_can_be_retried_once_then_the_battle_is_void(
    start_models: StartModels, start_arena: StartArena, catalog: object, session: AsyncSession
) -> None:
    server = await start_models(
        Says("good", "All is well here."), Says("bad", "never said"), faults={"bad": Fault.HTTP_500}
    )
    arena = await start_arena(catalog=catalog)
    async with arena.client() as voter:
        battle = await start_battle(voter)
        seen = [event async for event in events(voter, battle["id"])]
        problems = [event["data"] for event in seen if event["event"] == "error"]
        assert [problem["title"] for problem in problems] == ["No answer"]
        failed = await wait_until_settled(voter, battle["id"])
        assert failed["state"] == "failed"
        assert failed["can_retry"]
        assert (await vote(voter, battle["id"])).status_code == 409
        pair = (await session.execute(select(Battle.model_a_id, Battle.model_b_id))).one()

        assert (await voter.post(f"/api/v1/battles/{battle['id']}/retry")).status_code == 200
        void = await wait_until_settled(voter, battle["id"])
        assert void["state"] == "void"
        assert (await voter.post(f"/api/v1/battles/{battle['id']}/retry")).status_code == 409
        await session.rollback()
        assert (await session.execute(select(Battle.model_a_id, Battle.model_b_id))).one() == pair
    assert server.requests >= 3


async def test_retry_keeps_the_good_side_and_mends_the_bad_one(
    start_models: StartModels, start_arena: StartArena, catalog: object
) -> None:
    server = await start_models(
        Says("good", "Well."), Says("bad", "Better now."), faults={"bad": Fault.HTTP_500}
    )
    arena = await start_arena(catalog=catalog)
    async with arena.client() as voter:
        battle = await start_battle(voter)
        assert (await wait_until_settled(voter, battle["id"]))["state"] == "failed"
        server.faults.clear()
        await voter.post(f"/api/v1/battles/{battle['id']}/retry")
        mended = await wait_until_settled(voter, battle["id"])
        assert mended["state"] == "answered"
        texts = {mended["turns"][0]["responses"][side]["text"] for side in "ab"}
        assert texts == {"Well.", "Better now."}
        assert (await vote(voter, battle["id"])).json()["counted"]


async def test_turn_that_failed_before_the_vote_is_not_retried_after_it(
    start_models: StartModels, start_arena: StartArena, catalog: object
) -> None:
    server = await start_models(Says("good", "Well."), Says("bad", "Well, too."))
    arena = await start_arena(catalog=catalog)

    async def ask(prompt: str) -> bool:
        """Ask in vain, then make both models answer; returns whether the page offers another try."""
        server.faults["bad"] = Fault.HTTP_500
        await voter.post(f"{path}/turns", json={"prompt": prompt})
        await wait_until_settled(voter, battle["id"])
        server.faults.clear()
        return await offers_retry()

    async def offers_retry() -> bool:
        return f"/b/{battle['id']}/retry" in (await voter.get(f"/b/{battle['id']}")).text

    async with arena.client() as voter:
        battle = await answered_battle(voter)
        path = f"/api/v1/battles/{battle['id']}"
        assert await ask("And before the vote?")
        assert (await vote(voter, battle["id"])).status_code == 201
        assert not await offers_retry()
        refused = await voter.post(f"{path}/retry")
        assert (refused.status_code, refused.json()["title"]) == (409, "Battle closed")
        assert await ask("And after the reveal?")
        assert (await voter.post(f"{path}/retry")).status_code == 200
        turns = (await wait_until_settled(voter, battle["id"]))["turns"]
    assert [turn["state"] for turn in turns] == ["answered", "failed", "answered"]


async def test_skip_closes_without_names(voter: httpx2.AsyncClient) -> None:
    battle = await answered_battle(voter)
    skipped = (await voter.post(f"/api/v1/battles/{battle['id']}/skip")).json()
    assert skipped["state"] == "skipped"
    assert "models" not in skipped
    assert (await vote(voter, battle["id"])).status_code == 409
    assert (await voter.post(f"/api/v1/battles/{battle['id']}/skip")).status_code == 409


async def test_no_two_models_no_battle(start_arena: StartArena, session: AsyncSession) -> None:
    arena = await start_arena(demo=False)
    async with arena.client() as voter:
        answer = await voter.post("/api/v1/battles", json={"prompt": "hello"})
        assert answer.status_code == 503
        assert answer.json()["title"] == "No models"
        assert (await voter.get("/readyz")).status_code == 503
        assert "Fewer than two models can answer right now" in (await voter.get("/")).text
    assert (await session.scalars(select(Battle))).all() == []


async def test_stop_and_retry_are_no_way_around_the_limit(
    start_models: StartModels, start_arena: StartArena, catalog: object
) -> None:
    server = await start_models(Says("one", LONG, 100, 60_000), Says("two", LONG, 100, 60_000), speed=1)
    arena = await start_arena(catalog=catalog, battles_per_hour=3)
    async with arena.client() as voter:
        battle = await start_battle(voter)
        statuses = []
        for _ in range(5):
            await voter.post(f"/api/v1/battles/{battle['id']}/stop")
            statuses.append((await voter.post(f"/api/v1/battles/{battle['id']}/retry")).status_code)
    assert statuses[0] == 200
    assert set(statuses[1:]) == {409}
    assert server.requests == 4


async def test_silent_turn_ends_where_the_voter_saw_it_end(
    start_models: StartModels, start_arena: StartArena, catalog: object, database: Database
) -> None:
    """After a crash too, nothing tells which model had written more."""
    await start_models(Says("quick", LONG, 2000), Says("slow", LONG, 40), speed=1)
    arena = await start_arena(catalog=catalog)
    async with arena.client() as voter:
        battle = await start_battle(voter)
        async for event in events(voter, battle["id"]):
            if event["id"].endswith(".64"):
                break
        await asyncio.sleep(0.3)  # a checkpoint
        async with database.sessions.begin() as session:
            assert await declare_interrupted(session, 0) == 1
        read = (await voter.get(f"/api/v1/battles/{battle['id']}")).json()
        responses = read["turns"][0]["responses"]
        assert read["state"] == "interrupted"
        assert responses["a"]["state"] == responses["b"]["state"] == "interrupted"
        assert len(responses["a"]["text"]) == len(responses["b"]["text"]) > 0


async def test_answer_that_ends_during_a_checkpoint_does_not_deadlock(
    start_models: StartModels, start_arena: StartArena, catalog: object, database: Database
) -> None:
    await start_models(Says("one", LONG, 40), Says("two", LONG, 40), speed=1)
    arena = await start_arena(catalog=catalog, checkpoint_seconds=60)
    async with arena.client() as voter:
        battle = await start_battle(voter)
    async with database.sessions() as saving, database.sessions() as finishing:
        turn = (await saving.scalars(select(Turn).where(Turn.battle_id == battle["id"]))).one()
        job = TurnJob(
            battle_id=battle["id"], turn_id=turn.id, index=0, attempt=1, release_policy="raw", requests={}
        )
        outcome = SideOutcome(state="answered", text="391")
        await saving.execute(CHECKPOINT_TURNS, {"turns": [turn.id], "attempts": [1]})

        async def finish_and_commit() -> None:
            assert await finish_turn(finishing, job, {"a": outcome, "b": outcome}) == "answered"
            await finishing.commit()

        finish = asyncio.create_task(finish_and_commit())
        await asyncio.sleep(0.3)  # as far as the row of the turn lets it come
        assert not finish.done()
        both = {"turns": [turn.id] * 2, "sides": ["a", "b"], "texts": ["3", "3"], "released": [1, 1]}
        await saving.execute(CHECKPOINT_RESPONSES, both)
        await saving.commit()
        await finish
