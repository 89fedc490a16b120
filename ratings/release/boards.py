"""The leaderboards of a release, from nothing but its files: the very ones that its arena shows of the same votes."""

import hashlib
import json
from collections.abc import Callable, Collection, Iterator, Mapping, MutableMapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.compute as pc  # type: ignore[import-untyped]
import pyarrow.parquet as pq  # type: ignore[import-untyped]

from ratings.arrays import BoolArray
from ratings.board_files import (
    MODEL_FACTS,
    STYLE_COLUMNS,
    Facts,
    encoded_for_boards,
    leaderboard_file,
    plain_board,
    style_controlled_board,
)
from ratings.encoded_votes import EncodedVotes
from ratings.release.parquet import open_reader, read_columns
from ratings.threads import in_order, thread_count
from ratings.vote_digest import canonical_votes

VOTES_FILE: Final = "data/votes.parquet"
MODELS_FILE: Final = "data/models.parquet"
_COMPARED: Final = ("model_a", "model_b", "winner", "voter")
_CHOSEN_BY: Final = ("tags", "winner", "over_frequent")
_READ_ROWS: Final = 1 << 16
_LARGE: Final = 100_000
_LARGEST_INT16: Final = 2**15 - 1
_NAMES: Final = ("population", "model_a", "model_b", "winner", "voter")

Definition = Mapping[str, Any]  # one entry of the manifest's `boards`


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
                found[name][column] = _narrowed(values.filter(rows))
    return {name: pa.table(columns) for name, columns in found.items()}


def _column(file: pq.ParquetFile, name: str) -> pa.ChunkedArray:
    return file.read(columns=[name], use_threads=False).column(0)


def _tags(file: pq.ParquetFile) -> pa.ChunkedArray:
    """The tags of each vote as one text, as codes of the distinct ones."""
    batches = file.iter_batches(_READ_ROWS, columns=["tags"], use_threads=False)
    coded = [pc.binary_join(batch.column(0), " ").dictionary_encode() for batch in batches]
    return pa.chunked_array(coded, pa.dictionary(pa.int32(), pa.string()))


def _narrowed(values: pa.ChunkedArray) -> pa.ChunkedArray:
    """The same in one piece; counts of style are most of it, and all but a few fit half the width."""
    if pa.types.is_int32(values.type) and (pc.max(values).as_py() or 0) <= _LARGEST_INT16:
        values = values.cast(pa.int16())
    return pa.chunked_array([values.unify_dictionaries().combine_chunks()], values.type)


def _board_votes(path: Path) -> pa.Table:
    """The votes of an imported board."""
    with open_reader(path, coded=[name for name in _NAMES if name in _COMPARED]) as file:
        return pa.table({name: _narrowed(_column(file, name)) for name in _COMPARED})


def _canonical(votes: pa.Table) -> PopulationVotes:
    canonical = canonical_votes(votes)
    table = votes.drop_columns(["voter"]).take(canonical.order)
    return PopulationVotes(
        table=table.append_column("voter", pa.array(canonical.voters)).combine_chunks(),
        digest=canonical.digest,
    )


def read_facts(directory: Path) -> dict[str, dict[str, Any]]:
    """Read what the files of leaderboards repeat of each model."""
    rows = read_columns(directory / MODELS_FILE, ["model", *MODEL_FACTS]).to_pylist()
    return {row.pop("model"): {fact: _plain(value) for fact, value in row.items()} for row in rows}


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date) else value


def compute_boards(
    populations: MutableMapping[str, PopulationVotes],
    definitions: Collection[Definition],
    facts: Facts,
    *,
    threads: int | None = None,
) -> Iterator[tuple[str, dict[str, Any] | None]]:
    """Compute leaderboards, and say what their files say.

    Parameters
    ----------
    populations : dict of str to PopulationVotes
        As `read_populations` reads them; it is emptied, so that what the boards of a population do not need goes when
        its turn comes.
    definitions : collection of mappings
        The manifest's ``boards``: which votes each counts, and what its file says besides numbers.
    facts : mapping
        As `read_facts` reads them.
    threads : int, optional
        How many boards to compute at a time; by default as many as there are processors, of large populations
        one, because several would need too much memory.

    Yields
    ------
    tuple of str and dict or None
        Name of the file and what it says, population by population in the order of ``definitions``; None for a board
        at equal style whose votes are too few to tell the effects of style.

    Raises
    ------
    InvalidComparisonsError
        If the votes break the data convention.
    """
    of_population: dict[str, list[Definition]] = {}
    for definition in definitions:
        of_population.setdefault(definition["population"], []).append(definition)
    for population, group in of_population.items():
        yield from _boards_of(populations.pop(population).table, group, facts, threads)


def _boards_of(
    votes: pa.Table, definitions: Sequence[Definition], facts: Facts, threads: int | None
) -> Iterator[tuple[str, dict[str, Any] | None]]:
    encoded = encoded_for_boards(votes)
    votes = votes.select([name for name in _CHOSEN_BY if name in votes.column_names])

    def computed(same: Sequence[Definition]) -> Iterator[tuple[str, dict[str, Any] | None]]:
        rows, left_out = select_rows(votes, same[0])
        chosen = encoded.selected(rows[encoded.row])
        for each in same:
            yield each["file"], _says(chosen, each, facts, left_out)

    # A board with and without style control counts the same votes, which are chosen and counted once.
    of_same_votes = [
        [*same] for _, same in groupby(definitions, key=itemgetter("requires", "excludes", "winners"))
    ]
    if threads is None and votes.num_rows > _LARGE:
        for same in of_same_votes:
            yield from computed(same)
        return
    for found in in_order(lambda same: [*computed(same)], of_same_votes, thread_count(threads)):
        yield from found


def _says(votes: EncodedVotes, definition: Definition, facts: Facts, left_out: int) -> dict[str, Any] | None:
    styled = definition["style_control"]
    fitted = style_controlled_board(votes) if styled else plain_board(votes)
    if fitted is None:
        return None
    return leaderboard_file(definition["header"], fitted, facts, style_control=styled, over_frequent=left_out)


def select_rows(votes: pa.Table, definition: Definition) -> tuple[BoolArray, int]:
    """Select the votes of a board, and count those left out because their prompt was asked too often.

    Parameters
    ----------
    votes : Table
        Of a population, in canonical order.
    definition : mapping
        ``requires`` and ``excludes``: tags that every vote has, or none; ``winners``: verdicts that count, or None.
    """
    requires, excludes = set(definition["requires"]), set(definition["excludes"])
    winners = definition["winners"]
    chosen = np.ones(votes.num_rows, dtype=bool)
    if requires or excludes:
        chosen &= _where(
            votes["tags"], lambda tags: requires <= set(tags.split()) and not excludes & set(tags.split())
        )
    if winners is not None:
        chosen &= _where(votes["winner"], lambda winner: winner in winners)
    if "over_frequent" not in votes.column_names:
        return chosen, 0
    frequent = votes["over_frequent"].to_numpy()
    return chosen & ~frequent, int((chosen & frequent).sum())


def _where(column: pa.ChunkedArray, holds: Callable[[str], bool]) -> BoolArray:
    """Which rows have a value of which something holds; asked once for each value."""
    coded = column.unify_dictionaries().combine_chunks()
    values = [holds(value) for value in coded.dictionary.to_pylist()] or [False]
    chosen: BoolArray = np.take(np.array(values, dtype=bool), coded.indices.to_numpy())
    return chosen


def digest_of(says: Any) -> str:
    """SHA-256 of what a file says, whatever the order of its fields."""
    text = json.dumps(says, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()
