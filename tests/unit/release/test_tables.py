"""Tables of large releases lie in several files, and are the same to whoever reads them."""

import shutil
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import datasets
import mlcroissant
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from arena.dataset.finish import finish
from arena.dataset.release_votes import open_release_votes
from benchmarks.synthetic_release import write_data
from ratings.reading import read_votes, read_votes_with_notes
from ratings.release import tables
from ratings.release.manifest import read_manifest, rows_in
from ratings.release.parquet import FileWriter
from ratings.release.schema import DATA
from ratings.release.tables import TableReader, TableWriter, table_names
from ratings.release.verification import verify
from tests.unit.release.conftest import KEY, Broken, changed, seal

VOTES, TURNS = "data/votes.parquet", "data/turns.parquet"
PARTS = [VOTES, "data/votes_002.parquet", "data/votes_003.parquet", "data/votes_004.parquet"]


@pytest.fixture(scope="session")
def divided(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The release of these tests, with a hundred rows in a file."""
    directory = tmp_path_factory.mktemp("divided") / "2026-11"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tables, "FILE_ROWS", 100)
        finish(directory, write_data(directory), KEY)
    return directory


def test_what_is_too_much_for_a_file_goes_on_in_another(tmp_path: Path) -> None:
    path, table = tmp_path / "numbers.parquet", pa.table({"number": range(1_000)})
    with TableWriter(path, table.schema, group_rows=64, file_rows=300) as writer:
        for start in range(0, 1_000, 170):
            writer.write(table.slice(start, 170))
    assert writer.rows == TableReader(path).rows == 1_000
    assert [pq.read_metadata(tmp_path / name).num_rows for name in table_names(tmp_path, path.name)] == [
        300, 300, 300, 100,
    ]  # fmt: skip
    assert TableReader(path).read() == table
    assert [len(batch) for batch in TableReader(path).batches(200, ["number"])] == [200, 100] * 3 + [100]
    with TableWriter(path, table.schema, file_rows=1_000) as writer:
        writer.write(table)
    assert [each.name for each in tmp_path.iterdir()] == [path.name], "nothing is left of the others"


def test_divided_release_says_the_same(release: Path, divided: Path) -> None:
    assert table_names(divided, VOTES) == PARTS
    one, other = read_manifest(release), read_manifest(divided)
    for name in (*DATA, "boards/study.parquet"):
        assert TableReader(divided / name).read() == TableReader(release / name).read()
        assert rows_in(other, name) == rows_in(one, name)
        assert [*other["files"]].count(name) == 1
    assert other["populations"] == one["populations"]
    assert other["boards"] == one["boards"], "with the same digests"
    for same in ("samples/battles.jsonl", "compat/arena-140k.parquet", "preference/preferences.parquet"):
        assert (divided / same).read_bytes() == (release / same).read_bytes()
    assert verify(divided) == []


def test_columns_are_the_same_in_all_files(divided: Path, tmp_path: Path) -> None:
    copied = Path(shutil.copytree(divided, tmp_path / "copy"))
    rows = pq.read_table(copied / PARTS[1])
    pq.write_table(rows.drop_columns(["early"]), copied / PARTS[1])
    seal(copied)
    assert f"{PARTS[1]}: there is no column early" in map(str, verify(copied))


@pytest.mark.parametrize(
    ("column", "value", "found"),
    [("winner", "model_c", "winner is none of"), ("week", date(2026, 11, 4), "week is no Monday")],
)
def test_values_of_all_files_are_looked_at(
    divided: Path, tmp_path: Path, column: str, value: Any, found: str
) -> None:
    copied = Path(shutil.copytree(divided, tmp_path / "copy"))
    rewrite_part(copied, PARTS[1], lambda rows: changed(rows, column, 7, value))
    assert any(f"{PARTS[1]}: a row where {found}" in str(finding) for finding in verify(copied))


def test_withdrawn_battles_are_looked_for_in_all_files(divided: Path, tmp_path: Path) -> None:
    copied = Path(shutil.copytree(divided, tmp_path / "copy"))
    gone = pq.read_table(copied / PARTS[1])["battle_id"][3].as_py()
    (copied / "withdrawn.txt").write_text(f"{gone}\n")
    seal(copied, withdrawn=1)
    assert {finding.file for finding in verify(copied)} >= {PARTS[1], "data/battles_002.parquet"}


@pytest.mark.parametrize("name", ["data/votes_006.parquet", "data/votes_0002.parquet", "data/more.parquet"])
def test_file_that_belongs_to_no_table_is_found(divided: Path, tmp_path: Path, name: str) -> None:
    """Whoever reads `votes*.parquet` would read it, too."""
    copied = Path(shutil.copytree(divided, tmp_path / "copy"))
    shutil.copy(copied / PARTS[1], copied / name)
    files = read_manifest(copied)["files"]
    seal(copied, files=files | {name: files[PARTS[1]]})
    assert any(f"{name}: belongs to no table" in str(finding) for finding in verify(copied))
    assert rows_in(read_manifest(copied), VOTES) == 320


def test_votes_end_where_battles_do(divided: Path, tmp_path: Path) -> None:
    copied = Path(shutil.copytree(divided, tmp_path / "copy"))
    table = TableReader(copied / VOTES).read()
    with TableWriter(copied / VOTES, table.schema, file_rows=160) as writer:
        writer.write(table)
    files = {name: said for name, said in read_manifest(copied)["files"].items() if name not in PARTS}
    seal(copied, files=files | dict.fromkeys(PARTS[:2], {"rows": 160}))
    assert f"{VOTES}: its files do not end where those of battles do" in map(str, verify(copied))


def test_where_batches_end_changes_no_byte(
    release: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(TableReader.batches, "__defaults__", (7, None))
    finish(tmp_path / "again", write_data(tmp_path / "again"), KEY)
    sums = [(each / "SHA256SUMS").read_text() for each in (release, tmp_path / "again")]
    assert sums[0] == sums[1]


def rewrite_part(directory: Path, name: str, change: Broken) -> None:
    """As `rewrite`, of one file of a table."""
    rows = change(pq.read_table(directory / name))
    with FileWriter(directory / name, rows.schema, 16_384) as writer:
        writer.write(rows)
    seal(directory)


@pytest.mark.parametrize(
    ("change", "found"),
    [
        (lambda path: path.write_bytes(path.read_bytes()[:-9] + b"!" + path.read_bytes()[-8:]), "altered"),
        (Path.unlink, "missing"),
    ],
)
def test_what_is_wrong_with_a_part_is_named(
    divided: Path, tmp_path: Path, change: Callable[[Path], Any], found: str
) -> None:
    copied = Path(shutil.copytree(divided, tmp_path / "copy"))
    change(copied / PARTS[1])
    assert any(f"{PARTS[1]}: {found}" in str(finding) for finding in verify(copied))


def test_other_programs_find_all_parts(
    release: Path, divided: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")
    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", True)
    for name, table in {"votes": VOTES, "turns": TURNS, "board-study": "boards/study.parquet"}.items():
        loaded = datasets.load_dataset(str(divided), name)["train"]
        assert loaded.num_rows == rows_in(read_manifest(release), table) > 100


@pytest.mark.filterwarnings("ignore:ConjunctiveGraph is deprecated:DeprecationWarning")
@pytest.mark.filterwarnings("ignore:The inplace keyword in DataFrame.reset_index is deprecated")
def test_machines_are_told_of_all_parts(divided: Path) -> None:
    described = mlcroissant.Dataset(str(divided / "croissant.json"))
    assert (described.metadata.ctx.issues.errors, described.metadata.ctx.issues.warnings) == (set(), set())
    assert len(list(described.records("votes_002"))) == 100


def test_the_card_tells_people(release: Path, divided: Path) -> None:
    card, usual = ((each / "README.md").read_text() for each in (divided, release))
    assert "| `data/votes_002.parquet` | 100 | more of `data/votes.parquet` |" in card
    assert '"data/votes*.parquet"' in card
    assert "such as `data/battles.parquet`, `data/battles_002.parquet` and so on" in card
    assert "several files" not in usual
    assert "votes*.parquet" not in usual


def test_votes_of_all_parts_are_read(release: Path, divided: Path) -> None:
    """By the command that fits a folder, and by the import of a release as a board."""
    assert read_votes(divided).equals(read_votes(release))
    assert "not read" not in "".join(read_votes_with_notes(divided).notes)
    (note,) = read_votes_with_notes(divided / PARTS[0]).notes
    assert note.endswith(
        "more of this table is in votes_002.parquet, votes_003.parquet, votes_004.parquet, not read"
    )
    one, other = (open_release_votes(each, ()) for each in (release, divided))
    assert one.digest() != other.digest()
    lines = [
        [line for block in votes.read(["winner"], lambda _: None) for line in block.lines.tolist()]
        for votes in (one, other)
    ]
    assert lines[0] == lines[1]
    assert len(lines[0]) > 200
