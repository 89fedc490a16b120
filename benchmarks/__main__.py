"""`python -m benchmarks`: run all benchmarks, or those named, and print one table."""

import os
import re
from collections.abc import Callable
from functools import partial
from pathlib import Path
from platform import machine, python_version, system
from typing import Annotated, Any

import orjson
import typer
from rich.console import Console

from benchmarks import boards, export, feed, imports, streaming, verify, votes
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
    "boards": boards.measure,
    "verify": verify.measure,
    "imports": imports.measure,
    "export": export.measure,
    "ratings-grid": partial(measure_ratings, sizes=GRID),
}
KNOWN = BENCHMARKS | ON_REQUEST
RATINGS = {"ratings", "ratings-grid"}
OF_DATASETS = {"imports"}
console = Console(width=165)


def main(
    names: Annotated[
        list[str] | None,
        typer.Argument(help=f"Any of {', '.join(KNOWN)}; by default {', '.join(BENCHMARKS)}."),
    ] = None,
    rounds: Annotated[int, typer.Option(min=1, help="How often each pair is measured, in turns.")] = 3,
    json: Annotated[Path | None, typer.Option(help="Also write every round's figures to this file.")] = None,
    only: Annotated[
        list[str] | None,
        typer.Option(help="Of ratings, only races whose description holds this text; may be repeated."),
    ] = None,
    size: Annotated[
        list[str] | None,
        typer.Option(
            help="Of ratings, these votes and models instead, such as 10000000x100; may be repeated."
        ),
    ] = None,
    dataset_votes: Annotated[
        int | None,
        typer.Option("--votes", min=1, help=f"Of {', '.join(sorted(OF_DATASETS))}, how many votes."),
    ] = None,
    battles: Annotated[
        int | None, typer.Option(min=1000, help="Of export, so many battles in place of a million.")
    ] = None,
) -> None:
    """Measure Arena beside its peers in one run."""
    chosen = names or list(BENCHMARKS)
    if unknown := [name for name in chosen if name not in KNOWN]:
        raise typer.BadParameter(f"no benchmark {', '.join(unknown)}; there are {', '.join(KNOWN)}.")
    options = _ratings_options(only, size)
    if options and set(chosen) - RATINGS:
        raise typer.BadParameter(f"--only and --size are for {', '.join(sorted(RATINGS))}: name one of them.")
    if dataset_votes is not None:
        if set(chosen) - OF_DATASETS:
            raise typer.BadParameter(f"--votes is for {', '.join(sorted(OF_DATASETS))}: name one of them.")
        options["votes"] = dataset_votes
    if battles is not None and set(chosen) != {"export"}:
        raise typer.BadParameter("--battles is for export: name it alone.")
    if battles is not None:
        options["battles"] = battles
    found = [_run(name, rounds, options) for name in chosen]
    together = Findings(
        comparisons=[row for findings in found for row in findings.comparisons],
        results=[row for findings in found for row in findings.results],
        remarks=[remark for findings in found for remark in findings.remarks],
    )
    console.print(f"\n{_machine()}; medians of {rounds} rounds taken in turns.")
    show(together, console)
    if json is not None:
        json.write_bytes(_as_json(together, rounds))


def _run(name: str, rounds: int, options: dict[str, Any]) -> Findings:
    console.print(f"{name} …")
    return partial(KNOWN[name], **options)(rounds)


def _ratings_options(only: list[str] | None, sizes: list[str] | None) -> dict[str, Any]:
    options: dict[str, Any] = {"only": only} if only else {}
    if sizes:
        if wrong := [size for size in sizes if not re.fullmatch(r"[0-9]+x[0-9]+", size)]:
            raise typer.BadParameter(f"the size {wrong[0]!r} is not votes x models, such as 1500000x100.")
        options["sizes"] = [tuple(int(number) for number in size.split("x")) for size in sizes]
    return options


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
