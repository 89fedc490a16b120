"""Write docs/chatbot-arena-2024-08.md from the real votes: `python -m docs.real_votes FOLDER`."""

import sys
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import orjson
import pandas as pd

from ratings import Comparisons, leaderboard
from ratings.held_out import held_out_log_loss
from ratings.influence import adjacent_votes_to_flip

DOCUMENT = Path(__file__).resolve().parent / "chatbot-arena-2024-08.md"
ANCHOR = ("mixtral-8x7b-instruct-v0.1", 1114.0)
SHOWN = 20
TIES = ("davidson", "rao-kupper", "grounded")

TEXT = """\
# 1.67 million real votes

Written by `python -m docs.real_votes FOLDER` from the votes of the public Chatbot Arena up to 14 August 2024:
{votes:,} votes on {models} models in {pairs:,} pairs, as counts per pair and outcome (shipped with leaderbot,
BSD-3-Clause), and the ratings published on 13 August 2024 (lmarena-history, MIT). The files themselves are not part
of this repository.

## The published ratings, reproduced

Half-win Bradley-Terry, with {anchor} at {rating:.0f} as in the publication: over the {common} models on
both lists the largest difference is {largest:.2f} points, the median {median:.3f}. The largest is at {rarest}, a model
with {rare_votes:,} votes, where the published solver had stopped early: ours is at the maximum, with a gradient below
{gradient:.0e} per vote.

## The first {shown}, and what is known about their order

*ranks* hold together for all models with 95 % confidence (step-down max-t on the differences); *from intervals* is
the rule that public arenas use, which claims more than it may. The last columns are ranks under other
models of a tie: Davidson, Rao-Kupper, and grounded Rao-Kupper, which keeps *both bad* apart.

{board}

Over all {models} models, Davidson moves a rank by at most {moved[davidson]}, Rao-Kupper by {moved[rao-kupper]},
the grounded model by {moved[grounded]}: it rates how good the answers are and not only which is better, and models were
shown in different years to different opponents and different prompts.

## How few votes would change the order

The fewest votes that reverse two neighbours: left out, turned round, or added. Each number is confirmed by fitting the
changed votes again.

{flips}

## Which model of ties predicts best

Mean of -log P(outcome) over votes that the model was not fitted to (five folds, in nats), on three outcomes: the first
wins, the second wins, neither. The standard error of a difference is paired, vote by vote. Votes are independent here:
the counts do not say who voted.

{losses}

Half wins say nothing about how often votes tie: the shape of ties they are given here, that of Rao-Kupper, was chosen
among five on these votes, so that they come as close to Rao-Kupper is no evidence for them.

On four outcomes, *tie* and *both bad* apart:

{four}
"""


def main(folder: Path) -> None:
    """Replace the document."""
    DOCUMENT.write_text(document(folder), encoding="utf-8")


def document(folder: Path) -> str:
    """The whole text, computed from the files in ``folder``."""
    comparisons = read_counts(folder / "counts.json")
    published = pd.read_csv(folder / "published_ratings.csv").set_index("model").rating
    board = leaderboard(comparisons, anchor=ANCHOR)
    rating = board.table.set_index("model").rating
    difference = (rating - published).dropna().abs()
    others = {ties: leaderboard(comparisons, ties=ties).table for ties in TIES}
    places = {ties: _places(table) for ties, table in others.items()}
    rng = np.random.default_rng(20_240_814)
    assert board.fit is not None
    return TEXT.format(
        votes=board.votes,
        models=len(board.table),
        pairs=len(comparisons.first),
        anchor=ANCHOR[0],
        rating=ANCHOR[1],
        common=len(difference),
        largest=difference.max(),
        median=difference.median(),
        rarest=difference.idxmax(),
        rare_votes=board.table.set_index("model").battles[difference.idxmax()],
        gradient=10 ** np.ceil(np.log10(max(board.fit.gradient_norm, 1e-14))),
        shown=SHOWN,
        board=_board(board.table, comparisons, published, places),
        moved={ties: int((place - _places(board.table)).abs().max()) for ties, place in places.items()},
        flips=_flips(adjacent_votes_to_flip(comparisons, top=SHOWN)),
        losses=_losses(held_out_log_loss(comparisons, rng=rng)),
        four=_losses(held_out_log_loss(comparisons, rng=rng, outcomes=4)),
    )


def read_counts(path: Path) -> Comparisons:
    """The counts of wins, losses, ties and both bad for each pair."""
    data = orjson.loads(path.read_bytes())
    first, second = np.array(data["X"]).T
    return Comparisons.from_counts(data["models"], first, second, np.array(data["Y"]))


def _places(table: pd.DataFrame) -> "pd.Series[int]":
    return pd.Series(range(1, len(table) + 1), index=table.model)


def _board(
    table: pd.DataFrame,
    comparisons: Comparisons,
    published: "pd.Series[float]",
    places: dict[str, "pd.Series[int]"],
) -> str:
    marginal = leaderboard(comparisons, anchor=ANCHOR, ranks="intervals").table
    rows = (
        [
            entry.model,
            f"{entry.rating:.1f}",
            f"± {(entry.upper - entry.lower) / 2:.1f}",
            f"{published[entry.model]:.1f}" if entry.model in published else "–",
            _ranks(entry.rank_lower, entry.rank_upper),
            _ranks(single.rank_lower, single.rank_upper),
            f"{entry.battles:,}",
            *(str(place[entry.model]) for place in places.values()),
        ]
        for entry, single in zip(
            table.head(SHOWN).itertuples(), marginal.head(SHOWN).itertuples(), strict=True
        )
    )
    head = [
        "model",
        "rating",
        "95 %",
        "published",
        "ranks",
        "from intervals",
        "votes",
        *(f"{name}" for name in places),
    ]
    return _markdown(head, rows)


def _ranks(best: int, worst: int) -> str:
    return str(best) if best == worst else f"{best}–{worst}"


def _flips(table: pd.DataFrame) -> str:
    rows = (
        [
            f"{row.rank}, {row.rank + 1}",
            row.better,
            row.worse,
            f"{row.gap:.2f}",
            *(f"{votes:,}" if pd.notna(votes) else "–" for votes in (row.drops, row.flips, row.adds)),
            f"{row.drop_share:.4%}" if pd.notna(row.drop_share) else "–",
        ]
        for row in table.itertuples()
    )
    head = ["places", "better", "worse", "gap", "left out", "turned round", "added", "left out, of all"]
    return _markdown(head, rows)


def _losses(table: pd.DataFrame) -> str:
    rows = (
        [row.model, f"{row.log_loss:.6f}", f"{row.difference:.6f}", f"{row.difference_error:.6f}"]
        for row in table.itertuples()
    )
    return _markdown(["model", "log loss", "behind the best", "standard error of that"], rows)


def _markdown(head: list[str], rows: Iterable[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
