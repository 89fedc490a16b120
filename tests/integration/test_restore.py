"""A release goes into an arena without battles and comes out again, byte by byte."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import psycopg
import pyarrow.parquet as pq
import pytest
from sqlalchemy import func, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from arena import snapshots
from arena.dataset import restore as restoring
from arena.dataset.bulk import Target, import_votes
from arena.dataset.restore import Restored, restore
from arena.dataset.rows import conninfo_of
from arena.db import Database, upgrade
from arena.errors import ReleaseInvalid
from arena.postgres import EmbeddedPostgres
from arena.records import Release
from arena.tables import Ballot, Battle, Board, ImportedVote, Response, Snapshot, Turn, Vote, Voter
from arena.tagging import rules_version
from benchmarks.conversations import fill
from ratings.release.manifest import UnreadableReleaseError
from tests.integration.releasing import export, files_of

BATTLES = 240
SIGNATURE = "SHA256SUMS.sig"
# What makes an arena: texts of every kind, votes of every standing, models that changed and left.
HISTORY = (
    r"""UPDATE turn SET prompt = E'Say "hi", \\\\ and\n\\\\.\njane@example.org, Zoë 漢字' WHERE id % 9 = 0""",
    "UPDATE turn SET prompt_language = NULL WHERE id % 11 = 0",
    """UPDATE turn SET moderation = '["violence"]' WHERE id % 13 = 0""",
    "UPDATE response SET state = 'stopped', finish_reason = NULL, language = NULL WHERE id % 17 = 0",
    r"""UPDATE response SET text = E'Ask bob@example.org;\r\n"now"', reveals_identity = 'name' WHERE id % 19 = 0""",
    "UPDATE vote SET counted = false, reason = 'demo_models' WHERE id % 7 = 0",
    """UPDATE vote SET counted = false, reason = 'revealed_identity', reasons = '["faster", "a \\"b\\""]'
        WHERE id % 23 = 0""",
    "UPDATE vote SET counted = false, reason = 'withdrawn', withdrawn_at = now() WHERE id % 29 = 0",
    "UPDATE voter SET kind = 'simulated' WHERE number <= 5",
    """UPDATE vote SET counted = false, reason = 'simulated_voter' FROM voter
        WHERE voter.id = voter_id AND kind = 'simulated' AND reason IS NULL""",
    "UPDATE vote SET early = true WHERE id % 5 = 0",
    "UPDATE ballot SET prompt_digest = md5(vote_id::text) || md5(vote_id::text)",
    # Asked too often: beyond 25 a prompt's votes are left out of the boards.
    "UPDATE ballot SET prompt_digest = repeat('ab', 32) WHERE vote_id BETWEEN 100 AND 170",
    "UPDATE ballot SET prompt_digest = NULL WHERE vote_id % 31 = 0",
    """UPDATE ballot SET tags = ARRAY['a "quoted" tag', 'code', 'language:en'] WHERE vote_id % 8 = 0""",
    "SELECT setval(pg_get_serial_sequence('turn', 'id'), 100000)",
    """INSERT INTO turn (battle_id, index, prompt, state, after_reveal, finished_at)
        SELECT id, 1, 'And after the reveal?', 'answered', true, '2026-10-01' FROM battle WHERE id < '4'""",
    """INSERT INTO response (turn_id, side, state, text)
        SELECT id, side, 'answered', 'Still here.' FROM turn, unnest(ARRAY['a', 'b']) AS side WHERE index = 1""",
    """UPDATE model SET status = 'retired', retired_at = '2026-09-30', retired_reason = 'Superseded.',
        link = 'https://x', aliases = '["old"]', parameters_billions = 8.2 WHERE id = 3""",
    """INSERT INTO model_version (model_id, served_as, organization, license, open_weights, aliases, endpoints,
            decoding, first_served_at, last_served_at, reason)
        SELECT id, 'served-' || id, 'maker', 'open', true, '[]'::jsonb, '["hosted"]'::jsonb,
            '{"temperature": 0.7, "extra": {"b": 1}}'::jsonb, '2026-01-02'::timestamptz, '2026-05-05'::timestamptz,
            'Changed: decoding.' FROM model
        UNION ALL SELECT id, name, 'maker', 'open', true, '["x"]', '["hosted"]', '{"temperature": 1.0}', '2026-05-05',
            NULL, NULL FROM model""",
)


@pytest.fixture
async def other(postgres: EmbeddedPostgres) -> AsyncIterator[Database]:
    """Another arena, without anything."""
    await asyncio.to_thread(postgres.create_database, "other")
    await asyncio.to_thread(upgrade, postgres.url("other"))
    database = Database(postgres.url("other"), pool_size=3)
    yield database
    await database.close()
    with psycopg.connect(postgres.conninfo("postgres"), autocommit=True) as connection:
        connection.execute("DROP DATABASE other")


@pytest.fixture
async def lived(database: Database, tmp_path: Path) -> Database:
    """An arena with a history and an imported board."""
    conninfo = conninfo_of(database.url)
    await asyncio.to_thread(fill, conninfo, BATTLES)
    with psycopg.connect(conninfo, autocommit=True) as connection:
        for statement in HISTORY:
            connection.execute(statement)
    votes = tmp_path / "study.csv"
    votes.write_text('model_a,model_b,winner,voter\n"x, y",y,tie,1\ny,"x, y",model_a,\n')
    await import_votes(database, votes, Target(name="study", origin="the tests", license="CC0-1.0"))
    return database


async def restored(database: Database, release: Path) -> Restored:
    return await restore(database, release, rules_version(()))


def told(directory: Path) -> dict[str, bytes]:
    """All files but the signature, which each arena makes with a key of its own."""
    return {name: content for name, content in files_of(directory).items() if name != SIGNATURE}


@pytest.mark.parametrize("variant", ["open", "audit"])
async def test_release_comes_out_as_it_went_in(
    variant: str, lived: Database, other: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(restoring, "BATTLES_AT_ONCE", 50)
    manifest = await export(lived, tmp_path / "one", "2026-11", variant)  # type: ignore[arg-type]
    done = await restored(other, tmp_path / "one")
    assert (done.votes, done.left_out, done.boards) == (
        manifest["files"]["data/votes.parquet"]["rows"],
        0,
        ("study",),
    )
    assert done.votes > BATTLES / 2
    again = await export(other, tmp_path / "two", "2026-11", variant, least_group=50)  # type: ignore[arg-type]
    assert again == manifest
    one, two = told(tmp_path / "one"), told(tmp_path / "two")
    assert one.keys() == two.keys()
    assert [name for name, content in one.items() if two[name] != content] == []
    flags = pq.read_table(tmp_path / "one" / "data" / "votes.parquet")["over_frequent"].to_pylist()
    assert 0 < sum(flags) < 71


async def test_restored_arena_shows_the_same_boards(lived: Database, other: Database, tmp_path: Path) -> None:
    """Without prompts asked too often, of which the boards count the earliest and a release the first in the file."""
    with psycopg.connect(conninfo_of(lived.url), autocommit=True) as connection:
        connection.execute("UPDATE ballot SET prompt_digest = md5(vote_id::text) || md5(vote_id::text)")
        connection.execute("UPDATE battle SET publish = true")
        connection.execute("UPDATE vote SET reason = 'void', withdrawn_at = NULL WHERE reason = 'withdrawn'")
    await export(lived, tmp_path / "one", least_group=2)
    await restored(other, tmp_path / "one")
    said = []
    for database in (lived, other):
        assert await snapshots.fit(database) is not None
        async with database.sessions() as session:
            said.append((await session.execute(select(Snapshot.id, Snapshot.results_digest))).one())
    assert said[0] == said[1]


async def test_restored_rows_are_those_of_an_arena(lived: Database, other: Database, tmp_path: Path) -> None:
    await export(lived, tmp_path / "one")
    await restored(other, tmp_path / "one")
    async with other.sessions() as session:
        assert await count(session, Turn) * 2 == await count(session, Response)
        votes = await count(session, Vote)
        assert votes == await count(session, Battle) == await count(session, Ballot)
        assert await count(session, Voter) == await count(session, Voter, Voter.pseudonym.is_not(None))
        assert 0 < await count(session, Voter, Voter.kind == "simulated") <= 5
        assert await count(session, Ballot, Ballot.rules != rules_version(())) == 0
        release = (await session.scalars(select(Release))).one()
        assert (release.state, release.key, release.last_vote_id) == ("imported", None, votes)
        board = (await session.scalars(select(Board))).one()
        assert (board.name, board.votes, board.origin, board.license) == ("study", 2, "the tests", "CC0-1.0")
    # Triggers are on again: a vote that is cast now has its ballot.
    async with other.sessions.begin() as session:
        await session.execute(text("UPDATE vote SET reason = 'void', counted = false WHERE id = 1"))
        changed = select(Ballot.reason).where(Ballot.vote_id == 1)
        assert await session.scalar(changed) == "void"
        enabled = text("SELECT tgenabled FROM pg_trigger WHERE tgname = 'add_ballot'")
        assert await session.scalar(enabled) in ("O", b"O")


async def count(session: AsyncSession, table: type, *where: object) -> int:
    found = await session.scalar(select(func.count()).select_from(table).where(*where))  # type: ignore[arg-type]
    return found or 0


async def test_only_an_arena_without_battles_is_restored_into(lived: Database, tmp_path: Path) -> None:
    await export(lived, tmp_path / "one")
    with pytest.raises(ReleaseInvalid, match="has battles of its own.*--board NAME"):
        await restored(lived, tmp_path / "one")


async def test_second_restore_is_refused(lived: Database, other: Database, tmp_path: Path) -> None:
    await export(lived, tmp_path / "one")
    await restored(other, tmp_path / "one")
    async with other.sessions.begin() as session:
        await session.execute(text("DELETE FROM battle"))
    with pytest.raises(ReleaseInvalid, match="release '2026-11' already"):
        await restored(other, tmp_path / "one")


async def test_board_of_the_same_name_is_in_the_way(lived: Database, other: Database, tmp_path: Path) -> None:
    await export(lived, tmp_path / "one")
    await import_votes(other, tmp_path / "study.csv", Target(name="study"))
    with pytest.raises(ReleaseInvalid, match="board 'study' already"):
        await restored(other, tmp_path / "one")


async def test_withdrawn_battles_are_left_out(lived: Database, other: Database, tmp_path: Path) -> None:
    await export(lived, tmp_path / "one")
    battles = pq.read_table(tmp_path / "one" / "data" / "battles.parquet")["battle_id"].to_pylist()
    gone = battles[3:20]
    (tmp_path / "withdrawn.txt").write_text("".join(f"{battle}\n" for battle in gone))
    done = await restore(other, tmp_path / "one", rules_version(()), withdrawn=tmp_path / "withdrawn.txt")
    assert (done.votes, done.left_out) == (len(battles) - 17, 17)
    async with other.sessions() as session:
        assert {*await session.scalars(select(Battle.released_as))} == {*battles} - {*gone}
        release = (await session.scalars(select(Release))).one()
        assert release.withdrawn == gone


async def test_cut_off_restore_leaves_nothing_and_starts_anew(
    lived: Database, other: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    manifest = await export(lived, tmp_path / "one")
    monkeypatch.setattr(restoring, "BATTLES_AT_ONCE", 50)
    store, stored = restoring._Restoring._store, 0

    async def fails_once(*arguments: object) -> None:
        nonlocal stored
        stored += 1
        if stored == 3:
            raise RuntimeError("the server is gone")
        await store(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(restoring._Restoring, "_store", fails_once)
    with pytest.raises(RuntimeError, match="gone"):
        await restored(other, tmp_path / "one")
    async with other.sessions() as session:
        for table in (Battle, Voter, Vote, ImportedVote, Release, Board):
            assert await count(session, table) == 0
    assert (await restored(other, tmp_path / "one")).votes == manifest["files"]["data/votes.parquet"]["rows"]


async def test_altered_release_is_refused(lived: Database, other: Database, tmp_path: Path) -> None:
    await export(lived, tmp_path / "one")
    path = tmp_path / "one" / "data" / "votes.parquet"
    content = bytearray(path.read_bytes())
    content[1000] ^= 1
    path.write_bytes(content)
    with pytest.raises(ReleaseInvalid, match="data/votes.parquet: altered.*Nothing was restored"):
        await restored(other, tmp_path / "one")
    with pytest.raises(UnreadableReleaseError, match="is no release"):
        await restored(other, tmp_path)
