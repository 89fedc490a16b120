"""The leaderboards of a release, from nothing but its files: the very ones that its arena shows of the same votes."""

import hashlib
import json
from collections.abc import Callable, Collection, Iterator, Mapping, MutableMapping, Sequence
from datetime import date
from functools import partial
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]

from ratings.arrays import BoolArray
from ratings.board_files import (
    MODEL_FACTS,
    STYLE_COLUMNS,
    STYLE_FEATURES,
    Facts,
    encoded_for_boards,
    leaderboard_file,
    plain_board,
    style_controlled_board,
)
from ratings.encoded_votes import EncodedVotes
from ratings.release.populations import AnyVotes
from ratings.release.tables import TableReader
from ratings.threads import in_order, thread_count
from ratings.votes_in_parts import SelectedVotes, VotesInParts

MODELS_FILE: Final = "data/models.parquet"
_CHOSEN_BY: Final = ("tags", "winner", "over_frequent")
_LARGE: Final = 100_000

Definition = Mapping[str, Any]  # one entry of the manifest's `boards`


def read_facts(directory: Path) -> dict[str, dict[str, Any]]:
    """Read what the files of leaderboards repeat of each model."""
    rows = TableReader(directory / MODELS_FILE).read(["model", *MODEL_FACTS]).to_pylist()
    return {row.pop("model"): {fact: _plain(value) for fact, value in row.items()} for row in rows}


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date) else value


def compute_boards(
    populations: MutableMapping[str, AnyVotes],
    definitions: Collection[Definition],
    facts: Facts,
    *,
    threads: int | None = None,
) -> Iterator[tuple[str, dict[str, Any] | None]]:
    """Compute leaderboards, and say what their files say.

    Parameters
    ----------
    populations : dict of str to PopulationVotes or VotesInParts
        As `open_populations` reads them; it is emptied, so that what the boards of a population do not need goes when
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
        # A board with and without style control counts the same votes, which are chosen and counted once.
        by_votes = [[*same] for _, same in groupby(group, key=itemgetter("requires", "excludes", "winners"))]
        votes = populations.pop(population)
        if isinstance(votes, VotesInParts):
            yield from _boards_in_parts(votes, by_votes, facts)
        else:
            yield from _boards_of(votes.table, by_votes, facts, threads)


def _boards_in_parts(
    votes: VotesInParts, of_same_votes: Sequence[Sequence[Definition]], facts: Facts
) -> Iterator[tuple[str, dict[str, Any] | None]]:
    features = STYLE_FEATURES if set(STYLE_COLUMNS) <= set(votes.columns) else ()
    needed = [name for name in _CHOSEN_BY if name in votes.columns]
    for same in of_same_votes:
        select = partial(select_rows, definition=same[0])
        left_out = sum(select(table)[1] for table in votes.tables(needed))
        chosen = votes.selected(partial(_rows, select), features)
        for each in same:
            yield each["file"], _says(chosen, each, facts, left_out)


def _boards_of(
    votes: pa.Table, of_same_votes: Sequence[Sequence[Definition]], facts: Facts, threads: int | None
) -> Iterator[tuple[str, dict[str, Any] | None]]:
    encoded = encoded_for_boards(votes)
    votes = votes.select([name for name in _CHOSEN_BY if name in votes.column_names])

    def computed(same: Sequence[Definition]) -> Iterator[tuple[str, dict[str, Any] | None]]:
        rows, left_out = select_rows(votes, same[0])
        chosen = encoded.selected(rows[encoded.row])
        for each in same:
            yield each["file"], _says(chosen, each, facts, left_out)

    if threads is None and votes.num_rows > _LARGE:
        for same in of_same_votes:
            yield from computed(same)
        return
    for found in in_order(lambda same: [*computed(same)], of_same_votes, thread_count(threads)):
        yield from found


def _says(
    votes: EncodedVotes | SelectedVotes, definition: Definition, facts: Facts, left_out: int
) -> dict[str, Any] | None:
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
        Of a population, or of a part of it.
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


def _rows(select: Callable[[pa.Table], tuple[BoolArray, int]], votes: pa.Table) -> BoolArray:
    return select(votes)[0]


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
