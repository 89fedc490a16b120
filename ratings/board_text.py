"""What the command line prints: boards, comparisons and plans as plain text."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from ratings.board_comparison import BoardComparison
from ratings.few_votes import FEW_VOTES
from ratings.leaderboard import Leaderboard
from ratings.planning import DifferencePlan
from ratings.text_tables import Column, decimals, format_table, shorten_all, whole, wrap
from ratings.ties import TiesFit

_PERIODS_SHOWN = 6
_MODELS_IN_HISTORY = 20

_NAMES = {
    "half": "ties as half wins",
    "rao-kupper": "ties by Rao-Kupper",
    "davidson": "ties by Davidson",
    "grounded": "ties and both bad by the grounded model",
}
_TIE_PARAMETERS = {"rao-kupper": "eta", "davidson": "log nu", "grounded": "eta"}
_GROUND = "the model's zero: even odds of not being called bad beside a worthless opponent"
_INTERVALS = {"sandwich": "intervals", "bootstrap": "bootstrap intervals"}
_RANKS = {
    "simultaneous": "all ranks hold together",
    "anytime": "all ranks hold together at every look",
    "intervals": "ranks of single intervals",
}


def describe_board(board: Leaderboard, *, width: int) -> str:
    """Write a leaderboard: how it was made, its table, and who has no rating and why."""
    columns = {
        "ranks": Column(heading="ranks"),
        "model": Column(heading="model", left=True),
        **{name: Column(heading=name, write=decimals(1)) for name in ("rating", "lower", "upper")},
        "battles": Column(heading="battles", write=whole),
        "win_rate": Column(heading="win_rate", write=decimals(3)),
    }
    ranks = zip(board.table.rank_lower, board.table.rank_upper, strict=True)
    table = board.table.assign(ranks=[_ranks(*bounds) for bounds in ranks])
    lines = [*wrap_words(describe_method(board), width=width), ""]
    lines.append(format_table(table, columns, width=width, flexible="model") if len(table) else "(no models)")
    if widening := _widening(board):
        lines += ["", *wrap_words(widening, width=width)]
    if board.coefficients is not None:
        lines += ["", *_coefficients(board.coefficients, width)]
    if board.unrated:
        lines += ["", "Not rated:", *(f"  {name}: {reason}" for name, reason in board.unrated.items())]
    return "\n".join(lines)


def _counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _widening(board: Leaderboard) -> str:
    """Say that models with few votes widen the intervals of all, where these are of differences from the mean."""
    parameters = board.method["parameters"]
    rated = board.table[board.table.rating.notna()]
    few = rated.model[rated.battles < FEW_VOTES]
    if len(few) in (0, len(rated)) or parameters["anchor"] or parameters.get("ties") == "grounded":
        return ""
    named = f"{few.iloc[0]} has" if len(few) == 1 else f"{len(few)} models have"
    return (
        f"{named} fewer than {FEW_VOTES} votes. Ratings are told from the mean of all models, so this widens every "
        "interval; --anchor MODEL=RATING tells them from one model instead."
    )


def describe_method(board: Leaderboard) -> str:
    """Say in one sentence what was computed."""
    parameters = board.method["parameters"]
    cluster = parameters.get("cluster")
    dependence = f"votes clustered by {cluster}" if cluster else "independent votes"
    ties = str(parameters.get("ties", "half"))
    counts = f"{_counted(board.votes, 'vote')}, {_counted(len(board.table), 'model')}"
    parts = [f"{counts}; Bradley-Terry, {_NAMES.get(ties, ties)}"]
    if isinstance(board.fit, TiesFit):
        parts[0] += f" ({_TIE_PARAMETERS[ties]} = {board.fit.tie_parameter:.3f})"
    controlled = [*parameters.get("style", ()), *(["side"] if parameters.get("side_bias") else [])]
    if controlled:
        parts.append(f"at equal {' and '.join(controlled)}")
    parts.append(f"{parameters['confidence']:.0%} {_INTERVALS[parameters['intervals']]}, {dependence}")
    parts.append(_RANKS[parameters["ranks"]])
    parts.append(_scale(parameters))
    return ", ".join(parts)


def _scale(parameters: Mapping[str, Any]) -> str:
    if parameters["anchor"]:
        name, rating = parameters["anchor"]
        return f"{name} at {rating:g}"
    centre = f"{parameters['centre']:g}"
    return f"{centre} is {_GROUND}" if parameters["ties"] == "grounded" else f"mean {centre}"


def _coefficients(coefficients: pd.DataFrame, width: int) -> list[str]:
    columns = {"name": Column(heading="effect", left=True)}
    columns |= {
        name: Column(heading=heading, write=decimals(4, signed=True))
        for name, heading in (("coefficient", "coefficient"), ("lower", "lower"), ("upper", "upper"))
    }
    heading = (
        "What style is worth, in natural log-odds per standard deviation (side: for standing on side a):"
    )
    return [
        *wrap_words(heading, width=width),
        "",
        format_table(coefficients, columns, width=width, flexible="name"),
    ]


def describe_history(history: pd.DataFrame, every: str, *, width: int) -> str:
    """Write the newest ratings of the best models, one column a period."""
    if history.empty:
        return f"No {every} had two models that could be rated."
    dates = sorted(history["date"].unique())
    shown = dates[-_PERIODS_SHOWN:]
    newest = history[history["date"] == dates[-1]].sort_values("rating", ascending=False, kind="stable")
    models = newest.model.head(_MODELS_IN_HISTORY)
    pivot = history[history["date"].isin(shown)].pivot(index="model", columns="date", values="rating")
    table = pivot.reindex(models).reset_index()
    labels = {date: f"{pd.Timestamp(date):%Y-%m-%d}" for date in shown}
    columns = {"model": Column(heading="model", left=True)}
    columns |= {label: Column(heading=label, write=decimals(1)) for label in labels.values()}
    heading = (
        f"Ratings, ties as half wins, at the end of the last {len(shown)} of {len(dates)} {every}s with votes"
    )
    if len(newest) > len(models):
        heading += f", best {len(models)} of {len(newest)} models"
    table.columns = pd.Index([labels.get(name, name) for name in table.columns])
    lines = [*wrap_words(f"{heading}:", width=width), ""]
    return "\n".join(lines) + "\n" + format_table(table, columns, width=width, flexible="model")


def describe_comparison(comparison: BoardComparison, names: Sequence[str], *, width: int) -> str:
    """Write what moved from the first to the second board."""
    first, second = shorten_all(names, width - 46)
    clusters = [f"clustered by {name}" if name else "independent" for name in comparison.cluster]
    lines = [
        f"first:  {first}: {comparison.votes[0]:,} votes, {clusters[0]}",
        f"second: {second}: {comparison.votes[1]:,} votes, {clusters[1]}",
        *wrap_words(
            f"{len(comparison.table)} models in both, both with mean 1000; correlation of ratings "
            f"{_number(comparison.correlation)}, of ranks {_number(comparison.rank_correlation)} (Kendall); "
            f"{comparison.confidence:.0%} intervals of the change, "
            f"* = moved, all such claims together at {comparison.confidence:.0%}",
            width=width,
        ),
        "",
    ]
    columns = {
        "second_rank": Column(heading="rank", write=whole),
        "first_rank": Column(heading="was", write=whole),
        "model": Column(heading="model", left=True),
        "second": Column(heading="rating", write=decimals(1)),
        "difference": Column(heading="change", write=decimals(1, signed=True)),
        "lower": Column(heading="lower", write=decimals(1, signed=True)),
        "upper": Column(heading="upper", write=decimals(1, signed=True)),
        "moved": Column(heading="", write=lambda moved: "*" if moved else ""),
    }
    lines.append(format_table(comparison.table, columns, width=width, flexible="model"))
    for label, only in (("first", comparison.only_first), ("second", comparison.only_second)):
        if only:
            lines += ["", f"Rated only in the {label}:", wrap(only, width=width)]
    return "\n".join(lines)


def describe_plan(plan: pd.DataFrame, *, confidence: float, power: float, width: int) -> str:
    """Write which pairs are told apart, and how many votes the others take."""
    votes = int(plan.votes.iloc[0])
    claims = f"all {len(plan)} orders together" if len(plan) > 1 else "the order"
    lines = wrap_words(
        f"{votes:,} votes so far. Votes until {claims} can be stated at {confidence:.0%} confidence, each with "
        f"{power:.0%} power, if the fitted differences are the true ones and traffic, ties and voters stay:",
        width=width,
    )
    lines += ["", _plan_table(plan, width)]
    if len(plan) > 1 and plan.votes_needed.notna().all():
        hardest = plan.sort_values("votes_needed", kind="stable").iloc[-1]
        more = max(int(hardest.votes_needed) - votes, 0)
        lines += [
            "",
            *wrap_words(
                f"All of them: {int(hardest.votes_needed):,} votes in all, {more:,} more; the closest pair is "
                f"{hardest.better} and {hardest.worse}.",
                width=width,
            ),
        ]
    return "\n".join(lines)


def _plan_table(plan: pd.DataFrame, width: int) -> str:
    numbers = {
        "difference": Column(heading="points", write=decimals(1)),
        "separated": Column(heading="told", write=lambda told: "yes" if told else "no"),
        "votes_needed": Column(heading="in all", write=whole),
        "direct_votes_needed": Column(heading="or on the pair", write=whole),
    }
    better = Column(heading="better", left=True)
    if len(plan) > 1 and plan.worse[:-1].tolist() == plan.better[1:].tolist():
        # Each model against the next line's.
        last = pd.DataFrame({"better": [plan.worse.iloc[-1]]})
        return format_table(
            pd.concat([plan, last]), {"better": better, **numbers}, width=width, flexible="better"
        )
    room = (width - 48) // 2
    shown = shorten_all([str(name) for name in [*plan.better, *plan.worse]], room)
    names = {"better": shown[: len(plan)], "worse": shown[len(plan) :]}
    columns = {"better": better, "worse": Column(heading="worse", left=True), **numbers}
    return format_table(plan.assign(**names), columns, width=width, flexible="better")


def describe_difference(
    difference: float,
    direct: int,
    board: int | None,
    models: int | None,
    options: Mapping[str, Any],
    *,
    width: int,
) -> str:
    """Write how many votes a difference takes without any votes at hand."""
    lines = wrap_words(
        f"To tell two models {abs(difference):g} points apart at {options['confidence']:.0%} confidence with "
        f"{options['power']:.0%} power, {options['tie_rate']:.0%} ties and design effect "
        f"{options['design_effect']:g}:",
        width=width,
    )
    lines.append(f"  {direct:>14,}  votes between the two")
    if board is not None:
        lines.append(f"  {board:>14,}  votes in all on a board of {models} models, all pairs equally often")
    return "\n".join(lines)


def describe_difference_plan(plan: DifferencePlan, *, confidence: float, power: float, width: int) -> str:
    """Write how many votes a difference takes on the board as it is."""
    lines = wrap_words(
        f"To tell two models {plan.difference:g} points apart at {confidence:.0%} confidence with {power:.0%} power, "
        f"on a board like this one ({plan.models} models, {plan.votes:,} votes, {plan.tie_rate:.1%} ties, design "
        f"effect {plan.design_effect:.2f} by voters):",
        width=width,
    )
    lines.append(f"  {plan.direct_votes_needed:>14,}  votes between the two")
    lines.append(f"  {plan.votes_needed:>14,}  votes in all with today's traffic, for the median pair")
    return "\n".join(lines)


def wrap_words(text: str, *, width: int) -> list[str]:
    """Break a sentence into lines."""
    lines = [""]
    for word in text.split():
        if lines[-1] and len(lines[-1]) + 1 + len(word) > width:
            lines.append("")
        lines[-1] += f" {word}" if lines[-1] else word
    return lines


def _ranks(lower: Any, upper: Any) -> str:
    if pd.isna(lower):
        return "-"
    return str(lower) if lower == upper else f"{lower}-{upper}"


def _number(value: float) -> str:
    return f"{value:.3f}" if math.isfinite(value) else "-"
