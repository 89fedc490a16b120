"""The votes of a release, population by population: in memory, or in files where there are many."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.compute as pc  # type: ignore[import-untyped]
import pyarrow.parquet as pq  # type: ignore[import-untyped]

from ratings.board_files import STYLE_COLUMNS
from ratings.release.parquet import open_reader
from ratings.vote_digest import canonical_votes
from ratings.votes_in_parts import VotesInParts, divide_votes, narrowed

VOTES_FILE: Final = "data/votes.parquet"
MEMORY_VOTES: Final = 500_000
"""A release of more votes is divided into files before its boards are computed, so that memory does not grow."""

_COMPARED: Final = ("model_a", "model_b", "winner", "voter")
_KINDS: Final = ("tags", "winner", "over_frequent")
_READ_ROWS: Final = 1 << 16
_NAMES: Final = ("population", "model_a", "model_b", "winner", "voter")


@dataclass(frozen=True, kw_only=True, eq=False)
class PopulationVotes:
    """The votes of one population in canonical order, and their digest.

    Attributes
    ----------
    table : Table, n_votes rows
        Columns model_a, model_b, winner and voter (a number); of the arena's own votes also tags (one text,
        separated by spaces), over_frequent and the counts of style.
    digest : str
        SHA-256 of what the votes say, see `canonical_votes`.
    """

    table: pa.Table
    digest: str

    @property
    def votes(self) -> int:
        """Number of votes."""
        return int(self.table.num_rows)

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the columns."""
        return tuple(self.table.column_names)

    def tables(self, columns: Sequence[str]) -> Iterator[pa.Table]:
        """Some columns, in one piece; `VotesInParts` has several."""
        yield self.table.select([*columns])


AnyVotes = PopulationVotes | VotesInParts


def read_populations(
    directory: Path, populations: Mapping[str, Mapping[str, Any]]
) -> dict[str, PopulationVotes]:
    """Read the votes of every population that the manifest names.

    Parameters
    ----------
    directory : Path
        The release.
    populations : mapping
        The manifest's ``populations``, of which ``votes_file`` is read.

    Returns
    -------
    dict of str to PopulationVotes

    Notes
    -----
    A vote whose battle is not tagged yet has no counts of style, and is on no board.
    """
    own = [name for name, said in populations.items() if said["votes_file"] == VOTES_FILE]
    votes = _own_votes(directory / VOTES_FILE, own) if own else {}
    found = {}
    for name, said in populations.items():
        rows = votes.pop(name) if name in votes else _board_votes(directory / said["votes_file"])
        found[name] = _canonical(rows)
    return found


def _own_votes(path: Path, populations: Sequence[str]) -> dict[str, pa.Table]:
    """The votes of each population, read column by column: the whole file takes several times as much memory."""
    found: dict[str, dict[str, pa.ChunkedArray]] = {name: {} for name in populations}
    with open_reader(path, coded=_NAMES) as file:
        tagged = pc.is_valid(_column(file, STYLE_COLUMNS[0]))
        population = _column(file, "population")
        chosen = {name: pc.and_(pc.equal(population, name), tagged) for name in populations}
        for column in (*_COMPARED, "tags", "over_frequent", *STYLE_COLUMNS):
            values = _tags(file) if column == "tags" else _column(file, column)
            for name, rows in chosen.items():
                found[name][column] = narrowed(values.filter(rows))
    return {name: pa.table(columns) for name, columns in found.items()}


def _column(file: pq.ParquetFile, name: str) -> pa.ChunkedArray:
    return file.read(columns=[name], use_threads=False).column(0)


def _tags(file: pq.ParquetFile) -> pa.ChunkedArray:
    """The tags of each vote as one text, as codes of the distinct ones."""
    batches = file.iter_batches(_READ_ROWS, columns=["tags"], use_threads=False)
    coded = [pc.binary_join(batch.column(0), " ").dictionary_encode() for batch in batches]
    return pa.chunked_array(coded, pa.dictionary(pa.int32(), pa.string()))


def _board_votes(path: Path) -> pa.Table:
    """The votes of an imported board."""
    with open_reader(path, coded=[name for name in _NAMES if name in _COMPARED]) as file:
        return pa.table({name: narrowed(_column(file, name)) for name in _COMPARED})


def _canonical(votes: pa.Table) -> PopulationVotes:
    canonical = canonical_votes(votes)
    table = votes.drop_columns(["voter"]).take(canonical.order)
    return PopulationVotes(
        table=table.append_column("voter", pa.array(canonical.voters)).combine_chunks(),
        digest=canonical.digest,
    )


@contextmanager
def open_populations(
    directory: Path, populations: Mapping[str, Mapping[str, Any]], *, scratch_in: Path | None = None
) -> Iterator[dict[str, AnyVotes]]:
    """Read the votes of every population for a `with` block, those of a large release into files.

    Parameters
    ----------
    directory, populations
        As in `read_populations`.
    scratch_in : Path, optional
        Where to make a folder for the files, by default that for temporary ones; some 300 bytes for each vote of a
        release of more than `MEMORY_VOTES`, none for others.

    Yields
    ------
    dict of str to PopulationVotes or VotesInParts
    """
    files = {said["votes_file"] for said in populations.values()}
    if sum(pq.read_metadata(directory / file).num_rows for file in files) <= MEMORY_VOTES:
        yield {**read_populations(directory, populations)}
        return
    with TemporaryDirectory(prefix="release-votes-", dir=scratch_in) as scratch:
        yield {
            name: _divided(directory, said["votes_file"], name, Path(scratch, str(number)))
            for number, (name, said) in enumerate(populations.items())
        }


def _divided(directory: Path, votes_file: str, population: str, folder: Path) -> VotesInParts:
    own = votes_file == VOTES_FILE
    names = [*_COMPARED, "tags", "over_frequent", *STYLE_COLUMNS] if own else [*_COMPARED]
    with open_reader(directory / votes_file) as file:
        votes = file.metadata.num_rows
        if own:
            counted = file.iter_batches(
                _READ_ROWS, columns=["population", STYLE_COLUMNS[0]], use_threads=False
            )
            votes = sum(pc.sum(_counts(batch, population)).as_py() or 0 for batch in counted)
        fields = [file.schema_arrow.field(name) for name in names]
        schema = pa.schema([pa.field(f.name, pa.string()) if f.name == "tags" else f for f in fields])
        batches = file.iter_batches(
            _READ_ROWS, columns=["population", *names] if own else names, use_threads=False
        )
        return divide_votes(
            (_chosen(batch, population if own else None, schema) for batch in batches), schema, votes, folder
        )


def _counts(batch: pa.RecordBatch, population: str) -> pa.Array:
    """Which votes are on boards of a population."""
    tagged = pc.is_valid(batch[STYLE_COLUMNS[0]])
    return pc.and_(pc.fill_null(pc.equal(batch["population"], population), False), tagged)


def _chosen(batch: pa.RecordBatch, population: str | None, schema: pa.Schema) -> pa.Table:
    rows = pa.Table.from_batches([batch])
    if population is not None:
        rows = rows.filter(_counts(batch, population))
        tags = pc.binary_join(rows["tags"], " ")
        rows = rows.set_column(rows.schema.get_field_index("tags"), "tags", tags)
    return rows.select(schema.names).cast(schema)


def kinds_of(votes: AnyVotes) -> pa.Table:
    """How many votes there are of each kind that boards choose by.

    Returns
    -------
    Table, one row for each kind
        Columns votes and, of the arena's own votes, tags, winner and over_frequent.
    """
    names = [name for name in _KINDS if name in votes.columns] if "tags" in votes.columns else []
    if not names:
        return pa.table({"votes": pa.array([votes.votes], pa.int64())})
    counted = []
    for table in votes.tables(names):
        plain = table.cast(
            pa.schema([(name, pa.bool_() if name == "over_frequent" else pa.string()) for name in names])
        )
        counted.append(plain.group_by(names).aggregate([([], "count_all")]))
    together = pa.concat_tables(counted).group_by(names).aggregate([("count_all", "sum")])
    return together.rename_columns([*names, "votes"])
