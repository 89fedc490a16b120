"""`python -m benchmarks`: run all benchmarks, or those named, and print one table."""

import os
from collections.abc import Callable
from functools import partial
from pathlib import Path
from platform import machine, python_version, system
from typing import Annotated

import orjson
import typer
from rich.console import Console

from benchmarks import feed, streaming, votes
from benchmarks.comparison import Findings, show
from benchmarks.ratings.measure import GRID
from benchmarks.ratings.measure import measure as measure_ratings

BENCHMARKS: dict[str, Callable[[int], Findings]] = {
    "streaming": streaming.measure,
    "votes": votes.measure,
    "feed": feed.measure,
    "ratings": measure_ratings,
}
ON_REQUEST: dict[str, Callable[[int], Findings]] = {
    "ratings-grid": partial(measure_ratings, sizes=GRID),
}
KNOWN = BENCHMARKS | ON_REQUEST
console = Console(width=165)


def main(
    names: Annotated[
        list[str] | None,
        typer.Argument(help=f"Any of {', '.join(KNOWN)}; by default {', '.join(BENCHMARKS)}."),
    ] = None,
    rounds: Annotated[int, typer.Option(min=1, help="How often each pair is measured, in turns.")] = 3,
    json: Annotated[Path | None, typer.Option(help="Also write every round's figures to this file.")] = None,
) -> None:
    """Measure Arena beside its peers in one run."""
    chosen = names or list(BENCHMARKS)
    if unknown := [name for name in chosen if name not in KNOWN]:
        raise typer.BadParameter(f"no benchmark {', '.join(unknown)}; there are {', '.join(KNOWN)}.")
    found = [_run(name, rounds) for name in chosen]
    together = Findings(
        comparisons=[row for findings in found for row in findings.comparisons],
        results=[row for findings in found for row in findings.results],
        remarks=[remark for findings in found for remark in findings.remarks],
    )
    console.print(f"\n{_machine()}; medians of {rounds} rounds taken in turns.")
    show(together, console)
    if json is not None:
        json.write_bytes(_as_json(together, rounds))


def _run(name: str, rounds: int) -> Findings:
    console.print(f"{name} …")
    return KNOWN[name](rounds)


def _machine() -> str:
    return f"{system()} {machine()}, {os.cpu_count()} cores, Python {python_version()}"


def _as_json(findings: Findings, rounds: int) -> bytes:
    report = {
        "machine": _machine(),
        "cores": os.cpu_count(),
        "rounds": rounds,
        "comparisons": [row.as_dict() for row in findings.comparisons],
        "results": [row.as_dict() for row in findings.results],
        "remarks": [vars(remark) for remark in findings.remarks],
    }
    return orjson.dumps(report, option=orjson.OPT_INDENT_2)


if __name__ == "__main__":
    typer.run(main)
