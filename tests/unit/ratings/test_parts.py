import json
import os
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ratings import (
    Comparisons,
    InvalidComparisonsError,
    InvalidOptionError,
    UnreadableVotesError,
    leaderboard,
    simulate,
)
from ratings.parts import Parts
from ratings.sources import TableSource, parquet_sources
from ratings.style_control import StyleControlFit, fit_style_control

FEATURES = ["tokens", "bold"]


@pytest.fixture(scope="module")
def votes() -> pd.DataFrame:
    rng = np.random.default_rng(11)
    strengths = simulate.simulate_strengths(rng, models=12)
    return simulate.simulate_battles(
        rng, strengths=strengths, battles=20_000, voters=300, style={"tokens": 0.25, "bold": 0.1}
    )


@pytest.fixture(scope="module")
def files(votes: pd.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Three files of several row groups, whose borders fall anywhere."""
    folder = tmp_path_factory.mktemp("parts")
    for number, start in enumerate((0, 7_001, 7_002)):
        end = (7_001, 7_002, len(votes))[number]
        table = pa.Table.from_pandas(votes.iloc[start:end], preserve_index=False)
        pq.write_table(table, folder / f"part-{number}.parquet", row_group_size=3_000)
    return sorted(folder.iterdir())


def assert_same(one: StyleControlFit, other: StyleControlFit, *, within: float) -> None:
    assert one.models == other.models
    np.testing.assert_allclose(one.strengths, other.strengths, atol=within, rtol=0)
    np.testing.assert_allclose(one.coefficients, other.coefficients, atol=within, rtol=0)
    np.testing.assert_allclose(one.independent_covariance, other.independent_covariance, atol=within, rtol=0)
    if one.clustered_covariance is not None or other.clustered_covariance is not None:
        np.testing.assert_allclose(one.clustered_covariance, other.clustered_covariance, atol=within, rtol=0)


@pytest.mark.parametrize("cluster", [None, "voter"])
def test_counting_parts_gives_the_bytes_of_the_whole(
    votes: pd.DataFrame, files: list[Path], cluster: str | None
) -> None:
    whole = leaderboard(votes, cluster=cluster)
    parts = leaderboard(Parts.from_parquet(files, part_rows=4_000, chunk_rows=999), cluster=cluster)
    assert json.dumps(parts.as_dict()) == json.dumps(whole.as_dict())
    counted = Parts.from_parquet([files[0].parent], chunk_rows=777).count(cluster=cluster)
    expected = Comparisons.from_battles(votes, cluster=cluster)
    assert counted.counts.tolist() == expected.counts.tolist()
    if cluster:
        assert counted.clusters is not None
        assert expected.clusters is not None
        assert counted.clusters.score.tobytes() == expected.clusters.score.tobytes()


@pytest.mark.parametrize("cluster", [None, "voter"])
def test_style_fits_agree_with_memory_to_rounding(
    votes: pd.DataFrame, files: list[Path], cluster: str | None
) -> None:
    parts = Parts.from_parquet(files, part_rows=4_000, chunk_rows=999)
    fit = parts.fit_style_control(features=FEATURES, side_bias=True, cluster=cluster)
    assert_same(
        fit, fit_style_control(votes, features=FEATURES, side_bias=True, cluster=cluster), within=1e-9
    )


def test_tables_in_memory_are_parts_too(votes: pd.DataFrame) -> None:
    tables = [votes.iloc[:9_000], pa.Table.from_pandas(votes.iloc[9_000:])]
    fit = Parts.from_tables(tables).fit_style_control(features=FEATURES, cluster="voter")
    assert_same(fit, fit_style_control(votes, features=FEATURES, cluster="voter"), within=1e-9)


@pytest.mark.parametrize("arrow", [True, False])
def test_style_is_of_the_rated_models_alone(votes: pd.DataFrame, arrow: bool) -> None:
    undefeated = votes.head(5).assign(model_a="top", winner="model_a")
    tables = [pa.Table.from_pandas(part) if arrow else part for part in (votes, undefeated)]
    board = leaderboard(Parts.from_tables(tables), style=FEATURES)
    assert board.unrated == {"top": "never lost"}
    rated, whole = board.table[board.table.model != "top"], leaderboard(votes, style=FEATURES).table
    pd.testing.assert_series_equal(rated.rating, whole.rating, atol=2e-6)


def test_a_wrong_row_is_named_with_its_part(votes: pd.DataFrame, tmp_path: Path) -> None:
    path = tmp_path / "march.parquet"
    wrong = votes.head(100).assign(winner=["draw" if row == 70 else "tie" for row in range(100)])
    pq.write_table(pa.Table.from_pandas(wrong), path, row_group_size=50)
    message = "march.parquet, row group 1, from row 0 on: Row 20 of the battles: unknown winner label 'draw'"
    with pytest.raises(InvalidComparisonsError, match=message):
        Parts.from_parquet([path], part_rows=50).count()
    with pytest.raises(InvalidComparisonsError, match=r"lacks the column 'headers_a'.*it has 'model_a'"):
        Parts.from_tables([votes]).fit_style_control(features=["headers"])


def test_empty_files_are_no_votes(votes: pd.DataFrame, files: list[Path], tmp_path: Path) -> None:
    table = pa.Table.from_pandas(votes, preserve_index=False)
    pq.write_table(table.slice(0, 0), tmp_path / "b.parquet")
    with pytest.raises(UnreadableVotesError, match="There are no votes in"):
        Parts.from_parquet([tmp_path])
    pq.write_table(table, tmp_path / "a.parquet")
    board = leaderboard(Parts.from_parquet([tmp_path]), style=FEATURES)
    np.testing.assert_allclose(board.table.rating, leaderboard(votes, style=FEATURES).table.rating, atol=2e-6)
    nothing = Comparisons.sum([])
    merged = Comparisons.sum([nothing, Comparisons.from_battles(votes, cluster="voter"), nothing])
    assert merged.clusters is not None


def test_what_is_no_table_is_refused(votes: pd.DataFrame) -> None:
    with pytest.raises(InvalidComparisonsError, match="The battles are a int"):
        Parts.from_tables([votes, 1])  # type: ignore[list-item]


def test_parts_agree_on_their_columns(votes: pd.DataFrame) -> None:
    parts = Parts.from_tables([votes.drop(columns="voter"), votes])
    with pytest.raises(InvalidComparisonsError, match="table 1 has the column 'voter' and table 0 has not"):
        leaderboard(parts)
    assert leaderboard(parts, cluster=None).votes == 2 * len(votes)


@pytest.mark.parametrize("unrated", [False, True])
def test_a_part_without_votes_may_have_columns_without_types(votes: pd.DataFrame, unrated: bool) -> None:
    numbered = votes.assign(voter=votes.voter.astype("category").cat.codes.astype("int64"))
    if unrated:
        numbered = pd.concat([numbered, numbered.iloc[:1].assign(model_a="never met", winner="model_a")])
    empty = pa.table({name: pa.nulls(0) for name in numbered})
    boards = [
        leaderboard(Parts.from_tables(parts), style=FEATURES) for parts in ([numbered, empty], [numbered])
    ]
    pd.testing.assert_frame_equal(boards[0].table, boards[1].table)
    assert bool(boards[0].unrated) == unrated


def test_models_named_by_uuids_are_left_out_too(votes: pd.DataFrame) -> None:
    known = {name: UUID(int=place) for place, name in enumerate(sorted({*votes.model_a, *votes.model_b}))}
    odd = votes.iloc[:1].assign(model_a="never met", winner="model_a")
    named = pd.concat([votes, odd]).replace({"model_a": known, "model_b": known}).reset_index(drop=True)
    named["model_a"] = named.model_a.where(named.model_a != "never met", UUID(int=99))
    table = pa.Table.from_pandas(named)
    assert table.schema.field("model_a").type == pa.uuid()
    board = leaderboard(Parts.from_tables([table]), style=FEATURES)
    whole = leaderboard(named, style=FEATURES)
    assert board.unrated == whole.unrated == {UUID(int=99): "never lost"}
    np.testing.assert_allclose(board.table.rating, whole.table.rating, atol=2e-6)


@pytest.mark.parametrize("name", ["count", "weight"])
@pytest.mark.parametrize("style", [(), FEATURES])
def test_all_parts_are_counted_and_weighted_or_none(votes: pd.DataFrame, name: str, style: list[str]) -> None:
    parts = Parts.from_tables([votes.assign(**{name: 2}), votes])
    with pytest.raises(InvalidComparisonsError, match=f"table 0 has the column '{name}' and table 1 has not"):
        leaderboard(parts, style=style)


def test_wrong_places_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UnreadableVotesError, match="holds no file that ends in .parquet"):
        Parts.from_parquet([tmp_path])
    (tmp_path / "notes.parquet").write_text("no Parquet")
    with pytest.raises(UnreadableVotesError, match="cannot be read as Parquet"):
        Parts.from_parquet([tmp_path])
    with pytest.raises(UnreadableVotesError, match="cannot be read as Parquet"):
        Parts.from_parquet([tmp_path / "absent.parquet"])
    with pytest.raises(InvalidOptionError, match="There are no parts"):
        Parts([])
    with pytest.raises(InvalidOptionError, match="on is 'dask'"):
        Parts.from_tables([pd.DataFrame()], on="dask")  # type: ignore[arg-type]
    with pytest.raises(InvalidOptionError, match="part_rows is 0"):
        parquet_sources([tmp_path], part_rows=0)


def test_progress_is_told_in_every_pass(files: list[Path]) -> None:
    told: list[tuple[int, int]] = []
    Parts.from_parquet(files, progress=lambda done, of: told.append((done, of))).count()
    assert told == [(1, 3), (2, 3), (3, 3)]


def test_models_of_ties_want_rows_for_clusters(votes: pd.DataFrame) -> None:
    parts = Parts.from_tables([votes])
    assert leaderboard(parts, ties="davidson", cluster=None).table.rating.notna().all()
    with pytest.raises(InvalidOptionError, match="need the votes row by row"):
        leaderboard(parts, ties="davidson")


MEMORY = """
import resource, sys
import pyarrow.parquet as pq
from ratings import leaderboard
from ratings.parts import Parts

def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024

leaderboard(Parts.from_parquet(sys.argv[1:2], chunk_rows=1000), style=["tokens"], cluster=None)
before = peak()
leaderboard(Parts.from_parquet(sys.argv[2:], chunk_rows=2**16), style=["tokens"], cluster=None)
print(peak() - before, pq.read_table(sys.argv[2]).nbytes // 2**20)
"""


def test_memory_holds_a_chunk_and_not_the_votes(votes: pd.DataFrame, tmp_path: Path) -> None:
    """The peak grows by a fraction of the table alone."""
    small, large = tmp_path / "small.parquet", tmp_path / "large.parquet"
    pq.write_table(pa.Table.from_pandas(votes, preserve_index=False), small)
    table = pa.Table.from_pandas(votes.drop(columns=["voter"]), preserve_index=False)
    with pq.ParquetWriter(large, table.schema) as writer:
        for _ in range(60):
            writer.write_table(table)
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "ARROW_DEFAULT_MEMORY_POOL": "system"}
    output = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(MEMORY), str(small), str(large)],
        capture_output=True,
        text=True,
        env=environment,
        check=True,
    ).stdout
    grown, whole = map(int, output.split())
    assert whole > 80
    assert grown < whole / 2


@pytest.fixture(scope="module")
def ray() -> Iterator[None]:
    """A local Ray of two workers."""
    ray = pytest.importorskip("ray")
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False, configure_logging=False)
    yield
    ray.shutdown()


@pytest.mark.timeout(600)  # a busy machine is slow to replace lost workers
@pytest.mark.filterwarnings("default")
@pytest.mark.usefixtures("ray")
class TestOnRay:
    def test_boards_have_the_bytes_of_this_process(self, files: list[Path]) -> None:
        here, there = (Parts.from_parquet(files, chunk_rows=2_000, on=on) for on in ("here", "ray"))
        for cluster in (None, "voter"):
            for style in ([], FEATURES):
                boards = [
                    leaderboard(parts, style=style, cluster=cluster).as_dict() for parts in (here, there)
                ]
                assert json.dumps(boards[0]) == json.dumps(boards[1])

    def test_wrong_rows_are_named_and_lost_workers_replaced(self, votes: pd.DataFrame) -> None:
        import ray

        wrong = votes.head(3).assign(winner=["tie", "draw", "tie"])
        with pytest.raises(InvalidComparisonsError, match="table 0, from row 0 on: Row 1 .* label 'draw'"):
            Parts.from_tables([wrong], on="ray").count()

        parts = Parts.from_tables([votes], on="ray")
        passes = 0

        def lose_it(done: int, of: int) -> None:
            nonlocal passes
            passes += 1
            if passes == 3:
                ray.kill(parts._crew._actors[0], no_restart=False)  # type: ignore[attr-defined]

        parts._progress = lose_it
        fit = parts.fit_style_control(features=FEATURES)
        assert passes > 3
        assert_same(fit, fit_style_control(votes, features=FEATURES), within=1e-9)


def by_voter(votes: pd.DataFrame, folder: Path) -> Parts:
    """In five parts, one of them empty, with what is counted of voters in files."""
    number = pd.factorize(votes["voter"])[0]
    sources = [
        TableSource(name=f"part {part}", table=votes[number % 4 == part].reset_index(drop=True))
        for part in range(5)
    ]
    return Parts(sources, clusters_in=folder)


@pytest.mark.parametrize("style", [(), ("tokens", "bold")])
def test_a_board_of_voters_in_files_is_that_of_all_in_memory(
    votes: pd.DataFrame, style: tuple[str, ...], tmp_path: Path
) -> None:
    number = np.arange(len(votes))
    heavy = votes.assign(voter=np.where(number % 3 > 0, number % 7, 7 + number))
    expected = leaderboard(heavy, style=style, ranks="anytime")
    found = leaderboard(by_voter(heavy, tmp_path), style=style, ranks="anytime")
    assert found.method == expected.method
    pd.testing.assert_frame_equal(found.table, expected.table, rtol=0, atol=1e-6)
    np.testing.assert_allclose(found.covariance, expected.covariance, rtol=1e-9, atol=1e-15)
    if style:
        pd.testing.assert_frame_equal(found.coefficients, expected.coefficients, rtol=1e-9)


def test_voters_in_files_tell_models_apart_that_votes_do_not(tmp_path: Path) -> None:
    """Models with the same votes, of different voters, stand in an order that neither names nor files decide."""
    pairs = [("u", "v"), ("v", "w"), ("w", "u")]
    rows = [
        (a, b, winner, voter)
        for (a, b), voter in zip(pairs, (0, 1, 1), strict=True)
        for winner in ("model_a", "tie")
    ]
    few = pd.DataFrame(rows, columns=["model_a", "model_b", "winner", "voter"])
    assert (
        by_voter(few, tmp_path).count(cluster="voter").canonical.models
        == Comparisons.from_battles(few, cluster="voter").canonical.models
    )


def test_what_does_not_go_with_voters_in_files_is_refused(files: list[Path], tmp_path: Path) -> None:
    sources = parquet_sources(files, chunk_rows=1_000)
    with pytest.raises(InvalidOptionError, match="or on='ray'"):
        Parts(sources, on="ray", clusters_in=tmp_path)
    with pytest.raises(InvalidOptionError, match="from row 1000 on: a part .* is read in one chunk"):
        Parts(sources, clusters_in=tmp_path).fit_style_control(features=FEATURES, cluster="voter")


def test_what_needs_all_voters_at_once_says_so_of_those_in_files(votes: pd.DataFrame, tmp_path: Path) -> None:
    with pytest.raises(InvalidOptionError, match="voter are kept in files"):
        leaderboard(by_voter(votes, tmp_path), intervals="bootstrap")
