"""T8: votes to flip are confirmed by refits, as few as exhaustive search finds, and quickly found."""

import json
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
import pandas as pd
import pytest

from ratings import RATING_PER_STRENGTH, WINNERS, Comparisons, fit_bradley_terry, simulate
from ratings.influence import VoteChange, adjacent_votes_to_flip, votes_to_flip
from tests.statistics.findings import UNSEEN, Finding, Report
from tests.unit.ratings.exhaustive import SmallBoard

Kind = Literal["drop", "flip", "add"]
PUBLISHED = {1: 489, 6: 101}
"""Drops that an earlier search found for neighbours of the real board, by the rank of the better one."""


def excesses(kind: Kind, *, boards: int, seed: int) -> Counter[int | None]:
    """Count by how many votes our set exceeds the smallest one.

    None: we found none, and there is one; below 0: ours does not reverse the two, whatever set of its size does.
    """
    rng = np.random.default_rng(seed)
    found: Counter[int | None] = Counter()
    while found.total() < boards:
        board = SmallBoard.draw(rng, models=int(rng.integers(2, 5)), votes=int(rng.integers(6, 26)))
        comparisons = board.comparisons()
        if comparisons.strongly_connected() != (tuple(f"m{number}" for number in range(board.models)),):
            continue
        fit = fit_bradley_terry(comparisons)
        order = np.argsort(-fit.strengths, kind="stable")
        rank = int(rng.integers(1, board.models))
        better, worse = (int(place) for place in order[rank - 1 : rank + 1])
        if fit.strengths[better] - fit.strengths[worse] < 1e-6:
            continue
        change = getattr(votes_to_flip(comparisons, f"m{better}", f"m{worse}"), f"{kind}s")
        try:
            smallest = board.fewest(kind, better, worse, most=change.votes if change else 6)
        except OverflowError:
            continue
        if change is None:
            found[None if smallest else 0] += 1
        elif smallest is None or not _reverses(comparisons, change, kind, f"m{better}", f"m{worse}"):
            found[-1] += 1
        else:
            found[change.votes - smallest] += 1
    return found


def _reverses(comparisons: Comparisons, change: VoteChange, kind: Kind, better: str, worse: str) -> bool:
    return change.votes == change.cells.votes.sum() and (
        refitted_gap(comparisons, change, f"{kind}s", better, worse) < 0
    )


def refitted_gap(comparisons: Comparisons, change: VoteChange, kind: str, better: str, worse: str) -> float:
    """Carry out a change on the table of votes, and fit it through the public path."""
    pair, winner = np.nonzero(comparisons.counts)
    models = np.array(comparisons.models, dtype=object)
    table = pd.DataFrame(
        {
            "model_a": models[comparisons.first[pair]],
            "model_b": models[comparisons.second[pair]],
            "winner": np.array(WINNERS, dtype=object)[winner],
            "count": comparisons.counts[pair, winner],
        }
    )
    cells = change.cells.rename(columns={"votes": "count"})
    if kind != "adds":
        keys = ["model_a", "model_b", "winner"]
        taken = cells.groupby(keys)["count"].sum().rename("taken").reset_index()
        table = table.merge(taken, on=keys, how="left")
        table["count"] -= table.pop("taken").fillna(0).astype(int)
    if kind == "flips":
        cells = cells.drop(columns="winner").rename(columns={"new_winner": "winner"})
    if kind != "drops":
        table = pd.concat([table, cells])
    changed = Comparisons.from_battles(table)
    (group,) = (group for group in changed.strongly_connected() if {better, worse} <= set(group))
    fit = fit_bradley_terry(changed.restrict(group))
    return RATING_PER_STRENGTH * float(
        fit.strengths[fit.models.index(better)] - fit.strengths[fit.models.index(worse)]
    )


def refits(comparisons: Comparisons, *, top: int) -> list[float]:
    """The gaps after each reported change among the top models, all of which must be below 0."""
    order = np.argsort(-fit_bradley_terry(comparisons).strengths, kind="stable")[:top]
    names = [comparisons.models[place] for place in order]
    gaps = []
    for better, worse in zip(names[:-1], names[1:], strict=True):
        found = votes_to_flip(comparisons, better, worse)
        for kind in ("drops", "flips", "adds"):
            change = getattr(found, kind)
            if change is not None:
                gaps.append(refitted_gap(comparisons, change, kind, better, worse))
    return gaps


def real_board(folder: Path) -> Comparisons:
    data = json.loads((folder / "chatbot-arena-2024-08" / "counts.json").read_text())
    models = np.array(data["models"], dtype=object)
    pairs = np.repeat(np.array(data["X"]), len(WINNERS), axis=0)
    return Comparisons.from_battles(
        pd.DataFrame(
            {
                "model_a": models[pairs[:, 0]],
                "model_b": models[pairs[:, 1]],
                "winner": list(WINNERS) * len(data["X"]),
                "count": np.array(data["Y"]).ravel(),
            }
        )
    )


def simulated_board(*, models: int, votes: int) -> Comparisons:
    rng = np.random.default_rng(81)
    strengths = simulate.simulate_strengths(rng, models=models)
    return Comparisons.from_battles(simulate.simulate_battles(rng, strengths=strengths, battles=votes))


def report(
    folder: Path, *, boards: int, models: int, votes: int, seed: int, most_seconds: float = np.inf
) -> Report:
    findings = []
    for kind in get_args(Kind):
        excess = excesses(kind, boards=boards, seed=seed)
        words = {None: "none found", -1: "too few to reverse them", 0: "as few"}
        tally = ", ".join(
            f"{number} boards {words.get(size, f'{size} more')}"
            for size, number in sorted(excess.items(), key=lambda item: (item[0] is None, item[0]))
        )
        within = excess[0] + excess[1]
        findings.append(
            Finding(
                claim=f"fewest votes to {kind}, against trying all sets",
                measured=tally,
                bound="within 1 vote on every board",
                holds=within == boards,
            )
        )
    large, real = simulated_board(models=models, votes=votes), real_board(folder)
    start = time.process_time()
    adjacent_votes_to_flip(large, top=20)
    seconds = time.process_time() - start
    gaps = [*refits(large, top=20), *refits(real, top=20)]
    findings += [
        Finding(
            claim="a refit confirms every reported set, simulated and real",
            measured=f"{sum(gap < 0 for gap in gaps)} of {len(gaps)}",
            bound="all",
            holds=bool(max(gaps) < 0),
        ),
        Finding(
            claim=f"processor time for 19 neighbours, {models} models, {votes:,} votes",
            measured=f"{seconds:.1f} s",
            bound=f"below {most_seconds:g} s",
            holds=bool(seconds < most_seconds),
        ),
    ]
    table = adjacent_votes_to_flip(real, top=11)
    for row in table.itertuples():
        bound = PUBLISHED.get(int(row.rank))  # type: ignore[arg-type]
        findings.append(
            Finding(
                claim=f"Chatbot Arena, August 2024: {row.better} over {row.worse}, {row.gap:.1f} points",
                measured=f"drop {row.drops} ({row.drop_share:.4%}), flip {row.flips}, add {row.adds}",
                bound=f"at most {bound} drops" if bound else "no bound",
                holds=bound is None or bool(row.drops <= bound),  # type: ignore[operator]
            )
        )
    return Report(
        test="T8",
        title="Votes to flip",
        world=(
            f"{boards} boards of 2 to 4 models and 6 to 25 votes for each search, against all sets of votes; "
            f"a uniform board of {models} models and {votes:,} votes; the 1,670,250 votes of the public "
            "Chatbot Arena of August 2024."
        ),
        findings=findings,
    )


@pytest.mark.parametrize("kind", get_args(Kind))
def test_a_set_that_is_too_small_is_noticed(kind: Kind, monkeypatch: pytest.MonkeyPatch) -> None:
    honest = votes_to_flip

    def one_too_few(*arguments: Any) -> Any:
        found = honest(*arguments)
        change = getattr(found, f"{kind}s")
        if change is None:
            return found
        cells = change.cells.assign(votes=change.cells.votes - (change.cells.index == change.cells.index[0]))
        return replace(found, **{f"{kind}s": replace(change, votes=change.votes - 1, cells=cells)})

    whole = excesses(kind, boards=10, seed=80)
    monkeypatch.setattr(f"{__name__}.votes_to_flip", one_too_few)
    shaved = excesses(kind, boards=10, seed=80)
    assert whole[-1] == 0
    assert shaved[-1] >= 7


def test_votes_to_flip_on_few_boards(real_data: Path) -> None:
    report(real_data, boards=10, models=40, votes=20_000, seed=80).check()


@pytest.mark.statistics
@pytest.mark.timeout(900)
def test_votes_to_flip(real_data: Path) -> None:
    found = report(real_data, boards=1000, models=200, votes=2_000_000, seed=UNSEEN, most_seconds=5)
    found.save()
    found.check()
