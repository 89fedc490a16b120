"""Which leaderboards a release has: each as the votes that it counts, and what its file says besides numbers."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from arena.ballots import Votes
from arena.categories import Category
from arena.leaderboards import Board, board_header, boards_of
from arena.populations import Population
from ratings.board_files import STYLE_COLUMNS, STYLE_VOTES
from ratings.release.boards import PopulationVotes


def board_definitions(
    populations: Mapping[str, Mapping[str, Any]],
    votes: Mapping[str, PopulationVotes],
    operator_categories: Sequence[Category] = (),
) -> Iterator[dict[str, Any]]:
    """Every board that these votes make, as the manifest of a release lists it but for its digest.

    Whether a board at equal style can be computed shows only when it is.
    """
    for name, said in populations.items():
        facts = {fact: said[fact] for fact in ("title", "kind", "about", "origin", "license")}
        population = Population(name=name, **facts)
        # Which boards there are does not depend on style, and to compare it takes most of the memory.
        table = votes[name].table
        table = table.drop_columns([column for column in STYLE_COLUMNS if column in table.column_names])
        own = Votes(population=population, table=table, digest=votes[name].digest)
        for board in boards_of(own, operator_categories):
            yield _definition(board, said["votes_file"], style_control=False)
            if own.has_tags and board.counted >= STYLE_VOTES:
                yield _definition(board, said["votes_file"], style_control=True)


def _definition(board: Board, votes_file: str, *, style_control: bool) -> dict[str, Any]:
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
