"""Votes from outside, imported: boards, rejects, a second time, a cut off import, and memory."""

import asyncio
import csv
import gzip
import json
import os
import signal
import sys
from pathlib import Path

import pyarrow as pa
import pytest
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from arena import snapshots
from arena.ballots import Votes
from arena.categories import Category
from arena.dataset import bulk, text_records
from arena.dataset.bulk import Imported, Target, import_votes
from arena.db import Database
from arena.errors import DatasetInvalid
from arena.operator_categories import OperatorCategories
from arena.snapshots import Fitter, board_names, newest_snapshot, read_file
from arena.tables import Board, ImportedVote
from tests.integration.failing import fail_call

HEAD = "model_a,model_b,winner,voter\n"


async def put(database: Database, path: Path, name: str = "study", **said: str) -> Imported:
    return await import_votes(database, path, Target(name=name, **said))


async def stored(session: AsyncSession) -> list[tuple[int, str, str, str, str | None]]:
    await session.rollback()
    columns = (getattr(ImportedVote, name) for name in ("line", "model_a", "model_b", "winner", "voter"))
    rows = await session.execute(select(*columns).order_by(ImportedVote.line, ImportedVote.id))
    return [tuple(row) for row in rows]


async def board_votes(session: AsyncSession) -> int | None:
    await session.rollback()
    return await session.scalar(select(Board.votes).where(Board.name == "study"))


@pytest.fixture
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text_records, "BLOCK", 100)


def votes_file(folder: Path, rows: int, *, name: str = "votes.csv", bad: tuple[int, ...] = ()) -> Path:
    path = folder / name
    lines = (f"x,y,{'nobody' if row in bad else 'tie'},{row}" for row in range(rows))
    path.write_text(HEAD + "".join(f"{line}\n" for line in lines))
    return path


@pytest.mark.usefixtures("small_blocks")
async def test_good_rows_are_kept_and_bad_ones_are_told(
    database: Database, session: AsyncSession, tmp_path: Path
) -> None:
    path = votes_file(tmp_path, 100, bad=(0, 50, 99))
    done = await put(database, path, origin="the tests", license="CC0-1.0")
    assert (done.new, done.votes, done.rejected) == (97, 97, 3)
    rows = await stored(session)
    assert rows[0] == (3, "x", "y", "tie", "1")
    assert [row[0] for row in rows] == [row + 2 for row in range(100) if row not in (0, 50, 99)]
    board = await session.scalar(select(Board))
    assert board is not None
    assert (board.votes, board.origin, board.license) == (97, "the tests", "CC0-1.0")
    with (tmp_path / "votes.csv.rejects.csv").open(newline="") as file:
        told = list(csv.reader(file))
    why = "winner is 'nobody'; use model_a, model_b, tie or both_bad"
    assert told == [
        ["line", "reason", "row"],
        ["2", why, "x,y,nobody,0"],
        ["52", why, "x,y,nobody,50"],
        ["101", why, "x,y,nobody,99"],
    ]


async def test_imported_twice_is_imported_once(
    database: Database, session: AsyncSession, tmp_path: Path
) -> None:
    path = votes_file(tmp_path, 5, bad=(4,))
    assert (await put(database, path)).new == 4
    again = await put(database, path, license="CC-BY-4.0")
    assert (again.new, again.votes, again.rejected) == (0, 4, 1)
    assert await session.scalar(select(Board.license)) == "CC-BY-4.0"
    assert again.corrected == ["licence 'CC-BY-4.0' (before: not said)"]
    path.write_text(path.read_text() + "y,z,tie,9\n")
    assert (await put(database, path)).new == 5, "a file that says something else is another file"
    assert await board_votes(session) == 9
    assert (await put(database, path, "another")).new == 5
    assert await board_votes(session) == 9


@pytest.mark.parametrize("fact", ["origin", "license"])
async def test_what_is_said_of_one_file_is_not_said_of_another(
    fact: str, database: Database, session: AsyncSession, tmp_path: Path
) -> None:
    one, two = (votes_file(tmp_path, rows, name=f"{rows}.csv") for rows in (3, 4))
    await put(database, one, origin="the tests", license="CC0-1.0")
    with pytest.raises(DatasetInvalid, match=r"votes of another file.*not 'other'.*--board"):
        await put(database, two, **{fact: "other"})
    assert await board_votes(session) == 3
    assert (await put(database, two, license="CC0-1.0")).new == 4
    board = await session.scalar(select(Board))
    assert board is not None
    assert (board.votes, board.origin, board.license) == (7, "the tests", "CC0-1.0")


@pytest.mark.usefixtures("small_blocks")
async def test_failed_import_goes_on_where_it_stopped(
    database: Database, session: AsyncSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = votes_file(tmp_path, 100)
    fail_call(monkeypatch, bulk, "copy_into", 4)
    with pytest.raises(RuntimeError, match="gone"):
        await put(database, path)
    before = await stored(session)
    assert 0 < len(before) < 100
    assert await board_votes(session) == len(before)
    assert (await put(database, path)).new == 100 - len(before)
    assert [row[0] for row in await stored(session)] == list(range(2, 102))
    assert await board_votes(session) == 100


@pytest.mark.usefixtures("small_blocks")
@pytest.mark.parametrize("others", [0, 3])
async def test_file_that_cannot_be_read_to_its_end_leaves_nothing(
    others: int, database: Database, session: AsyncSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if others:
        await put(database, votes_file(tmp_path, others, name="others.csv"))
    monkeypatch.setattr(text_records, "MOST_RECORD", 300)
    path = tmp_path / "votes.jsonl"
    path.write_text('{"model_a": "x", "model_b": "y", "winner": "tie"}\n' * 20 + "x" * 1000)
    with pytest.raises(DatasetInvalid, match="line 21 is longer"):
        await put(database, path)
    assert len(await stored(session)) == others
    assert await board_votes(session) == (others or None)


@pytest.mark.usefixtures("small_blocks")
async def test_votes_that_took_the_place_of_as_many_are_fitted(
    database: Database, session: AsyncSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Boards are fitted while an import stores blocks that it takes away again when the file turns out broken."""
    fitter = Fitter(database)
    await put(database, votes_file(tmp_path, 1))
    monkeypatch.setattr(text_records, "MOST_RECORD", 300)
    vote = '{"model_a": "x", "model_b": "y", "winner": "%s"}\n' * 20
    (tmp_path / "broken.jsonl").write_text(vote % (("model_a",) * 20) + "x" * 1000)
    (tmp_path / "mended.jsonl").write_text(vote % (("model_b",) * 20))
    remove = bulk._Stored.remove

    async def fit_first(stored: bulk._Stored) -> None:
        await fitter.fit()
        await remove(stored)

    monkeypatch.setattr(bulk._Stored, "remove", fit_first)
    with pytest.raises(DatasetInvalid, match="longer"):
        await put(database, tmp_path / "broken.jsonl")
    await put(database, tmp_path / "mended.jsonl")
    await fitter.fit()
    ((pair,),) = [json.loads(await read_file(session, "pairs/study.json"))["pairs"]]
    assert (pair["model_a"], pair["wins"], pair["losses"], pair["ties"]) == ("y", 20, 0, 1)


async def test_rejects_are_not_written_over_the_votes(database: Database, tmp_path: Path) -> None:
    path = votes_file(tmp_path, 9, bad=(3,))
    before = path.read_bytes()
    with pytest.raises(DatasetInvalid, match="holds the votes"):
        await import_votes(database, path, Target(name="study"), rejects=tmp_path / "." / path.name)
    assert path.read_bytes() == before


async def test_endless_name_of_a_voter_is_rejected(database: Database, tmp_path: Path) -> None:
    (tmp_path / "votes.csv").write_text(f"{HEAD}x,y,tie,1\nx,y,tie,{'x' * 3_000_000}\n")
    done = await put(database, tmp_path / "votes.csv")
    assert (done.new, done.rejected) == (1, 1)
    assert done.first_rejects[0].why == "voter is longer than 200 letters"


async def test_board_that_cannot_be_read_stops_no_other(
    database: Database, session: AsyncSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await put(database, votes_file(tmp_path, 3), name="broken")
    await put(database, votes_file(tmp_path, 4, name="others.csv"))
    read = snapshots.imported_votes

    async def failing(session: AsyncSession, board: Board, last: int) -> Votes:
        if board.name == "broken":
            raise pa.ArrowInvalid("straddling object straddles two block boundaries")
        return await read(session, board, last)

    monkeypatch.setattr(snapshots, "imported_votes", failing)
    await Fitter(database).fit()
    assert "study" in await board_names(session, (await newest_snapshot(session)).id)


async def test_board_with_the_name_of_a_later_category_stops_no_fit(
    database: Database, session: AsyncSession, tmp_path: Path
) -> None:
    await put(database, votes_file(tmp_path, 3), name="harbour")
    await put(database, votes_file(tmp_path, 4, name="others.csv"))
    harbour = Category(
        name="harbour", title="Harbour", about="Ships.", requires=frozenset({"operator:harbour"})
    )
    await Fitter(database, OperatorCategories(categories=(harbour,))).fit()
    assert await board_names(session, (await newest_snapshot(session)).id) == [
        "overall",
        "demo",
        "simulated",
        "study",
    ]


async def test_no_usable_vote_is_an_error_and_no_board(
    database: Database, session: AsyncSession, tmp_path: Path
) -> None:
    path = votes_file(tmp_path, 2, bad=(0, 1))
    with pytest.raises(DatasetInvalid, match="no usable vote. First problem: line 2: winner is 'nobody'"):
        await put(database, path)
    assert await session.scalar(select(func.count()).select_from(Board)) == 0


@pytest.mark.parametrize("name", ["votes.csv", "votes.tsv", "votes.jsonl", "votes.parquet", "votes.csv.gz"])
async def test_empty_file_is_called_empty(database: Database, tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(gzip.compress(b"") if name.endswith(".gz") else b"")
    with pytest.raises(DatasetInvalid, match=f"{name} is empty"):
        await put(database, path)


async def test_head_alone_holds_no_vote(database: Database, tmp_path: Path) -> None:
    with pytest.raises(DatasetInvalid, match="nothing follows the names of its columns"):
        await put(database, votes_file(tmp_path, 0))


async def test_rejects_that_cannot_be_written_are_an_error(
    database: Database, session: AsyncSession, tmp_path: Path
) -> None:
    path = votes_file(tmp_path, 3, bad=(1,))
    with pytest.raises(DatasetInvalid, match="--rejects"):
        await import_votes(database, path, Target(name="study"), rejects=tmp_path / "missing" / "rejects.csv")
    assert await board_votes(session) is None


@pytest.mark.usefixtures("small_blocks")
async def test_failure_of_a_second_import_takes_nothing_of_the_first(
    database: Database, session: AsyncSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, missing = votes_file(tmp_path, 100, bad=(70,)), tmp_path / "missing" / "rejects.csv"
    fail_call(monkeypatch, bulk, "copy_into", 4)
    with pytest.raises(RuntimeError, match="gone"):
        await put(database, path)
    before = await stored(session)
    for _ in ("cut off", "done"):
        with pytest.raises(DatasetInvalid, match="--rejects"):
            await import_votes(database, path, Target(name="study"), rejects=missing)
        assert await stored(session) == before
        assert await board_votes(session) == len(before)
        await put(database, path)
        before = await stored(session)
    assert len(before) == 99


async def test_one_import_at_a_time(database: Database, tmp_path: Path) -> None:
    async with database.locked("import"):
        with pytest.raises(DatasetInvalid, match="Another import is running"):
            await put(database, votes_file(tmp_path, 3))


async def test_killed_import_goes_on(database: Database, session: AsyncSession, tmp_path: Path) -> None:
    """By `kill -9` of the real command, in the middle: nothing is lost, nothing is there twice."""
    rows = 80_000
    path = tmp_path / "study.csv"
    path.write_text(HEAD + "".join(f"x,y,tie,{row:0150}\n" for row in range(rows)))
    environment = os.environ | {
        "ARENA_DATABASE_URL": database.url,
        "ARENA_HOME": str(tmp_path),
        "ARENA_LOG_LEVEL": "warning",
    }
    command = (sys.executable, "-m", "arena", "dataset", "import", str(path))
    process = await asyncio.create_subprocess_exec(*command, env=environment)
    async with asyncio.timeout(60):
        while not await board_votes(session) and process.returncode is None:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    process.kill()
    assert await process.wait() == -signal.SIGKILL
    before = await board_votes(session) or 0
    assert 0 < before < rows
    done = await put(database, path)
    assert 0 < done.new <= rows - before
    assert await board_votes(session) == rows
    counts = select(func.count(), func.count(ImportedVote.line.distinct()), func.max(ImportedVote.line))
    assert tuple((await session.execute(counts)).one()) == (rows, rows, rows + 1)
