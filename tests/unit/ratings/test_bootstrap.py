import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import optimize

from ratings import (
    Comparisons,
    DisconnectedComparisonsError,
    InvalidOptionError,
    fit_bradley_terry,
    rating_intervals,
    sandwich,
    simulate,
)
from ratings.arrays import FloatArray
from ratings.bootstrap import _Boards, bootstrap
from tests.unit.ratings.tables import battles, random_battles


def simulated(seed: int, *, models: int = 6, rows: int = 3000, **world: float) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    strengths = simulate.simulate_strengths(rng, models=models, spread=0.5)
    return simulate.simulate_battles(rng, strengths=strengths, battles=rows, voters=300, **world)


def standard_errors(covariance: FloatArray) -> FloatArray:
    return np.sqrt(np.diag(covariance))


def slow_bootstrap(table: pd.DataFrame, rounds: int, *, by_voter: bool, ridge: float = 0.0) -> FloatArray:
    """Resample rows, or all rows of a voter, and fit every table from scratch."""
    rng = np.random.default_rng(9)
    groups = (
        list(table.groupby("voter").indices.values()) if by_voter else [[row] for row in range(len(table))]
    )
    strengths = []
    for _ in range(rounds):
        rows = np.concatenate([groups[number] for number in rng.integers(len(groups), size=len(groups))])
        strengths.append(fit_bradley_terry(Comparisons.from_battles(table.iloc[rows]), ridge=ridge).strengths)
    return np.array(strengths)


@pytest.mark.parametrize("by_voter", [False, True])
def test_agrees_with_resampling_the_rows(by_voter: bool) -> None:
    table = simulated(1, models=4, rows=600, taste=1.0, activity_exponent=0.7)
    comparisons = Comparisons.from_battles(table, cluster="voter")
    boards = bootstrap(comparisons, 4000, np.random.default_rng(2), cluster="voter" if by_voter else None)
    slow = slow_bootstrap(table, 150, by_voter=by_voter)
    # 150 rounds know a standard deviation to 6 %, and a mean to 8 % of one.
    ratio = slow.std(axis=0) / boards.strengths.std(axis=0)
    assert np.abs(ratio - 1).max() < 0.2
    shift = slow.mean(axis=0) - boards.strengths.mean(axis=0)
    assert np.abs(shift / boards.strengths.std(axis=0)).max() < 0.3


@pytest.mark.parametrize("cluster", [None, "voter"])
def test_agrees_with_the_sandwich(cluster: str | None) -> None:
    table = simulated(3, rows=8000, taste=0.8)
    comparisons = Comparisons.from_battles(table, cluster="voter")
    boards = bootstrap(comparisons, 2000, np.random.default_rng(4), cluster=cluster)
    fit = fit_bradley_terry(comparisons)
    covariance = sandwich(fit, comparisons, cluster=cluster)
    np.testing.assert_allclose(standard_errors(boards.covariance()), standard_errors(covariance), rtol=0.08)
    np.testing.assert_allclose(boards.intervals(), rating_intervals(fit, covariance), atol=2.5)
    assert boards.unbounded == 0
    assert boards.cluster == cluster


@pytest.mark.parametrize("ridge", [0.0, 0.5])
def test_boards_solved_together_equal_boards_solved_alone(ridge: float) -> None:
    table = simulated(5, models=8, rows=1500)
    comparisons = Comparisons.from_battles(table)
    rng = np.random.default_rng(6)
    total = comparisons.total[:, np.newaxis] * rng.gamma(3, 1 / 3, (len(comparisons.first), 30))
    score = total * rng.beta(4, 4, total.shape)
    strengths, unbounded = _Boards(comparisons, fit_bradley_terry(comparisons, ridge=ridge)).fit(total, score)
    assert unbounded == 0
    for board in range(30):

        def penalised(free: FloatArray, board: int = board) -> float:
            s = free - free.mean()
            d = s[comparisons.first] - s[comparisons.second]
            return float(total[:, board] @ np.logaddexp(0, d) - score[:, board] @ d + ridge / 2 * s @ s)

        alone = optimize.minimize(penalised, np.zeros(8), method="BFGS", options={"gtol": 1e-4}).x
        np.testing.assert_allclose(strengths[:, board], alone - alone.mean(), atol=2e-6)


def test_thin_boards_take_the_slow_way_and_arrive() -> None:
    # Eight voters: the steps with the full Hessian do not shrink, and `fit_bradley_terry` takes over.
    table = random_battles(5, models=5, rows=60, voters=8)
    comparisons = Comparisons.from_battles(table, cluster="voter")
    boards = bootstrap(comparisons, 400, np.random.default_rng(6), cluster="voter")
    assert np.isfinite(boards.strengths).all()
    np.testing.assert_allclose(boards.strengths.sum(axis=1), 0, atol=1e-10)
    fit = fit_bradley_terry(comparisons)
    slow = slow_bootstrap(table, 100, by_voter=True, ridge=1e-6)
    np.testing.assert_allclose(np.median(slow, axis=0), np.median(boards.strengths, axis=0), atol=0.3)
    np.testing.assert_allclose(np.median(boards.strengths, axis=0), fit.strengths, atol=0.3)


def test_unequal_weights_count_with_their_squares() -> None:
    table = simulated(7, rows=6000)
    table["weight"] = np.random.default_rng(8).choice([0.1, 1.0, 4.0], size=len(table))
    comparisons = Comparisons.from_battles(table)
    boards = bootstrap(comparisons, 2000, np.random.default_rng(9))
    covariance = sandwich(fit_bradley_terry(comparisons), comparisons)
    np.testing.assert_allclose(standard_errors(boards.covariance()), standard_errors(covariance), rtol=0.08)


def test_rounds_without_a_finite_maximum_are_counted_and_go_far() -> None:
    table = battles(
        ("x", "y", "model_a"),
        ("x", "y", "model_b"),
        ("x", "rare", "model_a"),
        ("x", "rare", "model_b"),
        count=[500, 500, 9, 1],
    )
    comparisons = Comparisons.from_battles(table)
    boards = bootstrap(comparisons, 1000, np.random.default_rng(10))
    # The only win is left out of a round with probability near exp(-1).
    assert abs(boards.unbounded / 1000 - np.exp(-1)) < 0.08
    rare = boards.models.index("rare")
    gap = boards.strengths[:, rare] - boards.strengths[:, boards.models.index("x")]
    assert np.isfinite(boards.strengths).all()
    # One win in ten is a gap of 2.2; without it, about one in a thousand is left.
    assert gap.min() < -6
    assert -3 < np.median(gap) < -1.5


def test_bytes_depend_on_the_generator_alone() -> None:
    comparisons = Comparisons.from_battles(simulated(11), cluster="voter")
    for cluster in (None, "voter"):
        runs = [
            bootstrap(comparisons, 230, np.random.default_rng(12), cluster=cluster, threads=threads)
            for threads in (1, 2, 5)
        ]
        assert len({run.strengths.tobytes() for run in runs}) == 1
        other = bootstrap(comparisons, 230, np.random.default_rng(13), cluster=cluster)
        assert other.strengths.tobytes() != runs[0].strengths.tobytes()


SCRIPT = """
import hashlib, numpy as np
from ratings import Comparisons, simulate
from ratings.bootstrap import bootstrap
rng = np.random.default_rng(1)
strengths = simulate.simulate_strengths(rng, models=40)
table = simulate.simulate_battles(rng, strengths=strengths, battles=20_000)
boards = bootstrap(Comparisons.from_battles(table), 120, rng)
print(hashlib.sha256(boards.strengths.tobytes() + boards.covariance().tobytes()).hexdigest())
"""


def test_bytes_do_not_depend_on_blas_threads() -> None:
    root = Path(__file__).resolve().parents[3]
    digests = {
        subprocess.run(
            [sys.executable, "-c", SCRIPT],
            cwd=root,
            env=os.environ | {"OPENBLAS_NUM_THREADS": threads, "OMP_NUM_THREADS": threads},
            capture_output=True,
            check=True,
        ).stdout
        for threads in ("1", "2", "4")
    }
    assert len(digests) == 1


def test_refuses_what_it_cannot_compute() -> None:
    table = simulated(14, rows=200)
    rng = np.random.default_rng(15)
    comparisons = Comparisons.from_battles(table)
    with pytest.raises(InvalidOptionError, match="do not keep 'voter' apart"):
        bootstrap(comparisons, 100, rng, cluster="voter")
    with pytest.raises(InvalidOptionError, match="All votes come from 1 voter"):
        bootstrap(
            Comparisons.from_battles(table.assign(voter="v"), cluster="voter"), 100, rng, cluster="voter"
        )
    with pytest.raises(InvalidOptionError, match="rounds is 1"):
        bootstrap(comparisons, 1, rng)
    with pytest.raises(InvalidOptionError, match="threads is 0"):
        bootstrap(comparisons, 100, rng, threads=0)
    with pytest.raises(InvalidOptionError, match="draw 40 or more"):
        bootstrap(comparisons, 30, rng).intervals()
    with pytest.raises(InvalidOptionError, match="confidence is 95"):
        bootstrap(comparisons, 30, rng).intervals(95)
    with pytest.raises(DisconnectedComparisonsError):
        bootstrap(Comparisons.from_battles(battles(("a", "b", "tie"), ("c", "d", "tie"))), 10, rng)
