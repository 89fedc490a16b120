"""A figure of ours beside a peer's, round by round, and the table that shows them."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.ratings.results import Result, show_results


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """What ours and the peer needed in each round; equal positions were measured in the same round."""

    benchmark: str
    what: str
    unit: str
    ours: tuple[float, ...]
    peer: tuple[float, ...]
    peer_name: str

    def __post_init__(self) -> None:
        if len(self.ours) != len(self.peer) or not self.ours:
            raise ValueError(f"{self.what}: {len(self.ours)} rounds of ours, {len(self.peer)} of the peer")

    @property
    def ratio(self) -> float | None:
        """Ours over the peer's, the median of the rounds; None where the peer's figure is too small to divide by."""
        if min(self.peer) <= 0:
            return None
        return median(ours / peer for ours, peer in zip(self.ours, self.peer, strict=True))

    @property
    def added(self) -> float:
        """Ours minus the peer's, the median of the rounds."""
        return median(ours - peer for ours, peer in zip(self.ours, self.peer, strict=True))

    def as_dict(self) -> dict[str, Any]:
        return {**vars(self), "ratio": self.ratio, "added": self.added}


@dataclass(frozen=True, kw_only=True)
class Remark:
    """Something a reader of the figures must know: a peer that was missing, a check that was made."""

    benchmark: str
    text: str


@dataclass(frozen=True, kw_only=True)
class Findings:
    """What one benchmark found."""

    comparisons: Sequence[Comparison] = ()
    results: Sequence[Result] = ()
    remarks: Sequence[Remark] = ()


def show(findings: Findings, console: Console) -> None:
    """Print tables with the medians, and what has to be said beside them."""
    if findings.comparisons:
        _show_comparisons(findings.comparisons, console)
    show_results(findings.results, console)
    for remark in findings.remarks:
        console.print(f"{remark.benchmark}: {remark.text}", highlight=False)


def _show_comparisons(comparisons: Sequence[Comparison], console: Console) -> None:
    table = Table("", "measured", "unit", "ours", "peer", "ours / peer", "ours - peer", "peer is")
    for column in table.columns[3:7]:
        column.justify = "right"
    previous = None
    for row in comparisons:
        if previous not in (None, row.benchmark):
            table.add_section()
        name = "" if row.benchmark == previous else row.benchmark
        table.add_row(name, row.what, row.unit, *_figures(row), row.peer_name)
        previous = row.benchmark
    console.print(table)


def _figures(row: Comparison) -> tuple[str, str, str, str]:
    ratio = "" if row.ratio is None else f"{row.ratio:.2f}"
    return _short(median(row.ours)), _short(median(row.peer)), ratio, _short(row.added)


def _short(value: float) -> str:
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"
