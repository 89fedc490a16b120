"""The votes of a release, population by population: in memory, or in files where there are many."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.compute as pc  # type: ignore[import-untyped]

from ratings.board_files import STYLE_COLUMNS
from ratings.release.tables import TableReader
from ratings.vote_digest import in_canonical_order
from ratings.votes_in_parts import VotesInParts, divide_votes, narrowed

VOTES_FILE: Final = "data/votes.parquet"
MEMORY_VOTES: Final = 500_000
"""A release of more votes is divided into files before its boards are computed, so that memory does not grow."""

_COMPARED: Final = ("model_a", "model_b", "winner", "voter")
_KINDS_SCHEMA: Final = pa.schema(
    [("tags", pa.string()), ("winner", pa.string()), ("over_frequent", pa.bool_())]
)
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
    table = TableReader(path, coded=_NAMES)
    tagged = pc.is_valid(_column(table, STYLE_COLUMNS[0]))
    population = _column(table, "population")
    chosen = {name: pc.and_(pc.equal(population, name), tagged) for name in populations}
    for column in (*_COMPARED, "tags", "over_frequent", *STYLE_COLUMNS):
        values = _tags(table) if column == "tags" else _column(table, column)
        for name, rows in chosen.items():
            found[name][column] = narrowed(values.filter(rows))
    return {name: pa.table(columns) for name, columns in found.items()}


def _column(table: TableReader, name: str) -> pa.ChunkedArray:
    return table.read([name], use_threads=False).column(0)


def _tags(table: TableReader) -> pa.ChunkedArray:
    """The tags of each vote as one text, as codes of the distinct ones."""
    batches = table.batches(columns=["tags"], use_threads=False)
    coded = [pc.binary_join(batch.column(0), " ").dictionary_encode() for batch in batches]
    return pa.chunked_array(coded, pa.dictionary(pa.int32(), pa.string()))


def _board_votes(path: Path) -> pa.Table:
    """The votes of an imported board."""
    table = TableReader(path, coded=[name for name in _NAMES if name in _COMPARED])
    return pa.table({name: narrowed(_column(table, name)) for name in _COMPARED})


def _canonical(votes: pa.Table) -> PopulationVotes:
    table, digest = in_canonical_order(votes)
    return PopulationVotes(table=table, digest=digest)


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
    if sum(TableReader(directory / file).rows for file in files) <= MEMORY_VOTES:
        yield {**read_populations(directory, populations)}
        return
    with TemporaryDirectory(prefix="release-votes-", dir=scratch_in) as scratch:
        yield {
            name: _divided(directory, said["votes_file"], name, Path(scratch, str(number)))
            for number, (name, said) in enumerate(populations.items())
        }


def _divided(directory: Path, votes_file: str, population: str, folder: Path) -> VotesInParts:
    table = TableReader(directory / votes_file)
    if votes_file != VOTES_FILE:
        schema = pa.schema([table.schema.field(name) for name in _COMPARED])
        batches = (rows.cast(schema) for rows in _batches(table, _COMPARED))
        return divide_votes(batches, schema, table.rows, folder)
    votes = sum(
        pc.sum(_counts(rows, population)).as_py() or 0
        for rows in _batches(table, ("population", STYLE_COLUMNS[0]))
    )
    names = (*_COMPARED, "tags", "over_frequent", *STYLE_COLUMNS)
    schema = pa.schema([table.schema.field(name) for name in names])
    schema = schema.set(schema.get_field_index("tags"), pa.field("tags", pa.string()))
    chosen = (_chosen(rows, population, schema) for rows in _batches(table, ("population", *names)))
    return divide_votes(chosen, schema, votes, folder)


def _batches(table: TableReader, columns: Sequence[str]) -> Iterator[pa.Table]:
    for batch in table.batches(columns=columns, use_threads=False):
        yield pa.Table.from_batches([batch]).select([*columns])


def _counts(rows: pa.Table, population: str) -> pa.ChunkedArray:
    """Which votes are on boards of a population."""
    tagged = pc.is_valid(rows[STYLE_COLUMNS[0]])
    return pc.and_(pc.fill_null(pc.equal(rows["population"], population), False), tagged)


def _chosen(rows: pa.Table, population: str, schema: pa.Schema) -> pa.Table:
    rows = rows.filter(_counts(rows, population))
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
    if "tags" not in votes.columns:
        return pa.table({"votes": pa.array([votes.votes], pa.int64())})
    counted = []
    for table in votes.tables(_KINDS_SCHEMA.names):
        kinds = table.cast(_KINDS_SCHEMA).group_by(_KINDS_SCHEMA.names)
        counted.append(kinds.aggregate([([], "count_all")]))
    together = pa.concat_tables(counted).group_by(_KINDS_SCHEMA.names)
    return together.aggregate([("count_all", "sum")]).rename_columns([*_KINDS_SCHEMA.names, "votes"])
