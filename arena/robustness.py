"""What would change a board: the fewest votes that swap neighbours, and how far the choice of method moves a model."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np

import ratings
from ratings.encoded_votes import EncodedVotes
from ratings.leaderboard import Ranks, records

TOP: Final = 20
CAP: Final = 10
"""Votes of one voter that weigh one each on the capped board; the rest of a heavy voter's votes weigh nothing more."""

VOTER_SEARCH: Final = 1_000_000
"""Votes to look through, all pairs together, for the fewest voters: more would take longer than the board itself."""

RANKED_VOTES: Final = 1_000_000
"""Above so many votes the other methods give ratings without rank ranges, which cost as much as the board's own."""

DECISIVE: Final = 2
"""The first codes of `ratings.encoding.WINNERS` prefer one answer."""

SETTINGS: Final[Mapping[str, int]] = {
    "top": TOP,
    "votes_of_a_voter": CAP,
    "voter_search": VOTER_SEARCH,
    "ranked_votes": RANKED_VOTES,
}
METHODS: Final[Mapping[str, str]] = {
    "plain": "The board as it stands.",
    "style_controlled": "The effect of length and formatting taken out.",
    "capped": f"All votes of one voter together weigh at most {CAP} votes.",
    "ties_left_out": "Only votes for one of the two; this stretches the scale.",
}
CHANGES: Final = ("drops", "flips", "adds", "voters")
Fitted = Mapping[str, ratings.Leaderboard | None]


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where one method puts a model."""

    rating: float
    rank: int
    rank_lower: int | None
    rank_upper: int | None


def robustness(
    votes: EncodedVotes, plain: ratings.Leaderboard, styled: ratings.Leaderboard | None, ranks: Ranks
) -> dict[str, Any]:
    """What of a board rests on few votes or on the method; whose votes they are is known."""
    ranked = ranks if len(votes) <= RANKED_VOTES else None
    fitted: Fitted = {
        "plain": plain,
        "style_controlled": styled,
        "capped": _capped(votes, plain, ranked),
        "ties_left_out": _ties_left_out(votes, ranked),
    }
    voters = len(votes.voters)
    pairs, unknown = _neighbours(votes, plain, voters)
    unranked = () if ranked else [name for name in ("capped", "ties_left_out") if fitted[name] is not plain]
    if unranked:
        unknown["ranks"] = (
            f"Only ratings by {' and '.join(unranked)}: with so many votes ranks would delay the board."
        )
    return {
        "votes": plain.votes,
        "voters": voters,
        "parameters": dict(SETTINGS),
        "neighbours": pairs,
        "unknown": unknown,
        "methods": {name: about for name, about in METHODS.items() if fitted[name] is not None},
        "models": _bands(fitted, unranked),
    }


def _capped(
    votes: EncodedVotes, plain: ratings.Leaderboard, ranks: Ranks | None
) -> ratings.Leaderboard | None:
    """The board on which many votes of one voter count as few; the plain one where nobody cast many."""
    cast = votes.voters
    if not len(cast) or cast.max() <= CAP:
        return plain
    return _fit(votes.weighted(np.minimum(1.0, CAP / cast)[votes.battles.cluster]), ranks)


def _ties_left_out(votes: EncodedVotes, ranks: Ranks | None) -> ratings.Leaderboard | None:
    return _fit(votes.selected(votes.battles.winner < DECISIVE), ranks)


def _fit(votes: EncodedVotes, ranks: Ranks | None) -> ratings.Leaderboard | None:
    """The board of some votes, without valid ranks if none are asked for; None where they are too lopsided."""
    try:
        if ranks is None:
            return ratings.leaderboard(votes, ranks="intervals", cluster=None)
        return ratings.leaderboard(votes, ranks=ranks)
    except ratings.RatingsError:  # the board itself is no worse for it
        return None


def _neighbours(
    votes: EncodedVotes, plain: ratings.Leaderboard, voters: int
) -> tuple[list[dict[str, Any]], dict[str, str]]:
    """Each two neighbours at the top with the fewest votes that swap them, and why some of that is unknown."""
    if plain.fit is None or len(plain.fit.models) < 2:
        return [], {"neighbours": "Fewer than two models are rated."}
    searched = min(TOP - 1, VOTER_SEARCH // plain.votes)
    comparisons = votes.comparisons.restrict(plain.fit.models)
    try:
        table = ratings.adjacent_votes_to_flip(replace(comparisons, clusters=None), top=TOP)
        rows = records(table)
        for row in rows[:searched]:
            found = ratings.voters_to_flip(comparisons, row["better"], row["worse"])
            row["voters"] = len(found.voters) if found else None
    except ratings.RatingsError as error:  # votes too lopsided
        return [], {"neighbours": f"The search failed: {error}"}
    places = _places(plain, ranked=False)
    for row in rows:
        row["rank"] = places[row["better"]].rank
    totals = {"voters": voters} | dict.fromkeys(("drops", "flips", "adds"), plain.votes)
    return [_neighbour(row, totals) for row in rows], _unsearched(rows, searched)


def _unsearched(rows: Sequence[Any], searched: int) -> dict[str, str]:
    if len(rows) <= searched:
        return {}
    which = f"for the first {searched} pairs alone" if searched else "for no pair"
    return {"voters": f"Searched {which}: with so many votes the search would delay the board."}


def _neighbour(row: Mapping[Any, Any], totals: Mapping[str, int]) -> dict[str, Any]:
    found: dict[str, Any] = {
        "rank": row["rank"],
        "better": row["better"],
        "worse": row["worse"],
        "difference": round(row["gap"], 2),
    }
    for change in CHANGES:
        number = row.get(change)
        found[change] = number
        found[f"{change}_share"] = None if number is None else round(number / totals[change], 6)
    return found


def _bands(fitted: Fitted, unranked: Sequence[str]) -> list[dict[str, Any]]:
    """Each model rated on the plain board: its place by every method, and the outermost of them."""
    places = {
        name: _places(board, name not in unranked) for name, board in fitted.items() if board is not None
    }
    return [_band(model, {name: of.get(model) for name, of in places.items()}) for model in places["plain"]]


def _places(board: ratings.Leaderboard, ranked: bool) -> dict[str, Place]:
    rated = board.table[board.table.rating.notna()]
    shown = [round(float(rating), 2) for rating in rated.rating]
    columns = (rated[name] for name in ("model", "rank_lower", "rank_upper"))
    return {
        model: Place(
            rating=rating,
            rank=shown.index(rating) + 1,  # equal ratings share the best of their places
            rank_lower=int(lower) if ranked else None,
            rank_upper=int(upper) if ranked else None,
        )
        for rating, model, lower, upper in zip(shown, *columns, strict=True)
    }


def _band(model: str, places: Mapping[str, Place | None]) -> dict[str, Any]:
    known = [place for place in places.values() if place is not None]
    return {
        "model": model,
        "rating_lowest": min(place.rating for place in known),
        "rating_highest": max(place.rating for place in known),
        "rank_best": min(place.rank for place in known),
        "rank_worst": max(place.rank for place in known),
        "rank_lower": min(place.rank_lower for place in known if place.rank_lower),
        "rank_upper": max(place.rank_upper for place in known if place.rank_upper),
        "by_method": {name: None if place is None else vars(place) for name, place in places.items()},
    }
