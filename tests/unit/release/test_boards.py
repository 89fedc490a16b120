"""The leaderboards of a release are the ones that the arena computes of the same votes."""

from itertools import takewhile
from pathlib import Path

import orjson
import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.compute as pc  # type: ignore[import-untyped]
import pyarrow.parquet as pq  # type: ignore[import-untyped]
import pytest

from arena.ballots import _canonical, own_votes
from arena.boards import board_files
from arena.categories import Category
from arena.dataset.board_definitions import board_definitions
from arena.dataset.finish import finish
from arena.leaderboards import boards_of
from arena.leaderboards import digest_of as arena_digest_of
from arena.populations import imported
from benchmarks.synthetic_release import STUDY, write_data
from ratings import votes_in_parts
from ratings.board_files import STYLE_COLUMNS
from ratings.release import populations as reading
from ratings.release.boards import (
    compute_boards,
    digest_of,
    read_facts,
    select_rows,
)
from ratings.release.manifest import read_manifest
from ratings.release.parquet import ROW_GROUP_ROWS
from ratings.release.populations import VOTES_FILE, open_populations, read_populations
from ratings.release.schema import VOTES
from ratings.release.tables import TableWriter
from ratings.release.verification import verify
from tests.unit.release.conftest import KEY


def as_ballots(votes: pa.Table) -> tuple[pa.Table, dict[int, str]]:
    """The votes of a release as the arena keeps them: names as numbers, in the order in which they were cast."""
    models = dict(enumerate(sorted({*votes["model_a"].to_pylist(), *votes["model_b"].to_pylist()})))
    names = pa.array([*models.values()])
    columns = {
        "vote_id": pa.array(range(votes.num_rows)),
        "voter": pa.array([int(voter[:15], 16) for voter in votes["voter"].to_pylist()]),
        "model_a": pc.index_in(votes["model_a"], names),
        "model_b": pc.index_in(votes["model_b"], names),
        "winner": votes["winner"].dictionary_encode(),
        "reason": votes["reason"].dictionary_encode(),
        "tags": pc.binary_join(votes["tags"], " ").dictionary_encode(),
        "prompt": pa.array([int(cluster, 16) for cluster in votes["prompt_cluster"].to_pylist()]),
        **{name: votes[name] for name in STYLE_COLUMNS},
    }
    return pa.table(columns), models


def test_boards_are_those_of_the_arena(release: Path) -> None:
    """Every file of a snapshot of the same votes, to the byte, and the same digests of the votes."""
    directory, manifest = release, read_manifest(release)
    populations = read_populations(directory, manifest["populations"])
    facts = read_facts(directory)
    rows, numbers = as_ballots(pq.read_table(directory / "data/votes.parquet"))
    arenas = own_votes(rows, numbers)
    assert {each.population.name: each.digest for each in arenas} == {
        name: votes.digest for name, votes in populations.items() if name != STUDY
    }
    assert any(each.table["over_frequent"].to_pylist().count(True) > 5 for each in arenas)
    study = pq.read_table(directory / f"boards/{STUDY}.parquet").drop_columns(["battle_id"])
    said = {key: manifest["populations"][STUDY][key] for key in ("title", "origin", "license")}
    arenas.append(_canonical(imported(STUDY, **said), study))
    expected = {
        file.name.replace("leaderboards/", "leaderboard/"): orjson.dumps(
            file.says, option=orjson.OPT_SORT_KEYS
        )
        for votes in arenas
        for board in boards_of(votes)
        for file in takewhile(lambda file: file.name.startswith("leaderboards/"), board_files(board, facts))
    }
    definitions = [*board_definitions(manifest["populations"], populations)]
    computed = {name: says for name, says in compute_boards(populations, definitions, facts) if says}
    assert {
        name: orjson.dumps(says, option=orjson.OPT_SORT_KEYS) for name, says in computed.items()
    } == expected
    assert {"leaderboard/overall.json", "leaderboard/overall.style.json", "leaderboard/study.json"} <= set(
        expected
    )
    assert {"leaderboard/code.json", "leaderboard/english.json", "leaderboard/no-ties.style.json"} <= set(
        expected
    )
    assert all(digest_of(says) == arena_digest_of(says) for says in computed.values())


def test_operators_categories_are_boards(release: Path) -> None:
    directory, manifest = release, read_manifest(release)
    populations = read_populations(directory, manifest["populations"])
    rainy = Category(name="rainy", title="Rainy", about="Mathematics.", requires=frozenset({"math"}))
    definitions = {
        each["file"]: each for each in board_definitions(manifest["populations"], populations, [rainy])
    }
    assert definitions["leaderboard/rainy.json"]["requires"] == ["math"]
    everything = populations["overall"].table
    rows, left_out = select_rows(everything, definitions["leaderboard/rainy.json"])
    votes = everything.filter(pa.array(rows))
    assert votes.num_rows > 20
    assert all("math" in tags.split() for tags in votes["tags"].to_pylist())
    assert left_out > 0


def test_votes_without_tags_are_on_no_board(release: Path, tmp_path: Path) -> None:
    """A battle that nothing has tagged yet has no counts of style."""
    directory, manifest = release, read_manifest(release)
    votes = pq.read_table(directory / VOTES_FILE)
    (tmp_path / "data").mkdir()
    untagged = votes.slice(0, 10)
    for name in STYLE_COLUMNS:
        place = untagged.schema.get_field_index(name)
        untagged = untagged.set_column(place, untagged.schema.field(name), pa.nulls(10, pa.int32()))
    with TableWriter(tmp_path / VOTES_FILE, VOTES) as writer:
        writer.write(pa.concat_tables([untagged, votes.slice(10)]))
    said = {"overall": manifest["populations"]["overall"]}
    (found,) = read_populations(tmp_path, said).values()
    dropped = votes.slice(0, 10)["population"].to_pylist().count("overall")
    assert dropped > 0
    assert found.table.num_rows == said["overall"]["votes"] - dropped


def test_bytes_do_not_depend_on_batches(tmp_path: Path) -> None:
    """The same rows in one table, and in batches that cross the borders of row groups."""
    rows = 2 * ROW_GROUP_ROWS + 100
    columns = {
        "name": [f"n{number % 97}" for number in range(rows)],
        "text": [f"{number} " * 30 for number in range(rows)],  # too many to be coded, on many pages
        "number": range(rows),
    }
    kinds = [("name", pa.string()), ("text", pa.string()), ("number", pa.int32())]
    table = pa.table(columns, schema=pa.schema(kinds))
    for name, size in (("one", rows), ("many", 7_777)):
        with TableWriter(tmp_path / name, table.schema) as writer:
            for batch in table.to_batches(max_chunksize=size):
                writer.write(batch)
        assert writer.rows == rows
    assert (tmp_path / "one").read_bytes() == (tmp_path / "many").read_bytes()
    written = pq.ParquetFile(tmp_path / "many")
    groups = [written.metadata.row_group(number).num_rows for number in range(written.num_row_groups)]
    assert groups == [ROW_GROUP_ROWS, ROW_GROUP_ROWS, 100]
    assert written.read().equals(table)


def test_descriptions_travel_in_the_file(release: Path) -> None:
    written = pq.read_schema(release / VOTES_FILE)
    assert written.equals(VOTES)
    assert [field.metadata[b"description"] for field in written] == [
        field.metadata[b"description"] for field in VOTES
    ]


def test_a_release_too_large_for_memory_is_the_same(
    release: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Divided into files by voter, the votes give the same digests and leaderboards, and `verify` finds no fault."""
    monkeypatch.setattr(reading, "MEMORY_VOTES", 0)
    monkeypatch.setattr(votes_in_parts, "PART_VOTES", 60)
    said = read_manifest(release)["populations"]
    with open_populations(release, said, scratch_in=tmp_path) as divided:
        assert len(divided["overall"].files) > 2
        assert {name: (votes.votes, votes.digest) for name, votes in divided.items()} == {
            name: (each["votes"], each["digest"]) for name, each in said.items()
        }
    assert not [*tmp_path.iterdir()]
    directory = tmp_path / "again"
    finish(directory, write_data(directory), KEY)
    names = sorted(path.relative_to(release) for path in release.rglob("*"))
    assert sorted(path.relative_to(directory) for path in directory.rglob("*")) == names
    for name in names:
        if (release / name).is_file():
            assert (directory / name).read_bytes() == (release / name).read_bytes(), name
    assert not verify(release)
