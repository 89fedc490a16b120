"""From votes to a board: the fit, the feed, imported votes, simulated voters."""

import asyncio
from datetime import timedelta
from pathlib import Path

import httpx2
import jsonschema
import pytest
from sqlalchemy import Update, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from arena import simulate, snapshots
from arena.ballots import Votes
from arena.dataset.bulk import Target, import_votes
from arena.db import Database
from arena.sweeps import declare_interrupted, expire_failed
from arena.tables import Battle, Board, Model, Turn, Vote
from arena.verification import verify
from tests.integration.conftest import Says, StartArena, StartModels
from tests.integration.serving import Serving, answered_battle, start_battle, vote

VOTES = """model_a,model_b,winner,voter
x,y,model_a,1
y,x,model_a,2
y,z,tie,1
z,x,both_bad,3
x,z,model_a,3
"""


async def test_counted_votes_make_the_board(
    start_models: StartModels, start_arena: StartArena, catalog: object, database: Database
) -> None:
    await start_models(Says("good", "Right."), Says("bad", "Wrong."))
    arena = await start_arena(catalog=catalog)
    for number in range(12):
        async with arena.client() as voter:
            battle = await answered_battle(voter)
            good = next(s for s in "ab" if battle["turns"][0]["responses"][s]["text"] == "Right.")
            liked = good if number % 4 else "b" if good == "a" else "a"
            await vote(voter, battle["id"], f"model_{liked}")
    snapshot = await snapshots.fit(database)
    assert snapshot is not None
    assert await snapshots.fit(database) is None, "nothing changed, so there is no new snapshot"
    async with arena.client() as program:
        board = (await program.get("/feed/v1/leaderboards/overall.json")).json()
    assert board["votes"] == 12
    assert board["snapshot"] == snapshot
    first, second = board["entries"]
    assert (first["model"], second["model"]) == ("good", "bad")
    assert first["organization"] == "Maker of good"
    assert first["rating"] - second["rating"] == pytest.approx(190.85, abs=0.02)  # 9 of 12: 400 log10(3)
    assert first["lower"] < first["rating"] < first["upper"]
    assert first["preliminary"]


async def test_boards_never_mix(arena: Serving, database: Database) -> None:
    """People's votes on demo models and simulated votes stand apart, and neither is on the overall board."""
    async with arena.client() as person, arena.client(headers={"Arena-Simulated": "1"}) as robot:
        await vote(person, (await answered_battle(person))["id"])
        for _ in range(2):
            await vote(robot, (await answered_battle(robot))["id"])
    await snapshots.fit(database)
    async with arena.client() as program:
        votes = {
            name: (await program.get(f"/feed/v1/leaderboards/{name}.json")).json()["votes"]
            for name in ("overall", "demo", "simulated")
        }
    assert votes == {"overall": 0, "demo": 1, "simulated": 2}


async def verified(database: Database, snapshot_id: str) -> list[str]:
    async with database.readings() as session:
        return await verify(session, snapshot_id)


async def test_withdrawn_vote_leaves_the_next_board(
    start_models: StartModels,
    start_arena: StartArena,
    catalog: object,
    database: Database,
    session: AsyncSession,
) -> None:
    await start_models(Says("one", "Yes."), Says("two", "No."))
    arena = await start_arena(catalog=catalog)
    async with arena.client() as voter:
        battle = await answered_battle(voter)
        await vote(voter, battle["id"])
        first = await snapshots.fit(database)
        assert first is not None
        assert await verified(database, first) == []
        await voter.delete(f"/api/v1/me/votes/{battle['id']}")
    await session.rollback()
    assert await verified(database, first) == [
        "overall: 1 votes withdrawn, erased or changed since (1 then)."
    ]
    second = await snapshots.fit(database)
    assert second not in (None, first)


async def test_feed_is_valid_cacheable_and_open(arena: Serving, database: Database, tmp_path: Path) -> None:
    await import_text(database, tmp_path, VOTES)
    await snapshots.fit(database)
    async with arena.client() as program:
        index = await program.get("/feed/v1/index.json")
        schemas = {name: (await program.get(path)).json() for name, path in index.json()["schemas"].items()}
        jsonschema.validate(index.json(), schemas["index"])
        assert set(index.json()["leaderboards"]) == {"overall", "demo", "simulated", "imported"}
        for path in index.json()["leaderboards"].values():
            answer = await program.get(path)
            jsonschema.validate(answer.json(), schemas["leaderboard"])
            assert answer.headers["access-control-allow-origin"] == "*"
            assert "set-cookie" not in answer.headers
            etag = answer.headers["etag"]
            assert etag == f'"{answer.json()["snapshot"]}"'
            again = await program.get(path, headers={"If-None-Match": etag})
            assert (again.status_code, again.content) == (304, b"")
            fixed = f"/feed/v1/snapshots/{answer.json()['snapshot']}{path.removeprefix('/feed/v1')}"
            assert (await program.get(fixed)).content == answer.content
        missing = await program.get("/feed/v1/leaderboards/chess.json")
        assert missing.status_code == 404
        assert "imported" in missing.json()["detail"]


async def test_feed_before_the_first_fit_says_so(arena: Serving) -> None:
    async with arena.client() as program:
        answer = await program.get("/feed/v1/leaderboards/overall.json")
        assert answer.status_code == 404
        assert answer.json()["type"].endswith("#snapshot-not-found")


async def import_text(database: Database, folder: Path, text: str, name: str = "votes.csv") -> int:
    path = folder / name
    path.write_text(text)
    return (await import_votes(database, path, Target(name="imported", origin="the tests"))).new


async def test_simulated_voters_fill_their_board(
    start_arena: StartArena, database: Database, session: AsyncSession
) -> None:
    arena = await start_arena()
    cast = await simulate.play(arena.url, arena.settings, battles=60, at_once=12, seed=7)
    assert cast == 60
    await snapshots.fit(database)
    async with arena.client() as program:
        board = (await program.get("/feed/v1/leaderboards/simulated.json")).json()
    assert board["kind"] == "simulated"
    assert board["votes"] == 60
    assert len(board["entries"]) == 10
    assert await session.scalar(select(func.count()).select_from(Vote).where(Vote.counted)) == 0


async def test_silent_turns_are_interrupted_and_said_so(
    start_models: StartModels, start_arena: StartArena, catalog: object, session: AsyncSession
) -> None:
    await start_models(Says("one", "word " * 2000, 50), Says("two", "word " * 2000, 50), speed=1)
    arena = await start_arena(catalog=catalog, checkpoint_seconds=60)
    async with arena.client() as voter:
        battle = await start_battle(voter)
        await session.execute(update(Turn).values(heartbeat_at=Turn.heartbeat_at - timedelta(minutes=1)))
        assert await declare_interrupted(session, 15) == 1
        await session.commit()
        read = (await voter.get(f"/api/v1/battles/{battle['id']}")).json()
        assert (read["state"], read["can_retry"]) == ("interrupted", True)
        assert (await vote(voter, battle["id"])).status_code == 409


async def test_failed_battle_left_alone_becomes_void(
    voter: httpx2.AsyncClient, session: AsyncSession
) -> None:
    battle = await answered_battle(voter)
    await session.execute(
        update(Battle).values(state="failed", updated_at=Battle.updated_at - timedelta(hours=2))
    )
    assert await expire_failed(session, 60) == 1
    await session.commit()
    assert (await voter.get(f"/api/v1/battles/{battle['id']}")).json()["state"] == "void"


@pytest.mark.parametrize(
    ("before", "after"), [(None, "void"), ("private_test", "void"), ("demo_models", "demo_models")]
)
async def test_expired_battle_does_not_count_like_any_other_void_one(
    before: str | None, after: str, voter: httpx2.AsyncClient, session: AsyncSession
) -> None:
    battle = await answered_battle(voter)
    stale = {"state": "failed", "updated_at": Battle.updated_at - timedelta(hours=2)}
    await session.execute(update(Battle).values(not_counted_reason=before, **stale))
    await expire_failed(session, 60)
    await session.commit()
    assert (await vote(voter, battle["id"])).json()["reason"] == after


async def test_one_process_fits_at_a_time(database: Database) -> None:
    async with database.locked("fit") as first:
        async with database.locked("fit") as second:
            assert (first, second) == (True, False)
        await asyncio.sleep(0)
    async with database.locked("fit") as third:
        assert third


async def demo_votes(arena: Serving) -> int:
    """How many votes the feed says the demo board has."""
    async with arena.client() as program:
        votes: int = (await program.get("/feed/v1/leaderboards/demo.json")).json()["votes"]
    return votes


async def test_erased_vote_leaves_the_feed(arena: Serving, database: Database, session: AsyncSession) -> None:
    """Without it the votes are those of an older snapshot, which must become the newest again."""
    fitter = snapshots.Fitter(database)
    async with arena.client() as stays, arena.client() as leaves:
        await vote(stays, (await answered_battle(stays))["id"])
        first = await fitter.fit()
        await vote(leaves, (await answered_battle(leaves))["id"])
        assert await snapshots.fit(database) not in (None, first), "another process fits in between"
        assert await demo_votes(arena) == 2
        assert (await leaves.delete("/api/v1/me")).status_code == 204
    assert await fitter.fit() == first
    assert await demo_votes(arena) == 1
    assert first is not None
    assert await verified(database, first) == []
    assert await fitter.fit() is None


async def test_same_verdict_of_another_voter_keeps_the_snapshot_true(
    start_models: StartModels,
    start_arena: StartArena,
    catalog: object,
    database: Database,
    session: AsyncSession,
) -> None:
    """Voters have no names in a snapshot, so it can outlive its first votes; it is then made of the later ones."""
    await start_models(Says("one", "Yes."), Says("two", "No."))
    arena = await start_arena(catalog=catalog)
    async with arena.client() as leaves, arena.client() as stays:
        await vote(leaves, (await answered_battle(leaves))["id"], "tie")
        first = await snapshots.fit(database)
        assert first is not None
        sides = select(Battle.model_a_id, Battle.model_b_id)
        model_a, model_b = (await session.execute(sides)).one()
        battle = await answered_battle(stays)
        swapped = update(Battle).where(Battle.id == battle["id"])
        await session.execute(swapped.values(model_a_id=model_a, model_b_id=model_b))
        await session.commit()
        await vote(stays, battle["id"], "tie")
        await leaves.delete("/api/v1/me")
    assert await snapshots.fit(database) is None
    assert await verified(database, first) == []


async def test_nothing_is_counted_again_while_nothing_changed(
    arena: Serving, database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    counts = 0
    imported_votes = snapshots.imported_votes

    async def counted(session: AsyncSession, board: Board, last: int) -> Votes:
        nonlocal counts
        counts += 1
        return await imported_votes(session, board, last)

    monkeypatch.setattr(snapshots, "imported_votes", counted)
    fitter = snapshots.Fitter(database)
    await import_text(database, tmp_path, VOTES)
    assert await fitter.fit() is not None
    assert await fitter.fit() is None
    assert counts == 1
    await import_text(database, tmp_path, VOTES + "y,z,tie,9\n")
    assert await fitter.fit() is not None
    assert counts == 2


@pytest.mark.parametrize(
    "correction",
    [
        update(Model).values(organization="Corrected"),
        update(Model).values(license="Corrected"),
        update(Board).values(origin="Corrected"),
        update(Board).values(license="Corrected"),
    ],
    ids=["organization", "model license", "origin", "board license"],
)
async def test_correction_reaches_the_board(
    correction: Update, database: Database, session: AsyncSession, tmp_path: Path
) -> None:
    session.add(Model(name="x", organization="Mistaken", license="Mistaken"))
    await session.commit()
    await import_text(database, tmp_path, VOTES)
    fitter = snapshots.Fitter(database)
    await fitter.fit()
    assert b"Corrected" not in await snapshots.read_file(session, "leaderboards/imported.json")
    await session.execute(correction)
    await session.commit()
    assert await fitter.fit() is not None
    assert b"Corrected" in await snapshots.read_file(session, "leaderboards/imported.json")
