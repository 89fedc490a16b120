from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from ratings import (
    Comparisons,
    InvalidOptionError,
    fit_bradley_terry,
    jackknife,
    leaderboard,
    sandwich,
    simulate,
)
from ratings.arrays import FloatArray
from ratings.estimates import half_win_covariance
from ratings.jackknife import few_clusters_factor, jackknife_sandwich
from ratings.rank_sets import never_narrower
from ratings.style_control import StyleControlFit
from ratings.ties import TiesFit, clustered_tie_covariance
from tests.unit.ratings.styled import styled_battles
from tests.unit.ratings.tables import battles, random_battles


def simulated(seed: int, *, rows: int, top_voter_share: float = 0.0, voters: int = 60) -> Comparisons:
    rng = np.random.default_rng(seed)
    strengths = simulate.simulate_strengths(rng, models=5, spread=0.4)
    table = simulate.simulate_battles(
        rng, strengths=strengths, battles=rows, voters=voters, taste=0.8, top_voter_share=top_voter_share
    )
    return Comparisons.from_battles(table, cluster="voter")


def leave_out_one_by_one(comparisons: Comparisons) -> FloatArray:
    """Refit without each voter, and add up the squared moves."""
    cells = comparisons.clusters
    assert cells is not None
    full = fit_bradley_terry(comparisons).strengths
    squares = np.zeros((len(full), len(full)))
    voters = np.unique(cells.cluster)
    for voter in voters:
        gone = cells.cluster == voter
        total, score = comparisons.total.copy(), comparisons.score.copy()
        np.subtract.at(total, cells.pair[gone], cells.weight[gone])
        np.subtract.at(score, cells.pair[gone], cells.score[gone])
        weights = np.stack([score, total - score, 0 * total, 0 * total], axis=1)
        move = fit_bradley_terry(replace(comparisons, weights=weights, clusters=None)).strengths - full
        squares += np.outer(move, move)
    # The jackknife has (G - 1) / G here; the sandwich's factor stands instead.
    return squares * (len(voters) - 1) / len(voters) * (len(voters) / (len(voters) - 1)) ** 2


@pytest.mark.parametrize("top_voter_share", [0.0, 0.15])
def test_is_near_refitting_without_each_voter(top_voter_share: float) -> None:
    comparisons = simulated(1, rows=1500, top_voter_share=top_voter_share, voters=25)
    fit = fit_bradley_terry(comparisons)
    error = np.sqrt(np.diag(leave_out_one_by_one(comparisons)))
    found = np.sqrt(np.diag(jackknife_sandwich(fit, comparisons, cluster="voter")))
    plain = np.sqrt(np.diag(sandwich(fit, comparisons, cluster="voter")))
    np.testing.assert_allclose(found, error, rtol=0.05)
    assert np.abs(found / error - 1).mean() < np.abs(plain / error - 1).mean() / 2


@pytest.mark.parametrize("most_cells", [0, 64], ids=["by models", "by cells"])
def test_equals_the_formula_on_dense_matrices(most_cells: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jackknife, "_MANY_CELLS", most_cells)
    table = random_battles(2, models=4, rows=120, voters=6)
    comparisons = Comparisons.from_battles(table, cluster="voter")
    fit = fit_bradley_terry(comparisons)
    strength = dict(zip(fit.models, fit.strengths, strict=True))
    place = {name: number for number, name in enumerate(fit.models)}
    outcome = {"model_a": 1.0, "model_b": 0.0, "tie": 0.5, "both_bad": 0.5}
    meat = np.zeros((4, 4))
    for _, votes in table.groupby("voter"):
        score, part = np.zeros(4), np.zeros((4, 4))
        for a, b, winner in zip(votes.model_a, votes.model_b, votes.winner, strict=True):
            x = np.zeros(4)
            x[place[a]], x[place[b]] = 1, -1
            p = 1 / (1 + np.exp(strength[b] - strength[a]))
            score += (outcome[winner] - p) * x
            part += p * (1 - p) * np.outer(x, x)
        pull = np.linalg.inv(np.eye(4) - part @ fit.inverse_hessian) @ score
        meat += np.outer(pull, pull)
    expected = fit.inverse_hessian @ meat @ fit.inverse_hessian * 6 / 5
    np.testing.assert_allclose(jackknife_sandwich(fit, comparisons, cluster="voter"), expected, atol=1e-12)


def test_equals_the_sandwich_where_nobody_is_heavy() -> None:
    comparisons = simulated(3, rows=20_000, voters=4000)
    fit = fit_bradley_terry(comparisons)
    covariance = jackknife_sandwich(fit, comparisons, cluster="voter")
    assert covariance.tobytes() == sandwich(fit, comparisons, cluster="voter").tobytes()


def test_a_voter_who_holds_the_board_together_keeps_the_plain_pull() -> None:
    honest = random_battles(4, models=4, rows=300, voters=30).astype({"voter": str})
    bridge = battles(("m0", "z", "model_a"), ("z", "m1", "model_a"), ("z", "m2", "tie"), voter=["only"] * 3)
    comparisons = Comparisons.from_battles(pd.concat([honest, bridge], ignore_index=True), cluster="voter")
    fit = fit_bradley_terry(comparisons)
    covariance = jackknife_sandwich(fit, comparisons, cluster="voter")
    assert np.isfinite(covariance).all()
    plain = sandwich(fit, comparisons, cluster="voter")
    np.testing.assert_allclose(covariance, plain, atol=0.1 * float(np.diag(plain).max()))


def test_refuses_what_the_sandwich_refuses() -> None:
    comparisons = Comparisons.from_battles(random_battles(5))
    with pytest.raises(InvalidOptionError, match="do not keep 'voter' apart"):
        jackknife_sandwich(fit_bradley_terry(comparisons), comparisons, cluster="voter")


@pytest.mark.parametrize("voters", [2, 3, 4, 5])
def test_intervals_of_few_voters_cover_what_many_voters_would_say(voters: int) -> None:
    rng = np.random.default_rng(5)
    strengths = dict(zip("abcd", (0.6, 0.2, -0.2, -0.6), strict=True))
    many = simulate.simulate_battles(rng, strengths=strengths, battles=200_000, voters=100_000, taste=0.8)
    truth = fit_bradley_terry(Comparisons.from_battles(many)).strengths
    covered = []
    for _ in range(100):
        table = simulate.simulate_battles(
            rng, strengths=strengths, battles=500 * voters, voters=voters, taste=0.8
        )
        comparisons = Comparisons.from_battles(table, cluster="voter")
        fit = fit_bradley_terry(comparisons)
        variance = np.diag(half_win_covariance(fit, comparisons, cluster="voter"))
        covered.append(np.abs(fit.strengths - truth) <= 1.96 * np.sqrt(variance))
    assert np.mean(covered) >= 0.95


def test_boards_of_few_voters_are_widened_whatever_is_fitted() -> None:
    table = styled_battles(3).assign(voter=np.resize([1, 2, 3], 300))
    wide = few_clusters_factor(3)
    for options in ({}, {"ties": "davidson"}, {"style": ["tokens"]}, {"intervals": "bootstrap"}):
        board = leaderboard(table, **options)  # type: ignore[arg-type]
        assert board.method["parameters"]["intervals"] == "sandwich"
        fit = board.fit
        if isinstance(fit, StyleControlFit):
            assert fit.clustered_covariance is not None
            pair = (fit.independent_covariance, fit.clustered_covariance)
        elif isinstance(fit, TiesFit):
            pair = (fit.covariance, clustered_tie_covariance(fit, table))
        else:
            assert fit is not None
            counted = Comparisons.from_battles(table, cluster="voter")
            counted = counted.reordered(counted.canonical_order())
            pair = (sandwich(fit, counted), jackknife_sandwich(fit, counted, cluster="voter"))
        expected = never_narrower(wide * pair[1], pair[0])
        assert board.covariance is not None
        size = len(board.covariance)
        np.testing.assert_allclose(board.covariance, expected[:size, :size], atol=1e-12)
