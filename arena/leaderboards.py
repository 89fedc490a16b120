"""Votes → boards: the ratings of every category of every population, with and without style control, as files.

A board is a pure function of a set of votes: votes come in an order that depends on what they say alone, and what is
written is rounded to what is shown.
"""

import gzip
import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Self

import numpy as np
import orjson
import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.compute as pc  # type: ignore[import-untyped]

import ratings
from arena import __version__
from arena.ballots import Votes
from arena.categories import Category, categories_of
from arena.memory import seldom_collecting
from arena.populations import Population, board_name
from arena.robustness import SETTINGS, robustness
from arena.tables import Model
from arena.tagging import RULES_VERSION
from ratings.arrays import BoolArray, FloatArray, IntArray
from ratings.board_files import (
    MODEL_FACTS,
    PRELIMINARY_VOTES,
    RANKS,
    STYLE_FEATURES,
    STYLE_VOTES,
    Facts,
    encoded_for_boards,
    leaderboard_file,
    plain_board,
    style_controlled_board,
)
from ratings.encoded_votes import EncodedVotes
from ratings.leaderboard import METHOD_VERSION
from ratings.threads import in_order, thread_count

LANGUAGE_VOTES = 50
COMPRESSION = 3
LARGE = 1_000_000
"""Of boards of more votes, two at most are computed beside each other."""

SCHEMA_PATHS = {name: f"/feed/v1/schema/{name}.json" for name in ("leaderboard", "pairs", "robustness")}


@dataclass(frozen=True, kw_only=True)
class BoardSubject:
    """What a board is about: one category of one population."""

    population: Population
    category: Category | None  # None: all of the population's votes

    @property
    def name(self) -> str:
        return board_name(self.population, self.category.name if self.category else None)

    @property
    def title(self) -> str:
        return self.category.title if self.category else self.population.title


@dataclass(frozen=True, kw_only=True)
class Board(BoardSubject):
    """The votes of one category of one population."""

    everything: EncodedVotes  # of the population
    rows: BoolArray
    left_out: int  # votes on over-frequent prompts

    @property
    def counted(self) -> int:
        """Number of votes."""
        return int(np.count_nonzero(self.rows))

    @property
    def votes(self) -> EncodedVotes:
        """Chosen anew at each look: the votes of all boards at once would fill the memory."""
        return self.everything.selected(self.rows)


@dataclass(frozen=True, kw_only=True)
class BoardFile:
    """One file of a snapshot before it is dated: what it says, and under which name."""

    name: str
    written: bytes  # as JSON, which takes a tenth of the memory of what it says
    by_name: bytes  # the same with its fields by their names, as in a digest

    @classmethod
    def of(cls, name: str, says: Mapping[str, Any]) -> Self:
        """Write down what a file says."""
        by_name = orjson.dumps(says, option=orjson.OPT_SORT_KEYS)
        return cls(name=name, written=orjson.dumps(says), by_name=by_name)

    @property
    def says(self) -> dict[str, Any]:
        """Read anew at each look."""
        said: dict[str, Any] = orjson.loads(self.written)
        return said


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


def board_files(board: Board, models: Facts) -> Iterator[BoardFile]:
    """The board with and without style control, its pairs of models, and for a main board what would change it."""
    votes = board.votes
    plain, styled = plain_board(votes), style_controlled_board(votes)
    yield BoardFile.of(f"leaderboards/{board.name}.json", _leaderboard(board, plain, models, False))
    if styled is not None:
        says = _leaderboard(board, styled, models, True)
        yield BoardFile.of(f"leaderboards/{board.name}.style.json", says)
    yield BoardFile.of(f"pairs/{board.name}.json", _pairs(board, votes, plain))
    if board.category is None:
        found = robustness(votes, plain, styled, RANKS)
        says = {"$schema": SCHEMA_PATHS["robustness"], "category": board.name} | found
        yield BoardFile.of(f"robustness/{board.name}.json", says)


def board_header(board: BoardSubject) -> dict[str, Any]:
    """What the file of a board says besides its numbers."""
    population, category = board.population, board.category
    return {
        "$schema": SCHEMA_PATHS["leaderboard"],
        "category": board.name,
        "title": board.title,
        "kind": population.kind,
        "population": population.name,
        "about": category.about if category else population.about,
        "origin": population.origin,
        "license": population.license,
        "accuracy": asdict(category.accuracy) if category and category.accuracy else None,
        "code_version": __version__,
    }


def _leaderboard(
    board: Board, fitted: ratings.Leaderboard, models: Facts, style_control: bool
) -> dict[str, Any]:
    return leaderboard_file(
        board_header(board), fitted, models, style_control=style_control, over_frequent=board.left_out
    )


def _pairs(board: Board, votes: EncodedVotes, fitted: ratings.Leaderboard) -> dict[str, Any]:
    """Every pair that met, the better model first, with what the fit expects of it."""
    order = fitted.table.model.tolist()
    comparisons = votes.comparisons
    place = np.array([order.index(name) for name in comparisons.models], dtype=np.int64)
    one, other, counts = place[comparisons.first], place[comparisons.second], comparisons.counts
    swapped = one > other
    one, other = np.minimum(one, other), np.maximum(one, other)
    counts = np.where(swapped[:, np.newaxis], counts[:, [1, 0, 2, 3]], counts)
    by_place = np.lexsort((other, one))
    one, other, counts = one[by_place], other[by_place], counts[by_place]
    names = np.array(order, dtype=object)
    said = _expected(fitted, order, one, other)
    columns = (
        *(names[models].tolist() for models in (one, other)),
        *counts.T.tolist(),
        counts.sum(axis=1).tolist(),
        _all_rounded(counts @ [1, 0, 0.5, 0.5] / counts.sum(axis=1)),
        *(said[name] for name in ("expected", "difference", "difference_lower", "difference_upper")),
    )
    # A display takes a quarter of the time that `dict` and `zip` do, and there are hundreds of thousands.
    pairs = [
        {
            "model_a": better,
            "model_b": worse,
            "wins": wins,
            "losses": losses,
            "ties": ties,
            "both_bad": both_bad,
            "votes": votes_of,
            "win_rate": win_rate,
            "expected": expected,
            "difference": difference,
            "difference_lower": lower,
            "difference_upper": upper,
        }
        for (
            better,
            worse,
            wins,
            losses,
            ties,
            both_bad,
            votes_of,
            win_rate,
            expected,
            difference,
            lower,
            upper,
        ) in zip(*columns, strict=True)
    ]
    return {"$schema": SCHEMA_PATHS["pairs"], "category": board.name, "models": order, "pairs": pairs}


def _expected(
    fitted: ratings.Leaderboard, order: Sequence[str], one: IntArray, other: IntArray
) -> dict[str, list[float | None]]:
    """What the ratings say of pairs; null where a model has none, or the votes show no variance."""
    difference, lower, upper = np.full((3, len(one)), np.nan)
    if fitted.fit is not None and fitted.covariance is not None:
        rated = np.full(len(order), -1)
        rated[[order.index(name) for name in fitted.fit.models]] = np.arange(len(fitted.fit.models))
        both = (rated[one] >= 0) & (rated[other] >= 0)
        pair = rated[one[both]], rated[other[both]]
        confidence = fitted.method["parameters"]["confidence"]
        low, high = ratings.difference_intervals(fitted.fit, fitted.covariance, confidence=confidence)
        seen = low[pair] < high[pair]
        difference[both] = ratings.RATING_PER_STRENGTH * (
            fitted.fit.strengths[pair[0]] - fitted.fit.strengths[pair[1]]
        )
        lower[both], upper[both] = np.where(seen, low[pair], np.nan), np.where(seen, high[pair], np.nan)
    return {
        "expected": _all_rounded(1 / (1 + np.exp(-difference / ratings.RATING_PER_STRENGTH))),
        "difference": _all_rounded(difference, 2),
        "difference_lower": _all_rounded(lower, 2),
        "difference_upper": _all_rounded(upper, 2),
    }


def _all_rounded(values: FloatArray, digits: int = 4) -> list[float | None]:
    rounded: list[float | None] = values.round(digits).tolist()
    return [None if value != value else value for value in rounded] if np.isnan(values).any() else rounded


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
        "code_version": __version__,
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


def compute(votes: Sequence[Votes], inputs: Mapping[str, Any]) -> list[BoardFile]:
    """Every file of the snapshot of these votes with these inputs."""
    operator_categories = [
        Category(
            name=name, title=said["title"], about=said["about"], requires=frozenset({f"operator:{name}"})
        )
        for name, said in inputs["categories"].items()
    ]
    boards = [board for each in votes for board in boards_of(each, operator_categories)]

    def files(lane: Sequence[Board]) -> list[BoardFile]:
        return [file for board in lane for file in board_files(board, inputs["models"])]

    with seldom_collecting():
        return [file for found in in_order(files, _lanes(boards), thread_count(None)) for file in found]


def _lanes(boards: Iterable[Board]) -> list[list[Board]]:
    """Divide boards into what is computed one after the other, because much of a fit keeps one processor busy alone.

    The largest come first, so that none is left for the end; more than two of them at once would need too much memory.
    """
    largest_first = sorted(boards, key=lambda board: -board.counted)
    large: tuple[list[Board], list[Board]] = ([], [])
    for board in largest_first:
        if board.counted > LARGE:
            min(large, key=lambda lane: sum(each.counted for each in lane)).append(board)
    return [*large, *([board] for board in largest_first if board.counted <= LARGE)]


def packed(file: BoardFile, snapshot_id: str, generated_at: str) -> bytes:
    """The bytes that the feed serves, compressed once for all who ask.

    Every file begins with its schema; what it was made for and when comes after that, without reading it again.
    """
    schema, rest = file.written.split(b",", 1)
    dated = orjson.dumps({"snapshot": snapshot_id, "generated_at": generated_at})[1:-1]
    # Half the time of the default level, for a fifth more bytes: a large arena packs 80 MB at every fit.
    return gzip.compress(b",".join([schema, dated, rest]), compresslevel=COMPRESSION, mtime=0)
