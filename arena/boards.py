"""A board: some votes of a population, and the files that they become.

What is written is rounded to what is shown. No database is known here, so that a process that computes boards alone
starts without what talks to one.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Self

import numpy as np
import orjson

import ratings
from arena.categories import Category
from arena.code_version import code_version
from arena.populations import Population, board_name
from arena.robustness import robustness
from ratings.arrays import BoolArray, FloatArray, IntArray
from ratings.board_files import RANKS, Facts, leaderboard_file, plain_board, style_controlled_board
from ratings.encoded_votes import EncodedVotes

SCHEMA_PATHS = {name: f"/feed/v1/schema/{name}.json" for name in ("leaderboard", "pairs", "robustness")}


@dataclass(frozen=True, kw_only=True)
class BoardSubject:
    """What a board is about: one category of one population."""

    population: Population
    category: Category | None  # None: all of the population's votes
    code_version: str = field(default_factory=code_version)  # that it is said to be computed by

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
        "code_version": board.code_version,
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
        *(
            said[name]
            for name in ("expected", "difference", "difference_lower", "difference_upper", "certain")
        ),
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
            "certain": certain,
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
            certain,
        ) in zip(*columns, strict=True)
    ]
    return {"$schema": SCHEMA_PATHS["pairs"], "category": board.name, "models": order, "pairs": pairs}


def _expected(
    fitted: ratings.Leaderboard, order: Sequence[str], one: IntArray, other: IntArray
) -> dict[str, list[Any]]:
    """What the ratings say of pairs; null where a model has none, or the votes show no variance."""
    difference, lower, upper = np.full((3, len(one)), np.nan)
    certain = np.zeros(len(one), dtype=bool)
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
        if fitted.strictly_better is not None:
            certain[both] = fitted.strictly_better[pair]
    return {
        "expected": _all_rounded(1 / (1 + np.exp(-difference / ratings.RATING_PER_STRENGTH))),
        "difference": _all_rounded(difference, 2),
        "difference_lower": _all_rounded(lower, 2),
        "difference_upper": _all_rounded(upper, 2),
        "certain": certain.tolist(),
    }


def _all_rounded(values: FloatArray, digits: int = 4) -> list[float | None]:
    rounded: list[float | None] = values.round(digits).tolist()
    return [None if value != value else value for value in rounded] if np.isnan(values).any() else rounded
