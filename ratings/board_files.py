"""Leaderboards as files: what arena and release write of a board, and whoever checks a release writes again.

The same votes give the same bytes, so everything here is rounded to what is shown.
"""

import math
from collections.abc import Mapping
from typing import Any, Final, Literal

import pandas as pd
import pyarrow as pa  # type: ignore[import-untyped]

from ratings.encoded_votes import EncodedVotes, encode_votes
from ratings.errors import RatingsError, UnidentifiedCoefficientError
from ratings.leaderboard import Leaderboard, leaderboard, records
from ratings.style_newton import StyleSeparationError
from ratings.votes_in_parts import SelectedVotes

PRELIMINARY_VOTES: Final = 100
STYLE_VOTES: Final = 50
RANKS: Final[Literal["anytime"]] = "anytime"
STYLE_FEATURES: Final = ("tokens", "headers", "lists", "bold", "code_blocks", "emoji")
STYLE_COLUMNS: Final = tuple(f"{feature}_{side}" for feature in STYLE_FEATURES for side in "ab")
MODEL_FACTS: Final = (
    "organization",
    "license",
    "open_weights",
    "parameters_billions",
    "status",
    "retired_on",
)
Facts = Mapping[str, Mapping[str, Any]]  # model → its facts


def encoded_for_boards(votes: pa.Table) -> EncodedVotes:
    """Counted votes, encoded once for all boards of some of them; their styles too, where the columns are there."""
    has_style = set(STYLE_COLUMNS) <= set(votes.column_names)
    return encode_votes(votes, features=STYLE_FEATURES if has_style else ())


def plain_board(votes: pa.Table | EncodedVotes | SelectedVotes) -> Leaderboard:
    """The board of counted votes; columns model_a, model_b, winner and voter."""
    return leaderboard(comparable(votes) if isinstance(votes, pa.Table) else votes, ranks=RANKS)


def comparable(votes: pa.Table) -> pa.Table:
    """The columns that a rating depends on."""
    return votes.select(["model_a", "model_b", "winner", "voter"])


def style_controlled_board(votes: pa.Table | EncodedVotes | SelectedVotes) -> Leaderboard | None:
    """The board at equal style, by those features whose effects the votes can tell; None where they cannot rate.

    A feature's effect cannot be told where others explain it, or where it predicts every vote without error.
    """
    if len(votes) < STYLE_VOTES:
        return None
    encoded = encoded_for_boards(votes) if isinstance(votes, pa.Table) else votes
    differing = [feature for feature in encoded.features if encoded.differs(feature)]
    side_bias = True
    while differing:
        try:
            return leaderboard(encoded, style=differing, side_bias=side_bias, ranks=RANKS)
        except (UnidentifiedCoefficientError, StyleSeparationError) as error:
            if error.coefficient in differing:
                differing.remove(error.coefficient)
            else:
                side_bias = False
        except RatingsError:
            return None
    return None


def leaderboard_file(
    header: Mapping[str, Any],
    fitted: Leaderboard,
    models: Facts,
    *,
    style_control: bool,
    over_frequent: int,
) -> dict[str, Any]:
    """What the file of one board says.

    Parameters
    ----------
    header : mapping
        What the arena says of the board: ``category``, ``title``, ``kind``, ``population``, ``about``, ``origin``,
        ``license``, ``accuracy``, ``code_version`` and ``$schema``.
    fitted : Leaderboard
    models : mapping
        Facts of each model that the entries repeat; a model without facts has nulls.
    style_control : bool
        Whether ``fitted`` is the board at equal style.
    over_frequent : int
        Votes left out because their prompt was asked too often.
    """
    rows = records(fitted.table)
    first = ("$schema", "category", "title", "kind", "population", "about", "origin", "license")
    return {
        **{name: header[name] for name in first},
        "style_control": style_control,
        "votes": fitted.votes,
        "left_out": {"over_frequent_prompt": over_frequent},
        "accuracy": header["accuracy"],
        "code_version": header["code_version"],
        "method": dict(fitted.method),
        "entries": [_entry(row, models.get(row["model"])) for row in rows],
        "unrated": dict(fitted.unrated),
        "coefficients": _coefficients(fitted.coefficients) if style_control else None,
    }


def _entry(row: Mapping[Any, Any], model: Mapping[str, Any] | None) -> dict[str, Any]:
    return {
        "model": row["model"],
        **{fact: model.get(fact) if model else None for fact in MODEL_FACTS},
        "rating": rounded(row["rating"], 2),
        "lower": rounded(row["lower"], 2),
        "upper": rounded(row["upper"], 2),
        "rank_lower": row["rank_lower"],
        "rank_upper": row["rank_upper"],
        "votes": row["battles"],
        "battles": row["battles"],
        "win_rate": rounded(row["win_rate"], 4),
        "preliminary": row["battles"] < PRELIMINARY_VOTES or row["rating"] is None,
    }


def _coefficients(table: pd.DataFrame | None) -> list[dict[str, Any]]:
    if table is None:
        return []
    columns = ("coefficient", "lower", "upper")
    return [
        {"name": row["name"], **{column: rounded(row[column], 4) for column in columns}}
        for row in records(table)
    ]


def rounded(value: float | None, digits: int) -> float | None:
    """To the digits shown: the rest differs between processors and says nothing."""
    return None if value is None or not math.isfinite(value) else round(float(value), digits)
