"""Which leaderboards a release has: each as the votes that it counts, and what its file says besides numbers."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]

from arena.boards import BoardSubject, board_header
from arena.categories import Category, categories_of
from arena.leaderboards import has_board
from arena.populations import Population
from ratings.board_files import STYLE_VOTES
from ratings.release.populations import AnyVotes, kinds_of


def board_definitions(
    populations: Mapping[str, Mapping[str, Any]],
    votes: Mapping[str, AnyVotes],
    operator_categories: Sequence[Category] = (),
) -> Iterator[dict[str, Any]]:
    """Every board that these votes make, as the manifest of a release lists it but for its digest.

    Whether a board at equal style can be computed shows only when it is.
    """
    for name, said in populations.items():
        facts = {fact: said[fact] for fact in ("title", "kind", "about", "origin", "license")}
        population, kinds = Population(name=name, **facts), kinds_of(votes[name])
        for category, counted in _categories(kinds, operator_categories):
            board = BoardSubject(population=population, category=category)
            yield _definition(board, said["votes_file"], style_control=False)
            if "tags" in kinds.column_names and counted >= STYLE_VOTES:
                yield _definition(board, said["votes_file"], style_control=True)


def _categories(
    kinds: pa.Table, operator_categories: Sequence[Category]
) -> Iterator[tuple[Category | None, int]]:
    """The main board and every category that has one, with the number of votes; `kinds` as `kinds_of` counts them."""
    votes = kinds["votes"].to_numpy()
    if "tags" not in kinds.column_names:
        yield None, int(votes.sum())
        return
    votes = np.where(kinds["over_frequent"].to_numpy(zero_copy_only=False), 0, votes)
    yield None, int(votes.sum())
    sets, winners = [tags.split() for tags in kinds["tags"].to_pylist()], kinds["winner"].to_pylist()
    if not len(sets):
        return
    row = np.arange(len(sets))
    for category in categories_of((tag for tags in sets for tag in tags), operator_categories):
        counted = int(votes[category.selects_rows(sets, row, winners, row)].sum())
        if has_board(category, counted):
            yield category, counted


def _definition(board: BoardSubject, votes_file: str, *, style_control: bool) -> dict[str, Any]:
    category = board.category or Category(name="", title="", about="")
    return {
        "file": f"leaderboard/{board.name}{'.style' if style_control else ''}.json",
        "header": board_header(board),
        "votes_file": votes_file,
        "population": board.population.name,
        "requires": sorted(category.requires),
        "excludes": sorted(category.excludes),
        "winners": None if category.winners is None else sorted(category.winners),
        "style_control": style_control,
    }
