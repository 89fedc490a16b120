"""Releases: what is in them and what never is, the same bytes every time, also after a kill at any moment."""

import asyncio
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx2
import orjson
import psycopg
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sqlalchemy import delete, func, select, update

from arena import snapshots
from arena.ballots import over_frequent
from arena.dataset import bulk, votes_files
from arena.dataset import export as exporting
from arena.dataset.releases import close_release, release_name
from arena.db import Database, conninfo_of
from arena.errors import FolderTaken, OtherVariant, ReleaseClosed, ReleaseInvalid, ReleaseNotFound
from arena.privacy import planted
from arena.records import ErasedBattle, Release
from arena.tables import Ballot, Battle, Model, Response, Turn, Vote, Voter
from arena.voters import Signer
from benchmarks.conversations import fill
from ratings.release.schema import DATA
from ratings.release.verification import verify
from tests.integration.conftest import Says, StartArena, StartModels
from tests.integration.releasing import PLACES, SECRET, export, files_of, small_parts
from tests.integration.serving import Serving, start_battle, vote, wait_until_settled

SECRET_NAME = "zephyrine-secret"
CODENAME = "night-heron"
ASKED = "Please write to me at jane.doe@example.org about the tides."


def table(directory: Path, name: str) -> pa.Table:
    return pq.read_table(directory / "data" / f"{name}.parquet")


def rows(directory: Path, name: str) -> list[dict[str, Any]]:
    return list(table(directory, name).to_pylist())


async def play(
    voter: httpx2.AsyncClient, prompt: str, *, publish: bool = True, winner: str = "model_a"
) -> str:
    """A battle with its vote; returns its id."""
    battle = await start_battle(voter, prompt, publish=publish)
    await wait_until_settled(voter, battle["id"])
    assert (await vote(voter, battle["id"], winner)).status_code == 201
    return str(battle["id"])


@pytest.fixture
async def arena(start_models: StartModels, start_arena: StartArena, catalog: Path) -> Serving:
    """Two models on real battles."""
    await start_models(Says("heron", "The moon pulls.\n\n## So"), Says("teal", "Ask **bob@example.com**."))
    return await start_arena(catalog=catalog)


async def test_release_says_what_happened(arena: Serving, database: Database, tmp_path: Path) -> None:
    async with arena.client() as one, arena.client() as other:
        first = await play(one, ASKED, winner="tie")
        await one.post(f"/api/v1/battles/{first}/turns", json={"prompt": "And after the reveal?"})
        await wait_until_settled(one, first)
        second = await play(other, "Why is the sea salty?")
        again = await play(one, "Why is the sea salty?", winner="both_bad")
    manifest = await export(database, tmp_path / "release", least_group=2)
    for name, schema in DATA.items():
        written = pq.read_schema(tmp_path / "release" / name)
        assert [(field.name, field.nullable, field.metadata) for field in written] == [
            (field.name, field.nullable, field.metadata) for field in schema
        ], name
    signer = Signer(SECRET)
    ids = {battle: signer.digest("battle", battle) for battle in (first, second, again)}
    votes = {row["battle_id"]: row for row in rows(tmp_path / "release", "votes")}
    assert votes.keys() == {*ids.values()}
    assert [*votes] == sorted(votes), "in the order of ids, which says nothing of time"
    assert votes[ids[first]]["winner"] == "tie"
    assert votes[ids[first]]["voter"] == votes[ids[again]]["voter"] != votes[ids[second]]["voter"]
    assert votes[ids[second]]["prompt_cluster"] == votes[ids[again]]["prompt_cluster"]
    assert votes[ids[first]]["prompt_cluster"] != votes[ids[again]]["prompt_cluster"]
    assert {row["population"] for row in votes.values()} == {"overall"}
    assert all(
        row["counted"] and row["reason"] is None and row["seconds_to_vote"] >= 0 for row in votes.values()
    )
    assert all(row["week"].weekday() == 0 for row in votes.values()), "no date finer than the week"
    assert all("language:en" in row["tags"] for row in votes.values())
    assert {row["headers_a"] + row["headers_b"] for row in votes.values()} == {1}
    turns = [row for row in rows(tmp_path / "release", "turns") if row["battle_id"] == ids[first]]
    assert [row["index"] for row in turns] == [0], "what followed the reveal a moment ago is not over yet"
    assert turns[0]["prompt"] == "Please write to me at [email] about the tides."
    assert {turns[0]["response_a"], turns[0]["response_b"]} == {
        "The moon pulls.\n\n## So",
        "Ask **[email]**.",
    }
    assert turns[0]["redacted"] == ["email"]
    assert turns[0]["moderation"] is None
    models = rows(tmp_path / "release", "models")
    assert [(row["model"], row["organization"]) for row in models] == [
        ("heron", "Maker of heron"),
        ("teal", "Maker of teal"),
    ]
    assert manifest["files"]["data/votes.parquet"] == {"rows": 3}
    assert manifest["populations"]["overall"]["votes"] == 3
    assert manifest["privacy"]["redacted"] == {"email": 3}
    assert orjson.loads((tmp_path / "release" / "release.json").read_bytes()) == manifest
    assert verify(tmp_path / "release") == []
    assert not (tmp_path / "release" / ".unfinished").exists()


async def test_later_turns_are_there_once_they_are_over(
    arena: Serving, database: Database, tmp_path: Path
) -> None:
    async with arena.client() as voter:
        battle = await play(voter, "Why is the sea salty?")
        await voter.post(f"/api/v1/battles/{battle}/turns", json={"prompt": "And after the reveal?"})
        await wait_until_settled(voter, battle)
    async with database.sessions.begin() as session:
        await session.execute(update(Turn).values(finished_at=func.now() - timedelta(minutes=2)))
    await export(database, tmp_path / "release")
    turns = rows(tmp_path / "release", "turns")
    assert [(row["index"], row["after_reveal"]) for row in turns] == [(0, False), (1, True)]


async def test_retry_of_a_later_turn_changes_no_release(
    arena: Serving, database: Database, tmp_path: Path
) -> None:
    async with arena.client() as voter:
        battle = await play(voter, "Why is the sea salty?")
        for prompt in ("And after the reveal?", "And the lakes?"):
            await voter.post(f"/api/v1/battles/{battle}/turns", json={"prompt": prompt})
            await wait_until_settled(voter, battle)
        async with database.sessions.begin() as session:
            await session.execute(update(Turn).values(finished_at=func.now() - timedelta(minutes=2)))
            await session.execute(update(Turn).where(Turn.index == 1).values(state="failed"))
        await export(database, tmp_path / "between", "between")
        assert table(tmp_path / "between", "turns")["state"].to_pylist() == ["answered", "failed", "answered"]
        async with database.sessions.begin() as session:
            last = select(Turn.id).where(Turn.index == 2).scalar_subquery()
            await session.execute(update(Turn).where(Turn.id == last).values(state="failed"))
            await session.execute(update(Response).where(Response.turn_id == last).values(state="failed"))
        await export(database, tmp_path / "before")
        assert table(tmp_path / "before", "turns")["index"].to_pylist() == [0]
        assert (await voter.post(f"/api/v1/battles/{battle}/retry")).status_code == 200
        settled = await wait_until_settled(voter, battle)
    assert settled["turns"][-1]["state"] == "answered"
    await export(database, tmp_path / "after")
    assert files_of(tmp_path / "after") == files_of(tmp_path / "before")


@pytest.fixture
async def withheld(
    start_models: StartModels, start_arena: StartArena, catalog: Path, database: Database
) -> dict[str, str]:
    """A consented battle, one without consent, a withdrawn one, and one on a private test."""
    await start_models(Says("heron", "Twice a day."), Says("teal", "By the moon."), Says(SECRET_NAME, "Yes."))
    arena = await start_arena(catalog=catalog)

    async def only(*names: str) -> None:
        async with database.sessions.begin() as session:
            await session.execute(update(Model).values(status="retired"))
            await session.execute(update(Model).where(Model.name.in_(names)).values(status="active"))

    await only("heron", "teal")
    async with arena.client() as voter:
        found = {
            "released": await play(voter, "Consented: how do tides work?"),
            "no_consent": await play(voter, "Unconsented: how do tides work?", publish=False),
            "withdrawn": await play(voter, "Withdrawn: how do tides work?"),
        }
        await voter.delete(f"/api/v1/me/votes/{found['withdrawn']}")
        async with database.sessions.begin() as session:
            private = {"private_test": True, "codename": CODENAME, "private_since": func.clock_timestamp()}
            await session.execute(update(Model).where(Model.name == SECRET_NAME).values(**private))
        await only("heron", SECRET_NAME)
        async with asyncio.timeout(10):  # until the server has noticed
            while True:
                if (await voter.post("/api/v1/battles", json={"prompt": "Ready?"})).status_code == 201:
                    break
                await asyncio.sleep(0.2)
        found["private_test"] = await play(voter, "Private: how do tides work?")
    return {why: Signer(SECRET).digest("battle", battle) for why, battle in found.items()}


async def test_open_release_holds_consented_battles_alone(
    withheld: dict[str, str], database: Database, tmp_path: Path
) -> None:
    manifest = await export(database, tmp_path / "open")
    for name in ("battles", "turns", "votes"):
        assert [row["battle_id"] for row in rows(tmp_path / "open", name)] == [withheld["released"]]
    every = b"".join(plain_bytes(tmp_path / "open"))
    assert b"Consented" in every
    for secret in ("Unconsented", "Withdrawn:", "Private:", SECRET_NAME, CODENAME, *withheld.values()):
        assert (secret.encode() in every) == (secret == withheld["released"]), secret
    assert manifest["withheld"] == {"no_consent": 1, "private_test": 1, "withdrawn": 1}
    nothing = dict.fromkeys(("model_a", "model_b", "winner", "counted"))
    assert rows(tmp_path / "open", "withheld") == [
        {"why": why, **nothing, "votes": 1} for why in ("no_consent", "private_test", "withdrawn")
    ], "one voter is too few to tell more of"


def plain_bytes(directory: Path) -> list[bytes]:
    """Every file, and of Parquet also every value, which stands compressed in it."""
    found = []
    for name, written in files_of(directory).items():
        found.append(written)
        if name.endswith(".parquet"):
            found.append(str(pq.read_table(directory / name).to_pylist()).encode())
    return found


async def test_release_of_a_private_test_keeps_its_earlier_battles_back(
    withheld: dict[str, str], database: Database, tmp_path: Path
) -> None:
    before = await export(database, tmp_path / "before")
    async with database.sessions.begin() as session:
        public = {"private_test": False, "listed_at": func.clock_timestamp()}
        await session.execute(update(Model).where(Model.name == SECRET_NAME).values(**public))
    assert await export(database, tmp_path / "after") == before
    assert files_of(tmp_path / "after") == files_of(tmp_path / "before")
    manifest = await export(database, tmp_path / "next", "2026-12")
    assert manifest["withheld"]["private_test"] == 1
    assert SECRET_NAME.encode() not in b"".join(plain_bytes(tmp_path / "next"))


async def test_audit_holds_every_vote_with_its_reason(
    withheld: dict[str, str], database: Database, tmp_path: Path
) -> None:
    manifest = await export(database, tmp_path / "audit", "2026-11-audit", "audit")
    reasons = {row["battle_id"]: row["reason"] for row in rows(tmp_path / "audit", "votes")}
    assert reasons == {
        withheld["released"]: None,
        withheld["no_consent"]: None,
        withheld["withdrawn"]: "withdrawn",
        withheld["private_test"]: "private_test",
    }
    assert manifest["withheld"] == {}
    every = b"".join(plain_bytes(tmp_path / "audit"))
    assert CODENAME.encode() in every
    assert SECRET_NAME.encode() not in every, "by its codename, as its voters know it"
    assert verify(tmp_path / "audit") == []
    with pytest.raises(OtherVariant, match="'2026-11-audit' is of the variant 'audit'"):
        await export(database, tmp_path / "other", "2026-11-audit")


async def test_audit_of_a_snapshot_says_which_one(
    withheld: dict[str, str], database: Database, tmp_path: Path
) -> None:
    snapshot = await snapshots.fit(database)
    manifest = await export(database, tmp_path / "audit", "2026-11-audit", "audit")
    assert manifest["snapshot"]["id"] == snapshot
    board = orjson.loads((tmp_path / "audit" / "leaderboard" / "overall.json").read_bytes())
    async with database.sessions() as session:
        published = orjson.loads(await snapshots.read_file(session, "leaderboards/overall.json"))
    assert board["entries"] == published["entries"]
    assert verify(tmp_path / "audit") == []
    async with database.sessions.begin() as session:
        await session.execute(delete(Battle).where(Battle.publish.is_(False)))
    manifest = await export(database, tmp_path / "later", "2026-12-audit", "audit")
    assert manifest["snapshot"] is None


async def test_withheld_votes_are_told_by_pair_once_enough_voters_cast_them(
    arena: Serving, database: Database, tmp_path: Path
) -> None:
    for winner in ("tie", "tie", "model_a"):
        async with arena.client() as voter:
            await play(voter, "How do tides work?", publish=False, winner=winner)
    async with database.sessions.begin() as session:
        heron, teal = (await session.scalars(select(Model.id).order_by(Model.name))).all()
        sides = {"model_a_id": heron, "model_b_id": teal}
        await session.execute(update(Battle).values(**sides))
    await export(database, tmp_path / "two", least_group=2)
    assert [(row["model_a"], row["winner"], row["votes"]) for row in rows(tmp_path / "two", "withheld")] == [
        (None, None, 1),
        ("heron", "tie", 2),
    ]
    await export(database, tmp_path / "four", "2026-12", least_group=4)
    assert [(row["model_a"], row["winner"], row["votes"]) for row in rows(tmp_path / "four", "withheld")] == [
        (None, None, 3)
    ]


async def test_pseudonyms_of_one_release_say_nothing_in_another(
    arena: Serving, database: Database, tmp_path: Path
) -> None:
    async with arena.client() as voter:
        for prompt in ("How do tides work?", "Why is the sea salty?"):
            await play(voter, prompt)
    await export(database, tmp_path / "one", "2026-11")
    await export(database, tmp_path / "two", "2026-12")
    one, two = rows(tmp_path / "one", "votes"), rows(tmp_path / "two", "votes")
    assert [row["battle_id"] for row in one] == [row["battle_id"] for row in two]
    for name in ("voter", "prompt_cluster"):
        assert {row[name] for row in one}.isdisjoint(row[name] for row in two)
    assert len({row["voter"] for row in one}) == 1


async def test_closed_release_is_never_exported_again(
    arena: Serving, database: Database, tmp_path: Path
) -> None:
    async with arena.client() as voter:
        await play(voter, "How do tides work?")
    await export(database, tmp_path / "release")
    async with database.sessions.begin() as session:
        key = await session.scalar(select(Release.key))
        closed = await close_release(session, "2026-11")
    assert key is not None
    assert len(key) == 32
    assert (closed.key, closed.state) == (None, "closed")
    with pytest.raises(ReleaseClosed, match="'2026-11' is closed"):
        await export(database, tmp_path / "again")
    assert not (tmp_path / "again").exists()
    with psycopg.connect(conninfo_of(database.url)) as connection:
        for name in ("release", "voter", "vote", "battle"):
            stored = connection.execute(
                f"SELECT count(*) FROM {name} WHERE {name}::text LIKE %s", (f"%{key.hex()}%",)
            )
            assert stored.fetchone() == (0,)
    async with database.sessions.begin() as session:
        with pytest.raises(ReleaseNotFound, match="There are: 2026-11"):
            await close_release(session, "2025-01")


async def test_closing_during_an_export_stops_it(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = exporting._with_snapshot

    async def closed_meanwhile(*arguments: Any) -> dict[str, Any]:
        async with database.sessions.begin() as session:
            await close_release(session, "audit")
        return await whole(*arguments)

    monkeypatch.setattr(exporting, "_with_snapshot", closed_meanwhile)
    with pytest.raises(ReleaseClosed, match="'audit' was closed while it was exported"):
        await export(database, tmp_path / "release", "audit", "audit")
    assert files_of(tmp_path / "release") == {}
    async with database.sessions() as session:
        assert (await session.get_one(Release, "audit")).manifest is None


async def test_votes_after_the_opening_are_in_the_next_release(
    arena: Serving, database: Database, tmp_path: Path
) -> None:
    async with arena.client() as voter:
        first = await play(voter, "How do tides work?")
        before = await export(database, tmp_path / "release")
        written = files_of(tmp_path / "release")
        second = await play(voter, "Why is the sea salty?")
    assert await export(database, tmp_path / "release") == before
    assert files_of(tmp_path / "release") == written, "over the files of the first export"
    following = await export(database, tmp_path / "next", "2026-12")
    ids = [Signer(SECRET).digest("battle", battle) for battle in (first, second)]
    assert [row["battle_id"] for row in rows(tmp_path / "next", "votes")] == sorted(ids)
    assert [entry["release"] for entry in following["changes"]] == ["2026-12", "2026-11"]
    changes = (tmp_path / "next" / "CHANGES.md").read_text()
    assert "2 votes on the board `overall` (+1)." in changes


async def test_erased_and_withdrawn_battles_are_listed(
    arena: Serving, database: Database, tmp_path: Path
) -> None:
    async with arena.client() as stays, arena.client() as leaves, arena.client() as withdraws:
        kept = await play(stays, "How do tides work?")
        unreleased = await play(withdraws, "Why is the sea salty?")
        await withdraws.delete(f"/api/v1/me/votes/{unreleased}")
        erased = await play(leaves, "What is a neap tide?")
        withdrawn = await play(withdraws, "What is a spring tide?")
        await export(database, tmp_path / "release")
        assert (tmp_path / "release" / "withdrawn.txt").read_text() == ""
        late = await play(leaves, "Is there a tide in the Baltic?")
        await leaves.delete("/api/v1/me")
        await withdraws.delete(f"/api/v1/me/votes/{withdrawn}")
    signer = Signer(SECRET)
    for directory, name in (("release", "2026-11"), ("next", "2026-12")):
        manifest = await export(database, tmp_path / directory, name)
        votes = rows(tmp_path / directory, "votes")
        assert [row["battle_id"] for row in votes] == [signer.digest("battle", kept)]
        listed = (tmp_path / directory / "withdrawn.txt").read_text().split()
        assert listed == sorted(signer.digest("battle", battle) for battle in (erased, withdrawn))
        assert manifest["withdrawn"] == 2
    async with database.sessions() as session:
        assert set(await session.scalars(select(ErasedBattle.battle_id))) == {erased}, (
            f"{late} was cast after the opening, so nobody has it"
        )


@pytest.fixture
def filled(database: Database) -> Database:
    """An arena with some hundred battles."""
    fill(conninfo_of(database.url), 300)
    return database


# The checks


SPOILED = {
    "it has no turn": "DELETE FROM turn WHERE id = {}",
    "its turns are not numbered 0, 1, 2": "UPDATE turn SET index = 1 WHERE id = {}",
    "turn 0: there is no side b": "DELETE FROM response WHERE side = 'b' AND turn_id = {}",
    "its release policy is none of paced": "UPDATE battle SET release_policy = 'slow' "
    "WHERE id = (SELECT battle_id FROM turn WHERE id = {})",
}
ODD_ANSWERS = {
    "turn 0: the answer of side a is empty": "UPDATE response SET text = ' ' WHERE side = 'a' AND turn_id = {}",
    "turn 0: the answer of side b is an object, not text": (
        "UPDATE response SET text = '<async_generator object Pool.stream at 0x7f00>' WHERE side = 'b' AND turn_id = {}"
    ),
    "turn 0: the answer of side a is an object, not text": (
        """UPDATE response SET text = 'data: {{"id": "chatcmpl-1"}}' WHERE side = 'a' AND turn_id = {}"""
    ),
}


async def test_bad_rows_refuse_the_release(filled: Database, tmp_path: Path) -> None:
    async with filled.sessions.begin() as session:
        await session.execute(update(Battle).values(publish=True))
        answer = 'Then `print(obj)` shows "[object Object]" or <coroutine object f at 0x7f00>.'
        await session.execute(update(Response).where(Response.turn_id == 200).values(text=answer))
    with psycopg.connect(conninfo_of(filled.url)) as connection:
        for number, statement in enumerate((SPOILED | ODD_ANSWERS).values(), start=1):
            connection.execute(statement.format(number))  # type: ignore[arg-type]
    with pytest.raises(ReleaseInvalid) as refused:
        await export(filled, tmp_path / "release")
    assert refused.value.detail.startswith("4 votes are unfit for a release; the first of 4 faults:")
    lines = refused.value.detail.splitlines()[1:-1]
    for number, (why, line) in enumerate(zip(SPOILED, lines, strict=True), start=1):
        assert line.startswith(f"  vote {number} (battle ")
        assert why in line
    assert not (tmp_path / "release" / "release.json").exists()
    manifest = await export(filled, tmp_path / "release", leave_out_bad=True)
    assert manifest["withheld"] == {"failed_check": 7}
    assert table(tmp_path / "release", "battles").num_rows == 293
    assert verify(tmp_path / "release") == []


@pytest.mark.parametrize("votes", [10, 11])
async def test_few_odd_answers_are_left_out_and_many_refuse_the_release(
    filled: Database, tmp_path: Path, votes: int
) -> None:
    """More than one in a hundred both times: any voter can bring that about in a small arena."""
    statements = [*ODD_ANSWERS.values()]
    with psycopg.connect(conninfo_of(filled.url)) as connection:
        for number in range(1, votes + 1):
            connection.execute(statements[number % 3].format(number))  # type: ignore[arg-type]
    if votes > 10:
        with pytest.raises(ReleaseInvalid, match="11 votes are unfit") as refused:
            await export(filled, tmp_path / "release", variant="audit")
        assert all(why in refused.value.detail for why in ODD_ANSWERS)
        return
    await export(filled, tmp_path / "release", variant="audit")
    assert table(tmp_path / "release", "battles").num_rows == 290


async def test_release_is_made_once_what_refused_it_is_mended(filled: Database, tmp_path: Path) -> None:
    number = "UPDATE turn SET index = %s WHERE id = 1"
    with psycopg.connect(conninfo_of(filled.url), autocommit=True) as connection:
        connection.execute(number, [1])
        with pytest.raises(ReleaseInvalid, match="not numbered"):
            await export(filled, tmp_path / "mended", variant="audit")
        connection.execute(number, [0])
    await export(filled, tmp_path / "mended", variant="audit")
    await export(filled, tmp_path / "fresh", variant="audit")
    assert files_of(tmp_path / "mended") == files_of(tmp_path / "fresh")


async def test_blind_search_for_personal_data_refuses_the_release(
    filled: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(planted, "_found", lambda texts: [[] for _ in texts])
    with pytest.raises(ReleaseInvalid, match=r"planted as a test is found: .*email 0\.0%"):
        await export(filled, tmp_path / "release")
    assert not (tmp_path / "release" / "release.json").exists()


# Folders, kills, memory


async def test_only_the_folder_of_this_release_is_written_over(
    arena: Serving, database: Database, tmp_path: Path
) -> None:
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "thesis.txt").write_text("years of work")
    with pytest.raises(FolderTaken, match="something that is no release"):
        await export(database, tmp_path / "taken")
    assert (tmp_path / "taken" / "thesis.txt").read_text() == "years of work"
    with pytest.raises(FolderTaken, match="is a file"):
        await export(database, tmp_path / "taken" / "thesis.txt")
    with pytest.raises(FolderTaken, match="cannot be written"):
        await export(database, tmp_path / ("long" * 100))
    async with database.sessions() as session:
        assert await session.get(Release, "2026-11") is None, "a release is opened when its folder is there"
    await export(database, tmp_path / "release")
    with pytest.raises(FolderTaken, match="holds the release '2026-11'"):
        await export(database, tmp_path / "release", "2026-12")


async def test_release_of_another_arena_is_not_written_over(database: Database, tmp_path: Path) -> None:
    (tmp_path / "one").mkdir()
    (tmp_path / "other").mkdir()
    await export(database, tmp_path / "one" / "release")
    foreign = shutil.copytree(tmp_path / "one" / "release", tmp_path / "other" / "release")
    with pytest.raises(FolderTaken, match="holds a release '2026-11' that another key signed"):
        await export(database, foreign)
    assert files_of(foreign) == files_of(tmp_path / "one" / "release")


def test_names_of_releases() -> None:
    assert release_name("2026-11", "open") == "2026-11"
    assert release_name(None, "audit").endswith("-audit")
    for name in ("../up", "a..b", "", "Ä", "A", "x" * 64, "-a", "a/b"):
        with pytest.raises(ReleaseInvalid, match="cannot name a release"):
            release_name(name or " ", "open")


async def test_killed_export_goes_on_to_the_same_bytes(filled: Database, tmp_path: Path) -> None:
    await export(filled, tmp_path / "whole")
    expected = files_of(tmp_path / "whole")
    assert table(tmp_path / "whole", "votes").num_rows > 250
    directory = tmp_path / "killed"
    kept: list[int] = []
    for where, count in (
        ("a part is written", 3),
        ("a part is done", 5),
        ("the files are written", 7),
        ("the files are put in place", 2),
    ):
        command = [
            sys.executable,
            "-m",
            "tests.integration.releasing",
            filled.url,
            str(directory),
            "2026-11",
            where,
        ]
        killed = await asyncio.to_thread(subprocess.run, [*command, str(count)], check=False)
        assert killed.returncode == -9, where
        kept.append(len([*(directory / ".unfinished" / "parts").glob("*-*")]))
        assert not (directory / "release.json").exists()
    assert kept == sorted(kept), "finished parts are kept"
    assert kept[0] > 0
    assert PLACES.keys() == {
        "a part is written",
        "a part is done",
        "the files are written",
        "the files are put in place",
    }
    with small_parts():
        await export(filled, directory)
    assert files_of(directory) == expected


@pytest.mark.slow
async def test_memory_does_not_grow_with_battles(database: Database, tmp_path: Path) -> None:
    held = []
    for battles in (600, 2_400):
        fill(conninfo_of(database.url), battles)
        command = [
            sys.executable,
            "-m",
            "tests.integration.releasing",
            database.url,
            str(tmp_path / f"{battles}"),
        ]
        done = await asyncio.to_thread(
            subprocess.run, [*command, "2026-11", "memory", "0"], check=True, stdout=subprocess.PIPE
        )
        held.append(int(done.stdout))
        assert table(tmp_path / f"{battles}" / ".unfinished" / "release", "turns").num_rows > 0.9 * battles
    texts = 2_400 * 3_000
    assert held[1] < 1.3 * held[0]
    assert held[1] < texts / 4


async def test_votes_that_changed_before_an_export_goes_on_are_read_anew(
    filled: Database, tmp_path: Path
) -> None:
    directory = tmp_path / "killed"
    command = [sys.executable, "-m", "tests.integration.releasing", filled.url, str(directory), "2026-11"]
    killed = await asyncio.to_thread(subprocess.run, [*command, "the files are written", "1"], check=False)
    assert killed.returncode == -9
    before = len([*(directory / ".unfinished" / "parts").iterdir()])
    assert before > 3
    async with filled.sessions.begin() as session:
        gone = (await session.scalars(select(Voter).order_by(Voter.number).limit(1))).one()
        vote_id = await session.scalar(select(func.min(Vote.id)).where(Vote.voter_id != gone.id))
        withdrawn = update(Vote).where(Vote.id == vote_id).values(counted=False, reason="withdrawn")
        await session.execute(withdrawn.values(withdrawn_at=func.clock_timestamp()))
        await session.execute(delete(Voter).where(Voter.id == gone.id))
    await export(filled, directory)
    await export(filled, tmp_path / "fresh")
    assert files_of(directory) == files_of(tmp_path / "fresh")
    voters = await voters_of(filled)
    assert table(directory, "votes").num_rows == voters


async def voters_of(database: Database) -> int:
    """How many votes are released."""
    async with database.sessions() as session:
        query = select(func.count()).select_from(Vote).join(Battle, Battle.id == Vote.battle_id)
        return await session.scalar(query.where(Battle.publish, Vote.reason.is_(None))) or 0


async def test_frequent_prompts_are_marked_as_boards_leave_them_out(filled: Database, tmp_path: Path) -> None:
    async with filled.sessions.begin() as session:
        some = select(Ballot.vote_id).where(Ballot.vote_id % 3 == 0)
        await session.execute(update(Ballot).where(Ballot.vote_id.in_(some)).values(prompt_digest="a" * 64))
        await session.execute(update(Battle).values(publish=True))
    await export(filled, tmp_path / "open")
    votes = table(tmp_path / "open", "votes").to_pandas()
    clusters = votes.prompt_cluster.astype("category").cat.codes.to_numpy().astype("int64")
    assert votes.over_frequent.tolist() == over_frequent(clusters, votes.index.to_numpy()).tolist()
    assert votes.over_frequent.sum() == 100 - 25
    await export(filled, tmp_path / "audit", "audit", "audit")
    audit = table(tmp_path / "audit", "votes").to_pandas()
    late = {Signer(SECRET).digest("battle", battle) for battle in await late_battles(filled)}
    assert set(audit.battle_id[audit.over_frequent]) == late
    assert len(late) == 75


async def late_battles(database: Database) -> Sequence[str]:
    async with database.sessions() as session:
        query = select(Vote.battle_id).where(Vote.id % 3 == 0).order_by(Vote.id).offset(25)
        return (await session.scalars(query)).all()


async def test_languages_of_few_voters_are_folded(filled: Database, tmp_path: Path) -> None:
    async with filled.sessions.begin() as session:
        ten = (await session.scalars(select(Vote.battle_id).where(Vote.id <= 10))).all()
        await session.execute(update(Turn).values(prompt_language="en"))
        await session.execute(update(Turn).where(Turn.battle_id.in_(ten)).values(prompt_language="fo"))
        await session.execute(update(Response).values(language="fo"))
        await session.execute(update(Ballot).values(tags=["code", "language:en"]))
        await session.execute(update(Ballot).where(Ballot.vote_id <= 10).values(tags=["code", "language:fo"]))
        await session.execute(update(Battle).values(publish=True))
        voters = await session.scalar(select(func.count(Vote.voter_id.distinct())).where(Vote.id <= 10)) or 0
    manifest = await export(filled, tmp_path / "told", least_group=voters)
    assert manifest["privacy"]["folded_languages"] == 0
    assert {"fo", "en"} == {*table(tmp_path / "told", "battles")["language"].to_pylist()}
    manifest = await export(filled, tmp_path / "folded", "2026-12", least_group=voters + 1)
    assert manifest["privacy"]["folded_languages"] == 1
    assert {None, "en"} == {*table(tmp_path / "folded", "battles")["language"].to_pylist()}
    turns = table(tmp_path / "folded", "turns")
    assert {None, "en"} == {*turns["prompt_language"].to_pylist()}
    assert {None} == {*turns["language_a"].to_pylist(), *turns["language_b"].to_pylist()}
    assert {("code",), ("code", "language:en")} == {
        tuple(row) for row in table(tmp_path / "folded", "votes")["tags"].to_pylist()
    }


async def test_voters_of_an_imported_board_who_go_by_an_address_get_a_pseudonym(
    database: Database, tmp_path: Path
) -> None:
    votes = tmp_path / "votes.csv"
    votes.write_text(
        "model_a,model_b,winner,voter\na,b,model_a,jane.doe@corp.example.com\nb,a,tie,jane.doe@corp.example.com\n"
        "a,b,tie,worker-7\n"
    )
    target = bulk.Target(name="study", origin=None, license=None)
    await bulk.import_votes(database, votes_files.open_votes(votes), target, rejects=tmp_path / "rejects.csv")
    await export(database, tmp_path / "release")
    voters = sorted(pq.read_table(tmp_path / "release" / "boards" / "study.parquet")["voter"].to_pylist())
    assert voters[2] == "worker-7"
    assert voters[0] == voters[1]
    assert re.fullmatch("[0-9a-f]{16}", voters[0])
