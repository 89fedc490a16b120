"""Snapshots: what is read again, what is kept, which boards come of it, and what happens when a fit fails."""

import asyncio
import gzip
import subprocess
import sys
from datetime import datetime, timedelta
from typing import Any

import httpx2
import jsonschema
import orjson
import pytest
from sqlalchemy import func, insert, select, text, update
from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.asyncio import AsyncSession

from arena import ballots, jobs, leaderboards, simulate, snapshots, taggers
from arena.ballots import BallotBox, Votes
from arena.board_worker import BoardWorker
from arena.boards import BoardFile
from arena.db import Database
from arena.errors import LeaderboardNotFound
from arena.settings import Settings
from arena.tables import Ballot, Battle, Model, Snapshot, SnapshotFile, Vote, Voter
from arena.tagging import Conversation, Tagged
from arena.verification import verify
from ratings import board_files
from ratings.board_files import STYLE_FEATURES
from tests.integration.conftest import Says, StartArena, StartModels
from tests.integration.serving import Serving, answered_battle, vote


async def rows_of(box: BallotBox, database: Database) -> dict[int, str]:
    """What a box holds after a look: vote → winner."""
    async with database.readings() as session:
        await box.refresh(session)
    return dict(zip(*(box.rows[name].to_pylist() for name in ("vote_id", "winner")), strict=True))


@pytest.fixture
async def voted(arena: Serving, database: Database) -> Serving:
    """An arena with three tagged votes of three people."""
    for _ in range(3):
        async with arena.client() as person:
            await vote(person, (await answered_battle(person))["id"])
    await snapshots.fit(database)
    return arena


async def test_only_what_changed_is_read_again(
    voted: Serving, database: Database, session: AsyncSession
) -> None:
    box = BallotBox()
    before = await rows_of(box, database)
    assert len(before) == 3
    changes = box.changes
    assert await rows_of(box, database) == before
    assert box.changes == changes, "nothing new"
    changed, erased, stays = sorted(before)
    await session.execute(update(Vote).where(Vote.id == changed).values(winner="both_bad"))
    voter = select(Vote.voter_id).where(Vote.id == erased).scalar_subquery()
    await session.execute(
        text("DELETE FROM voter WHERE id = :id"), {"id": await session.scalar(select(voter))}
    )
    await session.commit()
    assert await rows_of(box, database) == {changed: "both_bad", stays: before[stays]}


async def test_votes_committed_late_are_not_missed(
    voted: Serving, database: Database, session: AsyncSession
) -> None:
    """A transaction that began before the look and ends after it, with a lower number than those already seen."""
    box = BallotBox()
    first = min(await rows_of(box, database))
    await session.execute(update(Vote).where(Vote.id == first).values(winner="tie"))
    async with voted.client() as person:
        await vote(person, (await answered_battle(person))["id"])
    await snapshots.fit(database)
    meanwhile = await rows_of(box, database)
    assert len(meanwhile) == 4
    assert meanwhile[first] != "tie"
    await session.commit()
    assert (await rows_of(box, database))[first] == "tie"


async def test_restored_database_is_read_anew(voted: Serving, database: Database) -> None:
    box = BallotBox()
    held = await rows_of(box, database)
    box.horizon += 1_000_000
    assert await rows_of(box, database) == held


async def test_simulated_votes_fill_categories(start_arena: StartArena, database: Database) -> None:
    """Boards by task and language, with and without style control, whose votes belong there."""
    arena = await start_arena(feed_seconds=0)
    played, index = 0, {"style_control": {}}
    async with arena.client() as program:
        # Pairs are drawn by chance: now and then a model has only won or only lost so far, and style cannot be told.
        while "simulated" not in index["style_control"] and played < 480:
            played += await simulate.play(arena.url, arena.settings, battles=120, at_once=12, seed=3 + played)
            await snapshots.fit(database)
            index = (await program.get("/feed/v1/index.json")).json()
        boards = {name: (await program.get(path)).json() for name, path in index["leaderboards"].items()}
        styled = (await program.get(index["style_control"]["simulated"])).json()
    assert {"simulated-code", "simulated-math", "simulated-english", "simulated-no-ties"} <= set(boards)
    assert 0 < boards["simulated-code"]["votes"] < boards["simulated"]["votes"] == played
    no_ties = boards["simulated-no-ties"]
    assert no_ties["method"]["parameters"]["ranks"] == "anytime"
    assert sum(entry["votes"] for entry in no_ties["entries"]) == 2 * no_ties["votes"]
    assert boards["simulated-code"]["accuracy"]["labelled"] >= 400
    assert styled["style_control"]
    assert {row["name"] for row in styled["coefficients"]} >= {"tokens", "side_bias"}
    assert styled["votes"] == played


async def test_same_digest_with_other_threads(voted: Serving, database: Database) -> None:
    """The command line, in processes of their own with 1 and 4 threads, from the votes in the database."""
    async with database.sessions() as session:
        newest = await snapshots.newest_snapshot(session)
    for threads in ("1", "4"):
        environment = {
            "ARENA_DATABASE_URL": database.url,
            "OPENBLAS_NUM_THREADS": threads,
            "ARENA_SECRET_KEY": "k" * 32,
        }
        command = [sys.executable, "-m", "arena", "leaderboard", "verify", newest.id]
        done = await asyncio.to_thread(
            subprocess.run, command, env=environment, capture_output=True, text=True, timeout=120, check=False
        )
        assert (done.returncode, done.stdout.strip()) == (
            0,
            f"The same votes give the same boards, to the digest of their files: {newest.results_digest}",
        ), done.stderr


async def test_ballots_that_are_read_in_parts_are_the_same(
    voted: Serving, database: Database, session: AsyncSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = await rows_of(BallotBox(), database)
    monkeypatch.setattr(ballots, "_TOGETHER", 1)
    monkeypatch.setattr(ballots, "_PART", 1)
    monkeypatch.setattr(ballots, "_WORTH_TWO", 1)
    assert await rows_of(BallotBox(), database) == whole
    snapshot = await snapshots.newest_snapshot(session)
    async with database.readings() as reading:
        assert await verify(reading, snapshot.id) == []


async def test_ballots_are_read_as_their_columns_say(
    voted: Serving, database: Database, session: AsyncSession
) -> None:
    """From the line that Postgres keeps of each, whatever is null and whoever changed it."""
    filled, bare, _ = sorted(await rows_of(BallotBox(), database))
    styles = {"style_a": [12, 0, 3, 1, 0, 2], "style_b": [7, 1, 0, 0, 4, 0]}
    nothing = dict.fromkeys(("tags", "style_a", "style_b", "prompt_digest"))
    says = {"tags": ["code", "language:en"], "prompt_digest": "7fffffffffffffff" + "0" * 16, **styles}
    for vote_id, values in (filled, says), (bare, nothing):
        await session.execute(update(Ballot).where(Ballot.vote_id == vote_id).values(**values))
    await session.execute(update(Vote).where(Vote.id == filled).values(counted=True, reason=None))
    await session.execute(update(Vote).where(Vote.id == bare).values(winner="tie", reason="private_test"))
    await session.commit()
    box = BallotBox()
    await rows_of(box, database)
    one, other, _ = box.rows.to_pylist()
    columns = select(Ballot.voter, Ballot.model_a_id, Ballot.model_b_id, Ballot.winner)
    stored = (await session.execute(columns.order_by(Ballot.vote_id))).all()
    known = [tuple(row[name] for name in ("voter", "model_a", "model_b", "winner")) for row in (one, other)]
    assert known == [tuple(row) for row in stored[:2]]
    assert (one["reason"], one["tags"], one["prompt"]) == (None, "code language:en", 2**63 - 1)
    sides = [[one[f"{feature}_{side}"] for feature in STYLE_FEATURES] for side in "ab"]
    assert sides == list(styles.values())
    assert (other["reason"], other["tags"], other["prompt"]) == ("private_test", None, bare)
    assert {other[f"{feature}_{side}"] for feature in STYLE_FEATURES for side in "ab"} == {None}
    # As ballots are that were written before there were lines.
    await session.execute(text("ALTER TABLE ballot DISABLE TRIGGER keep_ballot_line"))
    await session.execute(update(Ballot).values(line=None))
    await session.execute(text("ALTER TABLE ballot ENABLE ALWAYS TRIGGER keep_ballot_line"))
    await session.commit()
    older = BallotBox()
    await rows_of(older, database)
    assert older.rows.equals(box.rows)


async def test_large_boards_that_share_two_lanes_say_the_same(
    voted: Serving, database: Database, session: AsyncSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leaderboards, "LARGE", 0)
    snapshot = await snapshots.newest_snapshot(session)
    async with database.readings() as reading:
        assert await verify(reading, snapshot.id) == []


async def test_another_program_is_named_where_its_numbers_are_others(
    voted: Serving, database: Database, session: AsyncSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A snapshot of an earlier program is recomputed all the same, and its files keep saying whose they are."""
    for module in (leaderboards, snapshots):
        monkeypatch.setattr(module, "code_version", lambda: "0.0.9+earlier")
    earlier = await snapshots.fit(database)
    assert earlier is not None
    board = orjson.loads(await snapshots.read_file(session, "leaderboards/demo.json", earlier))
    assert board["code_version"] == "0.0.9+earlier"
    monkeypatch.undo()
    async with database.readings() as reading:
        assert await verify(reading, earlier) == []
        monkeypatch.setattr(board_files, "rounded", lambda value, digits: None)
        (said,) = await verify(reading, earlier)
    assert said == (
        "The same votes give other numbers here: the program differs, "
        f"0.0.9+earlier then, {leaderboards.code_version()} now."
    )


@pytest.mark.parametrize(
    ("column", "altered"),
    [
        (Snapshot.results_digest, "0" * 64),
        (Snapshot.inputs, {"code_version": "9"}),
        (SnapshotFile.body, gzip.compress(b'{"votes": 7}')),
    ],
    ids=["digest", "inputs", "a file"],
)
async def test_altered_snapshot_is_noticed(
    voted: Serving, database: Database, session: AsyncSession, column: Any, altered: object
) -> None:
    snapshot = await snapshots.newest_snapshot(session)
    await session.execute(update(column.class_).values({column: altered}))
    await session.commit()
    async with database.readings() as reading:
        (said,) = await verify(reading, snapshot.id)
    assert said.endswith("altered.")


async def test_other_rules_are_named(voted: Serving, database: Database, session: AsyncSession) -> None:
    snapshot = await snapshots.newest_snapshot(session)
    async with database.readings() as reading:
        (said,) = await verify(reading, snapshot.id, "other rules")
    assert said.startswith("The rules that tag battles:")


class Reluctant:
    """Fails on the battles of one prompt, and gives all others one tag."""

    version = "reluctant"

    async def tag(self, conversation: Conversation) -> Tagged:
        if "17" in conversation.prompts[0]:
            raise ValueError("cannot read this")
        nothing = dict.fromkeys(STYLE_FEATURES, 0)
        return Tagged(tags=("code",), style_a=nothing, style_b=nothing)


async def test_battle_that_cannot_be_tagged_holds_up_no_other(
    voted: Serving, database: Database, session: AsyncSession
) -> None:
    """Another tagger tags all anew, and a vote on a battle that it cannot read still counts."""
    async with voted.client() as person:
        await vote(person, (await answered_battle(person, "Explain recursion."))["id"])
    await snapshots.fit(database, tagger=Reluctant())
    board = orjson.loads(await snapshots.read_file(session, "leaderboards/demo.json"))
    code = orjson.loads(await snapshots.read_file(session, "leaderboards/demo-code.json"))
    assert (board["votes"], code["votes"]) == (4, 1)
    assert set(await session.scalars(select(Ballot.rules))) == {"reluctant"}


async def test_what_any_others_tagged_is_tagged_anew(
    voted: Serving, database: Database, session: AsyncSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Other versions may stand before and after this one, and there may be more such votes than are tagged at once."""
    monkeypatch.setattr(taggers, "TAGGED_AT_ONCE", 1)
    votes = (await session.scalars(select(Ballot.vote_id))).all()
    assert len(votes) > 2
    for place, vote_id in enumerate(votes):
        other = ("before", "sooner")[place % 2]
        await session.execute(update(Ballot).where(Ballot.vote_id == vote_id).values(rules=other))
    await session.commit()
    await snapshots.fit(database, tagger=Reluctant())
    assert set(await session.scalars(select(Ballot.rules))) == {"reluctant"}


async def test_untouched_population_is_not_computed_again(
    voted: Serving, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    computed: list[str] = []
    compute = snapshots.compute

    def counted(votes: list[Votes], inputs: dict[str, Any], worker: BoardWorker) -> list[BoardFile]:
        computed.extend(each.population.name for each in votes)
        return compute(votes, inputs, worker)

    monkeypatch.setattr(snapshots, "compute", counted)
    fitter = snapshots.Fitter(database)
    for expected in (["overall", "demo", "simulated"], ["demo"]):
        computed.clear()
        async with voted.client() as person:
            await vote(person, (await answered_battle(person))["id"], "both_bad")
        await fitter.fit()
        assert computed == expected


async def test_old_snapshots_go_but_the_last_of_a_day_stays(
    voted: Serving, database: Database, session: AsyncSession
) -> None:
    newest = (await snapshots.newest_snapshot(session)).id
    now = await session.scalar(select(func.now()))
    assert now is not None
    ages = {
        "old": now - timedelta(days=3, minutes=1),
        "last of that day": now - timedelta(days=3),
        "early in an hour": now.replace(minute=0, second=1) - timedelta(hours=3),
        "last of an hour": now.replace(minute=0, second=2) - timedelta(hours=3),
        "young": now - timedelta(minutes=1),
    }
    for name, created in ages.items():
        values = dict(code_version="0", inputs={}, results_digest="", visible="", last_vote_id=0)
        row = insert(Snapshot).values(id=name, last_imported_id=0, created_at=created, **values)
        await session.execute(row)
    await session.commit()
    async with voted.client() as person:
        await vote(person, (await answered_battle(person))["id"], "tie")
    fourth = await snapshots.fit(database)
    kept = set(await session.scalars(select(Snapshot.id)))
    assert {newest, fourth, "last of that day", "last of an hour", "young"} == kept
    assert await session.scalar(select(func.count()).select_from(SnapshotFile)) > 0


async def test_unknown_board_names_the_nearest(voted: Serving, session: AsyncSession) -> None:
    with pytest.raises(LeaderboardNotFound, match="'dmo'.*demo"):
        await snapshots.read_file(session, "leaderboards/dmo.json")


async def test_fit_that_cannot_say_so_fails_with_its_own_error(monkeypatch: pytest.MonkeyPatch) -> None:
    away = Database("postgresql+psycopg://nobody@127.0.0.1:1/none")
    fitter = snapshots.Fitter(away)

    async def broken() -> None:
        raise ArithmeticError("the numbers do not add up")

    monkeypatch.setattr(fitter, "fit", broken)
    with pytest.raises(ArithmeticError):
        await jobs._fit(away, fitter)


@pytest.mark.parametrize(
    "error",
    [ArithmeticError("the numbers do not add up"), OperationalError("SELECT", {}, Exception("no space"))],
)
async def test_failed_fit_keeps_the_last_board_and_says_so(
    error: Exception, voted: Serving, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    fitter = snapshots.Fitter(database)
    settings = Settings(secret_key="k" * 32)

    def broken(*_: object) -> None:
        raise error

    async with voted.client() as person:
        before = (await person.get("/feed/v1/leaderboards/demo.json")).json()
        await vote(person, (await answered_battle(person))["id"])
        with monkeypatch.context() as patched:
            patched.setattr(snapshots, "compute", broken)
            for _ in range(2):
                with pytest.raises(type(error)):
                    await jobs.fit_leaderboards(database, fitter, settings)
        assert (await person.get("/feed/v1/leaderboards/demo.json")).json() == before
        assert await _pages_that_say_they_are_stale(person, before) == set(_pages_with_numbers(before))
        index = (await person.get("/feed/v1/index.json")).json()
        jsonschema.validate(index, (await person.get(index["$schema"])).json())
        assert datetime.fromisoformat(index["stale_since"]) > datetime.fromisoformat(index["generated_at"])
        ready = (await person.get("/readyz")).json()
        assert ready["status"] == "ok"
        assert any("stale" in note for note in ready["notes"])
        assert "arena_stale_leaderboards 1.0" in (await person.get("/metrics")).text
        await jobs.fit_leaderboards(database, fitter, settings)
        assert (await person.get("/feed/v1/leaderboards/demo.json")).json()["votes"] == before["votes"] + 1
        assert await _pages_that_say_they_are_stale(person, before) == set()
        assert (await person.get("/feed/v1/index.json")).json()["stale_since"] is None
        assert (await person.get("/readyz")).json()["notes"] == []


def _pages_with_numbers(board: dict[str, Any]) -> list[str]:
    """The pages about a board that show numbers of the newest snapshot."""
    a, b, *_ = (entry["model"] for entry in board["entries"])
    views = ("leaderboard", "plot", "pairs", "history", "robustness", "embed/leaderboard")
    others = (f"/compare?a={a}&b={b}&board=demo", f"/models/{a}", "/history/demo/diff", "/me/board")
    return [f"/{view}/demo" for view in views] + list(others)


async def _pages_that_say_they_are_stale(person: httpx2.AsyncClient, board: dict[str, Any]) -> set[str]:
    said = {path: await person.get(path) for path in _pages_with_numbers(board)}
    assert {answer.status_code for answer in said.values()} == {200}
    return {path for path, answer in said.items() if "stale since" in answer.text}


async def test_prompt_asked_over_and_over_is_left_out_beyond_a_limit(
    start_models: StartModels,
    start_arena: StartArena,
    catalog: object,
    database: Database,
    session: AsyncSession,
) -> None:
    """Votes that were never battles here, but stand in the tables as if: 40 on one prompt, 60 on others.

    The last is lost by a third model, which so has no rating.
    """
    await start_models(Says("one", "Yes."), Says("three", "Perhaps."), Says("two", "No."))
    arena = await start_arena(catalog=catalog)
    one, three, two = await session.scalars(select(Model.id).order_by(Model.name))
    for number in range(100):
        voter, battle = f"00000000-0000-0000-0000-{number:012}", f"battle-{number:015}"
        await session.execute(insert(Voter).values(id=voter))
        sides = {"model_a_id": three if number == 99 else one, "model_b_id": two}
        facts = dict(propensity=1, decoding={}, release_policy="paced", publish=False, state="voted")
        await session.execute(insert(Battle).values(id=battle, voter_id=voter, **sides, **facts))
        cast = dict(voter_id=voter, winner=("model_a", "model_b")[number % 2], counted=True, receipt="r")
        vote_id = await session.scalar(insert(Vote).values(battle_id=battle, **cast).returning(Vote.id))
        digest = "a" * 32 if number < 40 else f"{number:016x}" * 2
        tagged = dict(tags=[], style_a=[0] * 6, style_b=[0] * 6, rules=snapshots.RuleTagger().version)
        row = update(Ballot).where(Ballot.vote_id == vote_id)
        await session.execute(row.values(prompt_digest=digest, **tagged))
    await session.commit()
    await snapshots.fit(database)
    board = await snapshots.read_file(session, "leaderboards/overall.json")
    assert b'"left_out":{"over_frequent_prompt":15}' in board
    assert b'"votes":85,' in board
    async with arena.client() as reader:
        page = (await reader.get("/models/two")).text
    assert page.count("Votes on prompts asked over and over are among these; the board leaves them out.") == 2
    assert "Averages of 100 battles" in page
    assert [entry["rating"] is None for entry in orjson.loads(board)["entries"]] == [False, False, True]
    assert '<span class="ends">of 2</span>' in page
