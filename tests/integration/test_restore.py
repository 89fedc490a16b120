"""A release goes into an arena without battles and comes out again, byte by byte."""

import asyncio
import json
import shutil
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, TypeVar, get_args

import psycopg
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sqlalchemy import func, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from arena import snapshots
from arena.dataset import restore as restoring
from arena.dataset.bulk import Target, import_votes
from arena.dataset.release_votes import open_release_votes, withdrawn_battles
from arena.dataset.restore import Restored, restore
from arena.db import Database, conninfo_of, upgrade
from arena.errors import DatasetInvalid, ReleaseInvalid
from arena.postgres import EmbeddedPostgres
from arena.records import Release, Variant
from arena.tables import Ballot, Battle, Board, ImportedVote, Response, Snapshot, Turn, Vote, Voter
from arena.tagging import rules_version
from benchmarks.conversations import fill
from ratings.release import tables
from ratings.release.manifest import UnreadableReleaseError, read_manifest, rows_in, write_manifest
from tests.integration.failing import fail_call
from tests.integration.releasing import export, files_of
from tests.integration.small_release import seal
from tests.unit.release.conftest import changed, rewrite

Result = TypeVar("Result")
BATTLES = 240
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
    "UPDATE model SET license = NULL, open_weights = NULL WHERE id = 2",
    """INSERT INTO model_version (model_id, served_as, organization, license, open_weights, aliases, endpoints,
            decoding, first_served_at, last_served_at, reason)
        SELECT id, 'served-' || id, 'maker', 'open', true, '[]'::jsonb, '["hosted"]'::jsonb,
            '{"temperature": 0.7, "extra": {"b": 1}}'::jsonb, '2026-01-02'::timestamptz, '2026-05-05'::timestamptz,
            'Changed: decoding.' FROM model
        UNION ALL SELECT id, name, 'maker', 'open', true, '["x"]', '["hosted"]', '{"temperature": 1.0}', '2026-05-05',
            NULL, NULL FROM model""",
    "UPDATE model_version SET license = NULL, open_weights = NULL WHERE model_id = 2",
)


@pytest.fixture(scope="module")
def lived(postgres: EmbeddedPostgres, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The name of a database: an arena with a history and an imported board."""
    with _database(postgres, "lived") as url:
        fill(conninfo_of(url), BATTLES)
        _execute(url, *HISTORY)
        votes = tmp_path_factory.mktemp("lived") / "study.csv"
        votes.write_text('model_a,model_b,winner,voter\n"x, y",y,tie,1\ny,"x, y",model_a,\n')
        target = Target(name="study", origin="the tests", license="CC0-1.0")
        _run(url, lambda database: import_votes(database, votes, target))
        yield "lived"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where an arena keeps the key that it signs with, and where its releases lie here."""
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def manifests(postgres: EmbeddedPostgres, lived: str, home: Path) -> dict[str, dict[str, Any]]:
    """What the releases of that arena, open and audit, say of themselves; they lie in folders of these names."""
    url = postgres.url(lived)
    return {
        variant: _run(
            url, partial(export, directory=home / variant, name=f"2026-11-{variant}", variant=variant)
        )
        for variant in get_args(Variant)
    }


@pytest.fixture
def release(manifests: object, home: Path, tmp_path: Path) -> Path:
    """A copy of the open release."""
    return Path(shutil.copytree(home / "open", tmp_path / "one"))


@pytest.fixture
async def other(postgres: EmbeddedPostgres) -> AsyncIterator[Database]:
    """Another arena, without anything."""
    with _database(postgres, "other") as url:
        database = Database(url, pool_size=3)
        yield database
        await database.close()


@contextmanager
def _database(postgres: EmbeddedPostgres, name: str, template: str | None = None) -> Iterator[str]:
    postgres.create_database(name, template)
    upgrade(postgres.url(name))
    yield postgres.url(name)
    with psycopg.connect(postgres.conninfo("postgres"), autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {name}")


def _execute(url: str, *statements: str) -> bool:
    with psycopg.connect(conninfo_of(url), autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement)
    return True


def _run(url: str, work: Callable[[Database], Coroutine[Any, Any, Result]]) -> Result:
    """Outside the event loop of the tests."""

    async def run() -> Result:
        database = Database(url, pool_size=3)
        try:
            return await work(database)
        finally:
            await database.close()

    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, run()).result()


async def restored(database: Database, release: Path) -> Restored:
    return await restore(database, release, rules_version(()))


@pytest.mark.parametrize("variant", ["open", "audit"])
async def test_release_comes_out_as_it_went_in(
    variant: Variant, manifests: dict[str, Any], home: Path, other: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where the least group is another, and signed with the same key."""
    monkeypatch.setattr(restoring, "BATTLES_AT_ONCE", 50)
    votes = manifests[variant]["files"]["data/votes.parquet"]["rows"]
    done = await restored(other, home / variant)
    assert (done.votes, done.left_out, done.boards) == (votes, 0, ("study",))
    assert votes > BATTLES / 2
    again = home / f"{variant}-again"
    assert await export(other, again, f"2026-11-{variant}", variant, least_group=50) == manifests[variant]
    one, two = files_of(home / variant), files_of(again)
    assert one.keys() == two.keys()
    assert [name for name, content in one.items() if two[name] != content] == []
    flags = pq.read_table(home / variant / "data" / "votes.parquet")["over_frequent"].to_pylist()
    assert 0 < sum(flags) < 71


async def test_large_release_comes_out_as_it_went_in(
    postgres: EmbeddedPostgres, lived: str, other: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its tables in several files."""
    monkeypatch.setattr(tables, "FILE_ROWS", 70)
    with _database(postgres, "copied", lived) as url:
        copied = Database(url, pool_size=3)
        manifest = await export(copied, tmp_path / "one", "2026-12")
        await copied.close()
    done = await restored(other, tmp_path / "one")
    assert (
        done.votes
        == rows_in(manifest, "data/votes.parquet")
        > manifest["files"]["data/votes.parquet"]["rows"]
    )
    await export(other, tmp_path / "two", "2026-12")
    one, two = files_of(tmp_path / "one"), files_of(tmp_path / "two")
    assert {"data/turns_002.parquet", "data/battles_002.parquet"} <= one.keys()
    assert one == two


async def test_restored_arena_shows_the_same_boards(
    postgres: EmbeddedPostgres, lived: str, other: Database, tmp_path: Path
) -> None:
    """Of all that the release holds; of prompts asked too often the site counts the earliest votes, an open release
    the first of the file."""
    with _database(postgres, "copied", lived) as url:
        _execute(
            url,
            "UPDATE ballot SET prompt_digest = md5(vote_id::text) || md5(vote_id::text)",
            "UPDATE battle SET publish = true",
            "UPDATE vote SET reason = 'void', withdrawn_at = NULL WHERE reason = 'withdrawn'",
        )
        copied = Database(url, pool_size=3)
        await export(copied, tmp_path / "one", "2026-12")
        await restored(other, tmp_path / "one")
        said = []
        for database in (copied, other):
            assert await snapshots.fit(database) is not None
            async with database.sessions() as session:
                said.append((await session.execute(select(Snapshot.id, Snapshot.results_digest))).one())
        await copied.close()
    assert said[0] == said[1]


async def test_restored_rows_are_those_of_an_arena(release: Path, other: Database) -> None:
    await restored(other, release)
    assert "| not stated |" in (release / "LICENSE.md").read_text()
    async with other.sessions() as session:
        assert await count(session, Turn) * 2 == await count(session, Response)
        votes = await count(session, Vote)
        assert votes == await count(session, Battle) == await count(session, Ballot)
        assert await count(session, Voter) == await count(session, Voter, Voter.pseudonym.is_not(None))
        assert 0 < await count(session, Voter, Voter.kind == "simulated") <= 5
        assert await count(session, Ballot, Ballot.rules != rules_version(())) == 0
        row = (await session.scalars(select(Release))).one()
        assert (row.state, row.key, row.last_vote_id) == ("imported", None, votes)
        board = (await session.scalars(select(Board))).one()
        assert (board.name, board.votes, board.origin, board.license) == ("study", 2, "the tests", "CC0-1.0")
    # Triggers are on again.
    async with other.sessions.begin() as session:
        await session.execute(text("UPDATE vote SET reason = 'void', counted = false WHERE id = 1"))
        changed = select(Ballot.reason).where(Ballot.vote_id == 1)
        assert await session.scalar(changed) == "void"
        enabled = text("SELECT tgenabled::text FROM pg_trigger WHERE tgname = 'add_ballot'")
        assert await session.scalar(enabled) == "O"


async def count(session: AsyncSession, table: type, *where: object) -> int:
    found = await session.scalar(select(func.count()).select_from(table).where(*where))  # type: ignore[arg-type]
    return found or 0


async def test_only_an_arena_without_battles_is_restored_into(
    postgres: EmbeddedPostgres, lived: str, release: Path
) -> None:
    database = Database(postgres.url(lived), pool_size=3)
    with pytest.raises(ReleaseInvalid, match="has battles of its own.*--board NAME"):
        await restored(database, release)
    await database.close()


async def test_second_restore_is_refused(release: Path, other: Database) -> None:
    await restored(other, release)
    async with other.sessions.begin() as session:
        await session.execute(text("DELETE FROM battle"))
    with pytest.raises(ReleaseInvalid, match="release '2026-11-open' already"):
        await restored(other, release)


async def test_board_of_the_same_name_is_in_the_way(release: Path, other: Database, tmp_path: Path) -> None:
    (tmp_path / "study.csv").write_text("model_a,model_b,winner\nx,y,tie\n")
    await import_votes(other, tmp_path / "study.csv", Target(name="study"))
    with pytest.raises(ReleaseInvalid, match="board 'study' already"):
        await restored(other, release)


@pytest.mark.parametrize("name", ["code", "english", "demo-models", "Über <b>"])
async def test_board_under_a_name_that_is_no_imported_boards_is_refused(
    name: str, release: Path, other: Database
) -> None:
    manifest = read_manifest(release)
    before, file = "boards/study.parquet", f"boards/{name}.parquet"
    (release / before).rename(release / file)
    study = manifest["populations"].pop("study")
    manifest["populations"][name] = study | {"votes_file": file}
    manifest["files"][file] = manifest["files"].pop(before)
    write_manifest(release, manifest)
    seal(release)
    with pytest.raises(ReleaseInvalid, match=f"brings a board '{name}'.*--board NAME"):
        await restored(other, release)


async def test_withdrawn_battles_are_left_out(release: Path, other: Database, tmp_path: Path) -> None:
    battles = pq.read_table(release / "data" / "battles.parquet")["battle_id"].to_pylist()
    gone = battles[3:20]
    (tmp_path / "withdrawn.txt").write_text("".join(f"{battle}\n" for battle in gone))
    done = await restore(other, release, rules_version(()), withdrawn=tmp_path / "withdrawn.txt")
    assert (done.votes, done.left_out) == (len(battles) - 17, 17)
    async with other.sessions() as session:
        assert {*await session.scalars(select(Battle.released_as))} == {*battles} - {*gone}
        assert (await session.scalars(select(Release))).one().withdrawn == gone
    following = await export(other, tmp_path / "following", "2026-12")
    assert following["withdrawn"] == len(gone)
    assert (tmp_path / "following" / "withdrawn.txt").read_text().split() == gone


@pytest.mark.parametrize(
    ("said", "wrong"),
    [
        (b"Note: see jane@example.org\n", "line 1 is no battle"),
        (b"0123456789abcdef0123456789abcdef,x\n", "line 1 is no battle"),
        (b"\n\xff\n", "cannot be read"),
        (None, "cannot be read"),
    ],
)
def test_what_is_no_list_of_battles_is_refused(
    release: Path, tmp_path: Path, said: bytes | None, wrong: str
) -> None:
    """It would be published in every later release."""
    path = tmp_path / "withdrawn.txt"
    if said is not None:
        path.write_bytes(said)
    with pytest.raises(ReleaseInvalid, match=rf"withdrawn.txt:? {wrong}"):
        withdrawn_battles(release, path)


def test_list_of_battles_may_begin_with_a_mark_or_be_that_of_a_release(release: Path, tmp_path: Path) -> None:
    battle = "0123456789abcdef" * 2
    (tmp_path / "withdrawn.txt").write_text(f"\ufeff{battle}\r\n")
    assert battle in withdrawn_battles(release, tmp_path)


async def test_withdrawn_battles_may_be_all_of_a_batch(
    release: Path, other: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(restoring, "BATTLES_AT_ONCE", 50)
    battles = pq.read_table(release / "data" / "battles.parquet")["battle_id"].to_pylist()
    (tmp_path / "withdrawn.txt").write_text("".join(f"{battle}\n" for battle in battles[50:100]))
    done = await restore(other, release, rules_version(()), withdrawn=tmp_path / "withdrawn.txt")
    assert (done.votes, done.left_out) == (len(battles) - 50, 50)


async def test_cut_off_restore_leaves_nothing_and_starts_anew(
    release: Path, manifests: dict[str, Any], other: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(restoring, "BATTLES_AT_ONCE", 50)
    fail_call(monkeypatch, restoring._Restoring, "_store", 3)
    with pytest.raises(RuntimeError, match="gone"):
        await restored(other, release)
    async with other.sessions() as session:
        for table in (Battle, Voter, Vote, ImportedVote, Release, Board):
            assert await count(session, table) == 0
    assert (await restored(other, release)).votes == manifests["open"]["files"]["data/votes.parquet"]["rows"]


async def test_altered_release_is_refused(release: Path, other: Database, tmp_path: Path) -> None:
    path = release / "data" / "votes.parquet"
    content = bytearray(path.read_bytes())
    content[1000] ^= 1
    path.write_bytes(content)
    with pytest.raises(ReleaseInvalid, match=r"data/votes.parquet: altered.*Nothing was imported"):
        await restored(other, release)
    with pytest.raises(UnreadableReleaseError, match="is no release"):
        await restored(other, tmp_path)


def with_prompt(rows: pa.Table) -> pa.Table:
    return changed(rows, "prompt", 7, "a\0b")


def with_reasons(rows: pa.Table) -> pa.Table:
    return changed(rows, "reasons", 3, ["faster", "\0"])


def with_decoding(rows: pa.Table) -> pa.Table:
    versions = rows["versions"][0].as_py()
    return changed(rows, "versions", 0, [versions[0] | {"decoding": '{"stop": "\\u0000"}'}, *versions[1:]])


def with_alias(rows: pa.Table) -> pa.Table:
    versions = rows["versions"][0].as_py()
    return changed(rows, "versions", 0, [versions[0] | {"aliases": ["\0"]}, *versions[1:]])


@pytest.mark.parametrize(
    ("table", "change", "said"),
    [
        ("turns", with_prompt, r"data/turns.parquet: prompt of [0-9a-f]{32} holds the sign U\+0000"),
        ("votes", with_reasons, r"data/votes.parquet: reasons of [0-9a-f]{32} holds the sign U\+0000"),
        ("models", with_alias, r"data/models.parquet: versions of \S+ holds the sign U\+0000"),
        ("models", with_decoding, r"data/models.parquet cannot be restored: unsupported Unicode escape"),
    ],
)
async def test_what_the_database_cannot_store_is_named_with_its_file(
    table: str, change: Callable[[pa.Table], pa.Table], said: str, release: Path, other: Database
) -> None:
    rewrite(release, f"data/{table}.parquet", change)
    with pytest.raises(ReleaseInvalid, match=f"{said}.*Nothing was imported"):
        await restored(other, release)
    async with other.sessions() as session:
        assert await count(session, Release) == await count(session, Battle) == 0


@pytest.mark.parametrize("facts", [{"name": "../../evil"}, {"privacy": {}}])
async def test_release_that_could_not_be_exported_again_is_refused(
    facts: dict[str, Any], release: Path, other: Database
) -> None:
    write_manifest(release, read_manifest(release) | facts)
    seal(release)
    with pytest.raises(ReleaseInvalid, match=r"release.json: .*Nothing was imported"):
        await restored(other, release)


async def test_counted_votes_of_a_release_on_a_board_beside_others(
    release: Path, manifests: dict[str, Any], postgres: EmbeddedPostgres, lived: str, database: Database
) -> None:
    """Its board has the ratings of the overall board that the release holds."""
    votes = pq.read_table(release / "data" / "votes.parquet").to_pylist()
    counted = [row for row in votes if row["counted"] and not row["over_frequent"]]
    file = open_release_votes(release, [counted[0]["battle_id"]])
    assert (await import_votes(database, file, Target(name="elsewhere"))).new == len(counted) - 1
    done = await import_votes(database, open_release_votes(release, []), Target(name="whole"))
    assert (done.new, done.rejected) == (len(counted), 0)
    gone = [row["battle_id"] for row in counted[5:8]]
    again = await import_votes(database, open_release_votes(release, gone), Target(name="elsewhere"))
    assert (again.new, again.withdrawn) == (0, 3)
    # Those after the last vote that is left look like the rest of an import that was cut off.
    gone.append(counted[-1]["battle_id"])
    again = await import_votes(database, open_release_votes(release, gone), Target(name="elsewhere"))
    assert (again.new, again.withdrawn) == (0, 1)
    again = await import_votes(database, open_release_votes(release, []), Target(name="elsewhere"))
    assert (again.new, again.withdrawn) == (0, 0)
    async with database.sessions() as session:
        left = {board.name: board.votes for board in await session.scalars(select(Board))}
        assert left == {"elsewhere": len(counted) - 5, "whole": len(counted)}
        assert await count(session, ImportedVote) == sum(left.values())
    file_of_votes = release / "data" / "votes.parquet"
    pq.write_table(pq.read_table(file_of_votes).slice(0, 100), file_of_votes)
    for board in ("elsewhere", "whole"):
        with pytest.raises(DatasetInvalid, match="board of its own.*--board"):
            await import_votes(database, open_release_votes(release, []), Target(name=board))
    await snapshots.fit(database)
    async with database.sessions() as session:
        ours = json.loads(await snapshots.read_file(session, "leaderboards/whole.json"))
    theirs = json.loads((release / "leaderboard" / "overall.json").read_text())
    facts = ("model", "rating", "lower", "upper", "rank_lower", "rank_upper", "votes")
    assert [[entry[fact] for fact in facts] for entry in ours["entries"]] == [
        [entry[fact] for fact in facts] for entry in theirs["entries"]
    ]
