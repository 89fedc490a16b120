"""What a race came to, and the tables that show it."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table


@dataclass(frozen=True, kw_only=True)
class Result:
    """Figures of each round, ours and the peer's taken in turns; no peer where only a limit was set.

    `ours_off` and `peer_off` are the largest distances from the exact ratings, in rating points; where there is no
    exact answer, `peer_off` is the distance between the two.
    """

    what: str
    votes: int
    models: int
    unit: str
    ours: tuple[float, ...]
    peer: tuple[float, ...] = ()
    peer_name: str = ""
    ratio_at_least: float = 0.0
    at_most: float = 0.0
    ours_off: float | None = None
    peer_off: float | None = None

    @property
    def ratio(self) -> float | None:
        """The peer's figure over ours, the median of the rounds; slow work has fewer, and its last stands for more."""
        if not self.peer:
            return None
        rounds = range(max(len(self.ours), len(self.peer)))
        ours, theirs = ([of[min(i, len(of) - 1)] for i in rounds] for of in (self.ours, self.peer))
        return median(np.divide(theirs, ours).tolist())

    @property
    def reached(self) -> bool | None:
        """Whether all goals were reached; None without one."""
        tests = []
        if self.ratio_at_least and self.ratio is not None:
            tests.append(self.ratio >= self.ratio_at_least)
        if self.at_most:
            tests.append(median(self.ours) <= self.at_most)
        return all(tests) if tests else None

    def as_dict(self) -> dict[str, Any]:
        return {**vars(self), "ratio": self.ratio, "reached": self.reached}


def show_results(results: Sequence[Result], console: Console) -> None:
    """Print one table for each size of data."""
    for votes, models in dict.fromkeys((row.votes, row.models) for row in results):
        table = Table("", "ours", "peer", "peer / ours", "goal", "", "ours off by", "peer off by", "peer is")
        table.title = f"{votes:,} votes on {models} models"
        for column in (*table.columns[1:5], *table.columns[6:8]):
            column.justify = "right"
        for row in results:
            if (row.votes, row.models) == (votes, models):
                table.add_row(*_cells(row))
        console.print(table)


def _cells(row: Result) -> tuple[str, ...]:
    verdict = {None: "", True: "reached", False: "missed"}[row.reached]
    ratio = "" if row.ratio is None else f"{row.ratio:,.1f}"
    peer = _figure(median(row.peer), row.unit) if row.peer else ""
    goals = [f">= {row.ratio_at_least:g}"] if row.ratio_at_least else []
    goals += [f"<= {_figure(row.at_most, row.unit)}"] if row.at_most else []
    return (
        row.what,
        _figure(median(row.ours), row.unit),
        peer,
        ratio,
        ", ".join(goals),
        verdict,
        _distance(row.ours_off),
        _distance(row.peer_off),
        row.peer_name,
    )


def _figure(value: float, unit: str) -> str:
    if unit == "s":
        return f"{value * 1000:.3g} ms" if value < 1 else f"{value:.3g} s"
    return f"{value:,.0f} {unit}"


def _distance(points: float | None) -> str:
    return "" if points is None else f"{points:.1g}"
