from functools import reduce
from operator import add
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import optimize

from ratings import Comparisons, InvalidOptionError, pair_finder, style_rows
from ratings.encoding import encode_battles
from ratings.feature_columns import feature_columns
from ratings.row_sums import StylePoint
from ratings.standardisation import standardise
from ratings.style_blocks import StyleDesign, style_design
from ratings.style_control import StyleControlFit, fit_style_control, minimise_style_sums, style_fit
from ratings.style_newton import StyleProblem
from ratings.style_rows import StyleRows
from ratings.style_sums import style_scores, style_sums
from tests.unit.ratings.styled import FEATURES, design, styled_battles

DESIGN = style_design(FEATURES, side_bias=True, definition="published")


def prepared(table: pd.DataFrame, comparisons: Comparisons, design: StyleDesign, **options: Any) -> StyleRows:
    columns = feature_columns(table, design.features)
    cluster = "voter" if "clusters" in options else None
    return style_rows.style_rows(
        encode_battles(table, cluster=cluster), columns, design, comparisons, **options
    )


def fit_in_chunks(table: pd.DataFrame, borders: list[int]) -> StyleControlFit:
    """Fit from the sums of chunks; the voters of the table are numbered from 0 on, without a gap."""
    comparisons = Comparisons.from_battles(table)
    edges = [0, *borders, len(table)]
    chunks = [table.iloc[low:high] for low, high in zip(edges, edges[1:], strict=False)]
    for chunk in chunks:
        assert sorted(set(chunk.voter)) == list(range(10)), "each chunk numbers its voters alike"
    rows = [prepared(chunk, comparisons, DESIGN, clusters=10) for chunk in chunks]
    problem, minimum = minimise_style_sums(
        comparisons,
        DESIGN,
        reduce(add, [chunk.moments for chunk in rows]),
        sums_at=lambda point: reduce(add, [style_sums(chunk, point) for chunk in rows]),
        scores_at=lambda point: reduce(add, [style_scores(chunk, point) for chunk in rows]),
    )
    return style_fit(problem, minimum, cluster="voter")


def test_chunks_give_what_memory_gives(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(style_rows, "STRETCH", 90)
    monkeypatch.setattr(style_rows, "BLOCK", 20)
    monkeypatch.setattr(style_rows, "_COMPILED_BLOCK", 20)
    table = styled_battles(31, rows=700, counted=True)
    whole = fit_style_control(
        table, features=FEATURES, side_bias=True, definition="published", cluster="voter"
    )
    assert whole.clustered_covariance is not None
    for borders in ([], [350], [100, 333, 480]):
        parts = fit_in_chunks(table, borders)
        np.testing.assert_allclose(parts.strengths, whole.strengths, rtol=0, atol=1e-13)
        np.testing.assert_allclose(parts.coefficients, whole.coefficients, rtol=0, atol=1e-13)
        for name in ("inverse_hessian", "independent_covariance", "clustered_covariance"):
            np.testing.assert_allclose(getattr(parts, name), getattr(whole, name), rtol=0, atol=1e-12)


def test_gradient_and_hessian_are_those_of_the_loss() -> None:
    table = styled_battles(32, counted=True)
    comparisons = Comparisons.from_battles(table)
    rows = prepared(table, comparisons, DESIGN)
    problem = StyleProblem(
        comparisons=comparisons,
        coefficients=DESIGN.coefficients,
        standardisation=standardise(DESIGN, rows.moments),
        ridge=0.7,
        style_ridge=0.2,
    )

    def loss(parameters: Any) -> float:
        return style_scores(rows, problem.point(parameters)).loss + problem.penalty(parameters)

    def gradient(parameters: Any) -> Any:
        return problem.gradient(style_sums(rows, problem.point(parameters)), parameters)

    rng = np.random.default_rng(5)
    for _ in range(3):
        parameters = rng.normal(size=problem.models + 3)
        slope = optimize.approx_fprime(parameters, loss, 1e-6)
        np.testing.assert_allclose(gradient(parameters), slope, atol=2e-3, rtol=1e-4)
        curvature = optimize.approx_fprime(parameters, gradient, 1e-6)
        hessian = problem.hessian(style_sums(rows, problem.point(parameters)), parameters)
        np.testing.assert_allclose(hessian, curvature, atol=2e-3, rtol=1e-4)


@pytest.mark.parametrize("size", [0.0, 1.0, 30.0, 300.0, 3000.0])
def test_extreme_logits_lose_no_precision(size: float) -> None:
    table = styled_battles(33)
    comparisons = Comparisons.from_battles(table)
    rows = prepared(table, comparisons, style_design(FEATURES))
    point = StylePoint(difference=np.full(len(comparisons.first), size), slopes=np.zeros(2))
    scores = style_scores(rows, point)
    first = table.model_a < table.model_b
    won = np.where(table.winner == "model_a", first, ~first).astype(float)
    won[~table.winner.isin(["model_a", "model_b"])] = 0.5
    decay = np.exp(-size)
    assert scores.loss == pytest.approx((np.log1p(decay) + size * (1 - won)).sum(), rel=1e-13)
    assert scores.sums.curvature.sum() == pytest.approx(len(table) * decay / (1 + decay) ** 2, rel=1e-12)
    assert scores.pair.sum() == pytest.approx(((1 / (1 + decay) - won) ** 2).sum(), rel=1e-12)


def test_sums_by_pair_are_those_of_the_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(style_rows, "STRETCH", 64)
    monkeypatch.setattr(style_rows, "BLOCK", 10)
    monkeypatch.setattr(style_rows, "_COMPILED_BLOCK", 10)
    table = styled_battles(34, rows=500)
    comparisons = Comparisons.from_battles(table)
    rng = np.random.default_rng(3)
    strengths, slopes = rng.normal(size=6), rng.normal(size=2)
    point = StylePoint(difference=strengths[comparisons.first] - strengths[comparisons.second], slopes=slopes)
    rows = prepared(table, comparisons, style_design(FEATURES))
    sums = style_sums(rows, point, threads=2)

    raw = design(table, FEATURES)
    scale = np.sqrt(rows.moments.squares / rows.moments.votes)
    x = raw[:, 6:] * scale
    p = 1 / (1 + np.exp(-(raw[:, :6] @ strengths + x @ slopes)))
    turned = np.where(table.model_a < table.model_b, 1, -1)
    weighted = (p * (1 - p) * turned)[:, np.newaxis] * x
    for pair, (first, second) in enumerate(zip(comparisons.first, comparisons.second, strict=True)):
        here = [
            {a, b} == {f"m{first}", f"m{second}"} for a, b in zip(table.model_a, table.model_b, strict=True)
        ]
        np.testing.assert_allclose(sums.cross[:, pair], weighted[here].sum(axis=0), atol=1e-12)
        np.testing.assert_allclose(sums.curvature[pair], (p * (1 - p))[here].sum(), atol=1e-12)


def test_many_models_find_their_pairs_without_a_table(monkeypatch: pytest.MonkeyPatch) -> None:
    table = styled_battles(35)
    expected = fit_style_control(table, features=FEATURES)
    monkeypatch.setattr(pair_finder, "_LARGEST_TABLE", 1)
    fit = fit_style_control(table, features=FEATURES)
    assert fit.strengths.tobytes() == expected.strengths.tobytes()


def test_comparisons_must_know_every_model_and_pair() -> None:
    table = styled_battles(36)
    some = table[~table.model_a.isin(["m5"]) & ~table.model_b.isin(["m5"])]
    with pytest.raises(InvalidOptionError, match="lack 'm5'"):
        prepared(table, Comparisons.from_battles(some), DESIGN)
    fewer = table[(table.model_a != "m5") | (table.model_b != "m4")]
    fewer = fewer[(fewer.model_a != "m4") | (fewer.model_b != "m5")]
    with pytest.raises(InvalidOptionError, match="lack a pair"):
        prepared(table, Comparisons.from_battles(fewer), DESIGN)
