"""Strengths and intervals from a table of battles, beside evalica on the same table of strings.

evalica is no dependency of ours: it is put into a temporary directory for the run, and left out with a word
when that does not work. Its Bradley-Terry gives strengths only, so it is also held against our point fit
alone; how far the two answers lie apart is measured with the times.
"""

import gc
import importlib
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from tempfile import TemporaryDirectory
from types import ModuleType

import numpy as np
import pandas as pd

from benchmarks.comparison import Comparison, Findings, Remark
from ratings import Comparisons, fit_bradley_terry, leaderboard, simulate

PEER = "evalica==0.4.2"
SIZES = ((100_000, 25), (1_500_000, 100))
SEED = 20_261_122
Strengths = dict[str, float]


@dataclass(frozen=True, kw_only=True)
class Reading:
    """Seconds of one round."""

    leaderboard: float
    point: float
    peer: float


def measure(rounds: int) -> Findings:
    """Our whole leaderboard and our point fit, each beside evalica's point fit."""
    with _evalica() as evalica:
        if evalica is None:
            remark = f"{PEER} could not be installed, so there is nothing to compare with."
            return Findings(comparisons=(), remarks=[Remark(benchmark="ratings", text=remark)])
        found = [_at_size(evalica, battles, models, rounds) for battles, models in SIZES]
    return Findings(
        comparisons=[row for findings in found for row in findings.comparisons],
        remarks=[remark for findings in found for remark in findings.remarks],
    )


@contextmanager
def _evalica() -> Iterator[ModuleType | None]:
    """The peer, imported from a directory that is gone afterwards."""
    with TemporaryDirectory(prefix="arena-peers-") as directory:
        command = (
            sys.executable,
            "-m",
            "pip",
            "install",
            "--quiet",
            "--no-deps",
            "--target",
            directory,
            PEER,
        )
        if subprocess.run(command, capture_output=True, check=False).returncode:
            yield None
            return
        sys.path.insert(0, directory)
        try:
            yield importlib.import_module("evalica")
        finally:
            sys.path.remove(directory)


def _at_size(evalica: ModuleType, battles: int, models: int, rounds: int) -> Findings:
    rng = np.random.default_rng(SEED)
    strengths = simulate.simulate_strengths(rng, models=models)
    table = simulate.simulate_battles(rng, strengths=strengths, battles=battles).drop(columns="voter")
    readings = [_round(evalica, table) for _ in range(rounds)]
    apart = _apart(our_point_fit(table), peer_point_fit(evalica, table))
    remark = f"{battles:,} battles: no strength differs from evalica's by more than {apart:.1g} (natural log-odds)."
    return Findings(
        comparisons=_compared(f"{battles:,} battles of {models} models", readings),
        remarks=[Remark(benchmark="ratings", text=remark)],
    )


def _round(evalica: ModuleType, table: pd.DataFrame) -> Reading:
    return Reading(
        leaderboard=_seconds(lambda: leaderboard(table)),
        peer=_seconds(lambda: peer_point_fit(evalica, table)),
        point=_seconds(lambda: our_point_fit(table)),
    )


def our_point_fit(table: pd.DataFrame) -> Strengths:
    """Strengths by name, mean zero."""
    comparisons = Comparisons.from_battles(table)
    fit = fit_bradley_terry(comparisons)
    return dict(zip(comparisons.models, fit.strengths.tolist(), strict=True))


def peer_point_fit(evalica: ModuleType, table: pd.DataFrame) -> Strengths:
    """The same from evalica, whose labels and scale are its own."""
    label = evalica.Winner
    labels = {"model_a": label.X, "model_b": label.Y, "tie": label.Draw, "both_bad": label.Draw}
    winners = table["winner"].map(labels).tolist()
    scores = evalica.bradley_terry(
        table["model_a"], table["model_b"], winners, tolerance=1e-10, limit=1000
    ).scores
    strengths = np.log(scores)
    return {str(name): float(value) for name, value in (strengths - strengths.mean()).items()}


def _apart(ours: Strengths, peer: Strengths) -> float:
    return max(abs(ours[name] - peer[name]) for name in ours)


def _seconds(work: Callable[[], object]) -> float:
    gc.collect()
    began = time.process_time()
    work()
    return time.process_time() - began


def _compared(table: str, readings: list[Reading]) -> list[Comparison]:
    def row(what: str, ours: Callable[[Reading], float]) -> Comparison:
        return Comparison(
            benchmark="ratings",
            what=f"{table}: {what}",
            unit="CPU s",
            ours=tuple(map(ours, readings)),
            peer=tuple(reading.peer for reading in readings),
            peer_name=f"{PEER}, point fit",
        )

    return [
        row("leaderboard with sandwich intervals", lambda reading: reading.leaderboard),
        row("point fit", lambda reading: reading.point),
    ]
