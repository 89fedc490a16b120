"""Votes → boards: the ratings of every category of every population, with and without style control, as files.

A board is a pure function of a set of votes: votes come in an order that depends on what they say alone.
"""

import gzip
import hashlib
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import orjson
import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.compute as pc  # type: ignore[import-untyped]

from arena.ballots import Votes
from arena.board_worker import BoardWorker, BoardWorkerEnded
from arena.boards import Board, BoardFile, board_files
from arena.categories import Category, categories_of
from arena.code_version import code_version
from arena.logs import get_log
from arena.memory import seldom_collecting
from arena.populations import Population
from arena.robustness import SETTINGS
from arena.tables import Model
from arena.tagging import RULES_VERSION
from ratings.arrays import BoolArray
from ratings.board_files import (
    MODEL_FACTS,
    PRELIMINARY_VOTES,
    RANKS,
    STYLE_FEATURES,
    STYLE_VOTES,
    Facts,
    encoded_for_boards,
)
from ratings.encoded_votes import EncodedVotes
from ratings.leaderboard import METHOD_VERSION
from ratings.threads import in_order, thread_count

log = get_log("arena.leaderboards")
LANGUAGE_VOTES = 50
COMPRESSION = 3
SHARED = 100_000
"""Of a population of more votes, two processes share the boards."""
LARGE = 1_000_000
"""Of boards of more votes, two at most are computed beside each other."""


def boards_of(votes: Votes, operator_categories: Sequence[Category] = ()) -> Iterator[Board]:
    """The population's main board, then its categories that have votes."""
    rows = votes.table.num_rows
    encoded = encoded_for_boards(votes.table)
    if votes.has_tags:
        frequent = votes.table["over_frequent"].to_numpy()[encoded.row]
    else:
        frequent = np.zeros(rows, dtype=bool)
    yield _board(votes.population, None, encoded, np.ones(rows, dtype=bool), frequent)
    if not votes.has_tags or not rows:
        return
    tags, winners = _dictionary(votes.table["tags"]), _dictionary(votes.table["winner"])
    sets = [frozenset(tag_set.split()) for tag_set in tags.dictionary.to_pylist()]
    # Of the width that places in memory have: narrower ones are turned into these for every category.
    tag_codes, winner_codes = (
        column.indices.to_numpy().astype(np.intp)[encoded.row] for column in (tags, winners)
    )
    codes = tag_codes, winners.dictionary.to_pylist(), winner_codes
    used = (tag for place in np.flatnonzero(np.bincount(codes[0])) for tag in sets[place])
    categories = categories_of(used, operator_categories)
    chosen = in_order(lambda category: category.selects_rows(sets, *codes), categories, thread_count(None))
    for category, selected in zip(categories, chosen, strict=True):
        board = _board(votes.population, category, encoded, selected, frequent)
        if has_board(category, board.counted):
            yield board


def has_board(category: Category, votes: int) -> bool:
    """Whether so many votes are enough."""
    return votes >= (LANGUAGE_VOTES if _is_language(category) else 1)


def _board(
    population: Population,
    category: Category | None,
    votes: EncodedVotes,
    selected: BoolArray,
    frequent: BoolArray,
) -> Board:
    """The board of the selected votes, but for those on over-frequent prompts."""
    return Board(
        population=population,
        category=category,
        everything=votes,
        rows=selected & ~frequent,
        left_out=int(np.count_nonzero(selected & frequent)),
    )


def _is_language(category: Category) -> bool:
    return any(tag.startswith("language:") for tag in category.requires) and len(category.requires) == 1


def _dictionary(column: pa.ChunkedArray) -> pa.DictionaryArray:
    combined: pa.DictionaryArray = column.unify_dictionaries().combine_chunks()
    return combined


def snapshot_inputs(
    votes: Sequence[Votes],
    models: Iterable[Model],
    operator_categories: Sequence[Category] = (),
    tagger: str = RULES_VERSION,
) -> dict[str, Any]:
    """Everything that a snapshot depends on, but for the votes themselves: of those, the digest.

    Two snapshots with the same inputs are the same. What is said of models and populations is in it, so that a
    snapshot can be recomputed when that has changed.
    """
    rated = _names(votes)
    return {
        "code_version": code_version(),
        "tagger": tagger,
        "method": {
            "version": METHOD_VERSION,
            "ranks": RANKS,
            "style": list(STYLE_FEATURES),
            "preliminary_votes": PRELIMINARY_VOTES,
            "style_votes": STYLE_VOTES,
            "language_votes": LANGUAGE_VOTES,
            "robustness": dict(SETTINGS),
        },
        "populations": {
            each.population.name: asdict(each.population)
            | {"votes": each.table.num_rows, "digest": each.digest}
            for each in votes
        },
        "categories": {
            category.name: {"title": category.title, "about": category.about}
            for category in operator_categories
        },
        "models": {
            model.name: {fact: getattr(model, fact) for fact in MODEL_FACTS}
            for model in models
            if model.name in rated and not model.private_test
        },
    }


def _names(votes: Sequence[Votes]) -> frozenset[str]:
    return frozenset(
        name
        for each in votes
        for side in ("model_a", "model_b")
        for name in pc.unique(each.table[side]).cast(pa.string()).to_pylist()
    )


def inputs_of(votes: Votes, inputs: Mapping[str, Any]) -> dict[str, Any]:
    """What the boards of one population depend on."""
    rated = _names([votes])
    return dict(inputs) | {
        "populations": inputs["populations"][votes.population.name],
        "models": {name: facts for name, facts in inputs["models"].items() if name in rated},
    }


def digest_of(says: Any) -> str:
    """SHA-256 of what something says, whatever the order of its fields."""
    return hashlib.sha256(orjson.dumps(says, option=orjson.OPT_SORT_KEYS)).hexdigest()


def compute(
    votes: Sequence[Votes], inputs: Mapping[str, Any], worker: BoardWorker | None = None
) -> list[BoardFile]:
    """Every file of the snapshot of these votes with these inputs; the worker takes some boards of many votes."""
    operator_categories = [
        Category(
            name=name, title=said["title"], about=said["about"], requires=frozenset({f"operator:{name}"})
        )
        for name, said in inputs["categories"].items()
    ]
    helps = _starts(worker, votes)
    boards = [
        replace(board, code_version=inputs["code_version"])
        for each in votes
        for board in boards_of(each, operator_categories)
    ]
    lanes = _lanes(boards, worker if helps else None)

    def files(lane: Lane) -> list[BoardFile]:
        try:
            return [file for board in lane.boards() for file in lane.files(board, inputs["models"])]
        except BaseException:
            for boards in lanes[0].waiting:  # for nothing, by now
                boards.clear()
            raise

    try:
        with seldom_collecting():
            return [file for found in in_order(files, lanes, len(lanes)) for file in found]
    finally:
        if worker is not None:
            worker.forget()


def _starts(worker: BoardWorker | None, votes: Sequence[Votes]) -> bool:
    """Start the worker where it is worth what it needs; it imports that while boards are chosen."""
    is_worth = thread_count(None) > 1 and any(each.table.num_rows > SHARED for each in votes)
    if worker is None or not is_worth:
        return False
    worker.start()
    return True


@dataclass(frozen=True, kw_only=True)
class Lane:
    """What computes one board after the other, because much of a fit keeps one processor busy alone."""

    waiting: Sequence[deque[Board]]  # shared with other lanes
    files: Callable[[Board, Facts], Iterable[BoardFile]]

    def boards(self) -> Iterator[Board]:
        """Take boards until none is left."""
        for boards in self.waiting:
            with suppress(IndexError):  # of the last one, which another lane may have taken
                while True:
                    yield boards.popleft()


def _lanes(boards: Iterable[Board], worker: BoardWorker | None) -> list[Lane]:
    """One for each processor, of which the worker has one.

    The largest go first, so that none is left for the end; more than two of them at once would need too much memory.
    """
    largest_first = sorted(boards, key=lambda board: -board.counted)
    large = deque(board for board in largest_first if board.counted > LARGE)
    others = deque(board for board in largest_first if board.counted <= LARGE)
    ways: list[Callable[[Board, Facts], Iterable[BoardFile]]] = [board_files] * thread_count(None)
    if worker is not None:
        ways[0] = _with_help(worker)
    return [
        Lane(waiting=[large, others] if number < 2 else [others], files=way)
        for number, way in enumerate(ways)
    ]


def _with_help(worker: BoardWorker) -> Callable[[Board, Facts], Iterable[BoardFile]]:
    """Let the worker compute boards; where it is killed, the rest of them is computed here: slower, but there."""
    is_lost = False

    def files(board: Board, models: Facts) -> Iterable[BoardFile]:
        nonlocal is_lost
        if not is_lost:
            try:
                return worker.files(board, models)
            except BoardWorkerEnded as ended:
                is_lost = True
                log.warning("board_worker_lost", because=str(ended))
        return board_files(board, models)

    return files


def packed(file: BoardFile, snapshot_id: str, generated_at: str) -> bytes:
    """The bytes that the feed serves, compressed once for all who ask.

    Every file begins with its schema; what it was made for and when comes after that, without reading it again.
    """
    schema, rest = file.written.split(b",", 1)
    dated = orjson.dumps({"snapshot": snapshot_id, "generated_at": generated_at})[1:-1]
    # Half the time of the default level, for a fifth more bytes: a large arena packs 80 MB at every fit.
    return gzip.compress(b",".join([schema, dated, rest]), compresslevel=COMPRESSION, mtime=0)
