"""One vote a battle, before the reveal only, by its own voter only, and always told whether it counts."""

from collections.abc import Sequence

import httpx2
import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from arena.catalog import register_endpoint
from arena.db import Database
from arena.gateway.demo_faults import Fault
from arena.gateway.openai_chat import Message
from arena.tables import Battle, Vote, Voter
from arena.voters import SIMULATED_HEADER
from tests.integration.conftest import Says, StartArena, StartModels
from tests.integration.serving import Serving, answered_battle, events, start_battle, vote, wait_until_settled


async def test_vote_reveals_the_names_and_gives_a_receipt(voter: httpx2.AsyncClient) -> None:
    battle = await answered_battle(voter)
    cast = await vote(voter, battle["id"], "tie")
    assert cast.status_code == 201
    said = cast.json()
    assert said["winner"] == "tie"
    assert {said["models"][side]["organization"] for side in "ab"} == {"Arena demo"}
    assert (said["counted"], said["reason"]) == (False, "demo_models")
    assert len(said["receipt"]) == 24
    read = (await voter.get(f"/api/v1/battles/{battle['id']}")).json()
    assert read["state"] == "voted"
    assert {side: read["models"][side]["name"] for side in "ab"} == {
        side: said["models"][side]["name"] for side in "ab"
    }


async def test_vote_on_real_models_counts(
    start_models: StartModels, start_arena: StartArena, catalog: object
) -> None:
    await start_models(Says("one", "Yes."), Says("two", "No."))
    arena = await start_arena(catalog=catalog)
    async with arena.client() as voter:
        battle = await answered_battle(voter)
        body = {"winner": "model_b", "reasons": ["clear", "correct"]}
        said = (await voter.post(f"/api/v1/battles/{battle['id']}/vote", json=body)).json()
        assert (said["counted"], said["reason"], said["early"]) == (True, None, False)
        assert said["reasons"] == ["clear", "correct"]


async def test_second_vote_is_refused_and_changes_nothing(
    voter: httpx2.AsyncClient, session: AsyncSession
) -> None:
    battle = await answered_battle(voter)
    assert (await vote(voter, battle["id"], "model_a")).status_code == 201
    again = await vote(voter, battle["id"], "model_b")
    assert again.status_code == 409
    assert again.json()["type"].endswith("#already-voted")
    assert (await session.scalars(select(Vote.winner))).all() == ["model_a"]


async def test_constraint_stands_behind_the_statement(
    voter: httpx2.AsyncClient, session: AsyncSession
) -> None:
    battle = await answered_battle(voter)
    await vote(voter, battle["id"])
    copy = "INSERT INTO vote (battle_id, voter_id, winner, counted, reason, receipt) "
    copy += "SELECT battle_id, voter_id, winner, counted, reason, receipt FROM vote"
    with pytest.raises(IntegrityError):
        await session.execute(text(copy))


async def test_no_vote_before_both_answers(
    start_models: StartModels, start_arena: StartArena, catalog: object
) -> None:
    await start_models(Says("one", "word " * 500, 50), Says("two", "word " * 500, 50), speed=1)
    arena = await start_arena(catalog=catalog)
    async with arena.client() as voter:
        battle = await start_battle(voter)
        early = await vote(voter, battle["id"])
        assert early.status_code == 409
        assert early.json()["type"].endswith("#still-answering")
        assert '"models"' not in early.text


async def test_vote_in_a_later_turn_stops_it_and_is_marked_early(
    start_models: StartModels, start_arena: StartArena, catalog: object
) -> None:
    await start_models(Says("one", "word " * 1000, 2000), Says("two", "word " * 1000, 2000), speed=1)
    arena = await start_arena(catalog=catalog)
    async with arena.client() as voter:
        battle = await answered_battle(voter)
        await voter.post(f"/api/v1/battles/{battle['id']}/turns", json={"prompt": "and then?"})
        cast = await vote(voter, battle["id"])
        assert cast.status_code == 201
        assert cast.json()["early"]
        settled = await wait_until_settled(voter, battle["id"])
        assert settled["state"] == "voted"
        assert settled["turns"][1]["state"] == "stopped"


async def test_turn_after_the_reveal_is_no_part_of_the_vote(
    voter: httpx2.AsyncClient, session: AsyncSession
) -> None:
    battle = await answered_battle(voter)
    await vote(voter, battle["id"])
    answer = await voter.post(f"/api/v1/battles/{battle['id']}/turns", json={"prompt": "thanks, more please"})
    assert answer.status_code == 201
    settled = await wait_until_settled(voter, battle["id"])
    assert settled["state"] == "voted"
    assert settled["turns"][1]["state"] == "answered"
    assert (await vote(voter, battle["id"])).status_code == 409
    assert (await session.execute(text("SELECT after_reveal FROM turn ORDER BY index"))).scalars().all() == [
        False,
        True,
    ]


async def test_answer_that_says_who_it_is_makes_the_vote_not_count(
    start_models: StartModels, start_arena: StartArena, catalog: object
) -> None:
    await start_models(Says("zephyrion-7b", "I am zephyrion-7b, nice to meet you."), Says("other", "Hello."))
    arena = await start_arena(catalog=catalog)
    async with arena.client() as voter:
        battle = await answered_battle(voter, "hello")
        said = (await vote(voter, battle["id"])).json()
        assert (said["counted"], said["reason"]) == (False, "identity_revealed")


async def test_simulated_voters_are_marked_for_good(arena: Serving, session: AsyncSession) -> None:
    async with arena.client(headers={SIMULATED_HEADER: "yes"}) as robot:
        battle = await answered_battle(robot)
        said = (await vote(robot, battle["id"])).json()
        assert (said["counted"], said["reason"]) == (False, "simulated_voter")
        del robot.headers[SIMULATED_HEADER]
        battle = await answered_battle(robot)
        assert (await vote(robot, battle["id"])).json()["reason"] == "simulated_voter"
    assert (await session.scalars(select(Voter.kind))).all() == ["simulated"]


async def test_own_votes_withdraw_and_erase(voter: httpx2.AsyncClient, session: AsyncSession) -> None:
    battle = await answered_battle(voter, "What is the capital of Canada?")
    await vote(voter, battle["id"])
    (own,) = (await voter.get("/api/v1/me/votes")).json()
    assert own["prompt"] == "What is the capital of Canada?"
    assert own["battle"] == battle["id"]

    assert (await voter.delete(f"/api/v1/me/votes/{battle['id']}")).status_code == 204
    (own,) = (await voter.get("/api/v1/me/votes")).json()
    assert (own["counted"], own["reason"]) == (False, "withdrawn")

    assert (await voter.delete("/api/v1/me")).status_code == 204
    for table in (Battle, Vote, Voter):
        assert await session.scalar(select(func.count()).select_from(table)) == 0
    assert (await voter.get("/api/v1/me/votes")).json() == []


async def test_identity_told_in_a_running_turn_is_not_outrun_by_a_vote(
    start_models: StartModels, start_arena: StartArena, catalog: object
) -> None:
    """A voter who asks 'who are you?', reads the answer and votes before the turn ends has not voted blind."""

    class Introduces(Says):
        def reply(self, messages: Sequence[Message], seed: int | None) -> str:
            return self.text if len(messages) == 1 else "I am Claude, made by Anthropic. " + "word " * 2000

    await start_models(Introduces("one", "Yes.", 500), Introduces("two", "No.", 500), speed=1)
    arena = await start_arena(catalog=catalog)
    async with arena.client() as voter:
        battle = await answered_battle(voter)
        await voter.post(f"/api/v1/battles/{battle['id']}/turns", json={"prompt": "Who are you?"})
        async for event in events(voter, battle["id"]):
            if "Anthropic" in event["data"].get("text", "") or event["id"].endswith(".64"):
                break
        said = (await vote(voter, battle["id"])).json()
        assert (said["counted"], said["reason"], said["early"]) == (False, "identity_revealed", True)


async def test_identity_told_beside_a_failing_side_is_remembered(
    start_models: StartModels, start_arena: StartArena, catalog: object
) -> None:
    class Introduces(Says):
        def reply(self, messages: Sequence[Message], seed: int | None) -> str:
            return self.text if len(messages) == 1 else "I am Claude, made by Anthropic."

    server = await start_models(Introduces("one", "Yes."), Says("two", "No."))
    arena = await start_arena(catalog=catalog)
    async with arena.client() as voter:
        battle = await answered_battle(voter)
        server.faults["two"] = Fault.HTTP_500
        await voter.post(f"/api/v1/battles/{battle['id']}/turns", json={"prompt": "Who are you?"})
        assert (await wait_until_settled(voter, battle["id"]))["state"] == "failed"
        said = (await vote(voter, battle["id"])).json()
        assert (said["counted"], said["reason"]) == (False, "identity_revealed")


async def test_vote_reaches_a_turn_that_runs_in_another_process(
    start_models: StartModels, start_arena: StartArena, catalog: object
) -> None:
    class Lingers(Says):
        def reply(self, messages: Sequence[Message], seed: int | None) -> str:
            return self.text if len(messages) == 1 else "word " * 3000

    await start_models(Lingers("one", "Yes.", 200), Lingers("two", "No.", 200), speed=1)
    owner = await start_arena(catalog=catalog)
    other = await start_arena(catalog=catalog)
    async with owner.client() as voter:
        battle = await answered_battle(voter)
        await voter.post(f"/api/v1/battles/{battle['id']}/turns", json={"prompt": "and then?"})
        async with other.client(cookies=voter.cookies) as elsewhere:
            assert (await vote(elsewhere, battle["id"])).status_code == 201
        settled = await wait_until_settled(voter, battle["id"])
        assert (settled["state"], settled["turns"][1]["state"]) == ("voted", "stopped")


async def test_unknown_organization_is_no_name(
    start_models: StartModels, start_arena: StartArena, database: Database
) -> None:
    server = await start_models(
        Says("one", "The cause is unknown to science."), Says("two", "It is unknown.")
    )
    async with database.sessions.begin() as session:
        for name in ("one", "two"):
            await register_endpoint(session, name, server.url, name, 16)
    arena = await start_arena()
    async with arena.client() as voter:
        battle = await answered_battle(voter)
        assert (await vote(voter, battle["id"])).json()["counted"]
