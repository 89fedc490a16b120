"""The same votes give the same bytes: in any order, on either side, by whatever names, on any number of threads."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
import threadpoolctl

from ratings import Comparisons, estimates, style_kernels, style_rows
from ratings.bootstrap import bootstrap
from ratings.bradley_terry import fit_bradley_terry
from ratings.confidence_sequences import anytime_rank_sets, effective_voters
from ratings.held_out import held_out_log_loss
from ratings.history import history
from ratings.intervals import sandwich
from ratings.jackknife import jackknife_sandwich
from ratings.judges import fit_with_judge
from ratings.leaderboard import leaderboard
from ratings.parts import Parts
from ratings.propensities import fit_uniform_pairs
from ratings.rank_sets import rank_sets
from ratings.style_control import StyleControlFit, fit_style_control
from ratings.ties import TieModel, clustered_tie_covariance, fit_ties
from tests.unit.ratings.machine_code import require_numba
from tests.unit.ratings.styled import FEATURES, styled_battles
from tests.unit.ratings.tables import mirrored

TIE_MODELS: tuple[TieModel, ...] = ("rao-kupper", "davidson", "grounded")


@dataclass(frozen=True, kw_only=True)
class Numbers:
    """What a computation found: arrays with one entry a model on each of the marked axes, and all others."""

    models: tuple[Any, ...]
    vectors: tuple[npt.NDArray[Any], ...] = ()
    matrices: tuple[npt.NDArray[Any], ...] = ()
    others: tuple[Any, ...] = ()

    def digest(self, names: dict[str, str]) -> list[bytes]:
        """All bytes, with the models in the order of their names before they were renamed."""
        place = [self.models.index(names[name]) for name in sorted(names) if names[name] in self.models]
        return [
            *(np.ascontiguousarray(values[..., place]).tobytes() for values in self.vectors),
            *(np.ascontiguousarray(values[..., place, :][..., place]).tobytes() for values in self.matrices),
            *(np.ascontiguousarray(values).tobytes() for values in self.others),
        ]


Computation = Callable[[pd.DataFrame], Numbers]


def canonical(table: pd.DataFrame, cluster: str | None = None) -> Comparisons:
    comparisons = Comparisons.from_battles(table, cluster=cluster)
    return comparisons.reordered(comparisons.canonical_order())


def half_wins(table: pd.DataFrame) -> Numbers:
    comparisons = canonical(table)
    fit = fit_bradley_terry(comparisons)
    covariance = sandwich(fit, comparisons)
    ranks = rank_sets(fit, covariance)
    return Numbers(
        models=fit.models,
        vectors=(fit.strengths, ranks.rank_lower, ranks.rank_upper),
        matrices=(fit.inverse_hessian, covariance),
        others=(fit.loss,),
    )


def clustered(table: pd.DataFrame) -> Numbers:
    comparisons = canonical(table, "voter")
    fit = fit_bradley_terry(comparisons)
    covariances = [spread(fit, comparisons, cluster="voter") for spread in (sandwich, jackknife_sandwich)]
    voters = effective_voters(comparisons)
    ranks = anytime_rank_sets(fit, covariances[1], voters, planned_votes=20)
    return Numbers(
        models=fit.models,
        vectors=(fit.strengths, voters, ranks.rank_lower, ranks.rank_upper),
        matrices=tuple(covariances),
    )


def ties(table: pd.DataFrame, *, model: TieModel) -> Numbers:
    fit = fit_ties(canonical(table), model=model)
    return Numbers(
        models=fit.models,
        vectors=(fit.strengths,),
        matrices=(fit.inverse_hessian[:-1, :-1], fit.covariance[:-1, :-1]),
        others=(fit.tie_parameter, fit.covariance[-1, -1], fit.loss),
    )


def clustered_ties(table: pd.DataFrame, *, model: TieModel) -> Numbers:
    fit = fit_ties(canonical(table), model=model)
    covariance = clustered_tie_covariance(fit, table)
    return Numbers(
        models=fit.models,
        vectors=(covariance[:-1, -1],),
        matrices=(covariance[:-1, :-1],),
        others=(covariance[-1, -1],),
    )


def of_style(fit: StyleControlFit) -> Numbers:
    size = len(fit.models)
    joint = [fit.inverse_hessian, fit.independent_covariance]
    if fit.clustered_covariance is not None:
        joint.append(fit.clustered_covariance)
    return Numbers(
        models=fit.models,
        vectors=(fit.strengths, *(matrix[size:, :size] for matrix in joint)),
        matrices=(*(matrix[:size, :size] for matrix in joint), fit.strength_covariance()),
        others=(
            fit.coefficients,
            fit.standardisation.mean,
            fit.standardisation.scale,
            fit.loss,
            *(matrix[size:, size:] for matrix in joint),
        ),
    )


def style(table: pd.DataFrame, **options: Any) -> Numbers:
    return of_style(fit_style_control(table, **{"features": FEATURES, **options}))


def in_parts(table: pd.DataFrame) -> Numbers:
    """Rows keep their part, marked by a column."""
    parts = [part.drop(columns="part") for _, part in table.groupby("part")]
    return of_style(Parts.from_tables(parts).fit_style_control(features=FEATURES, cluster="voter"))


def board(table: pd.DataFrame, **options: Any) -> Numbers:
    found = leaderboard(table, **options)
    assert found.fit is not None
    assert found.covariance is not None
    rated = found.table.dropna(subset="rating")
    columns = [rated[name].to_numpy(np.float64) for name in rated.columns.drop("model")]
    place = [rated.model.tolist().index(name) for name in found.fit.models]
    others = [] if found.coefficients is None else [found.coefficients.drop(columns="name").to_numpy()]
    return Numbers(
        models=found.fit.models,
        vectors=(found.fit.strengths, *(values[place] for values in columns)),
        matrices=(found.covariance,),
        others=tuple(others),
    )


def resampled(table: pd.DataFrame, *, cluster: str | None) -> Numbers:
    boards = bootstrap(canonical(table, cluster), 60, np.random.default_rng(1), cluster=cluster)
    return Numbers(models=boards.models, vectors=(boards.strengths,), others=(boards.unbounded,))


def uniform_pairs(table: pd.DataFrame, *, cluster: str | None) -> Numbers:
    found = fit_uniform_pairs(table, floor=12, cluster=cluster)
    return Numbers(
        models=found.fit.models,
        vectors=(found.fit.strengths, found.widening),
        matrices=(found.covariance, found.fit.inverse_hessian),
        others=(np.sort(found.pairs.weights), found.pairs.effective_votes, found.fit.loss),
    )


def judged(table: pd.DataFrame, **options: Any) -> Numbers:
    human = table[table.winner_seen]
    found = fit_with_judge(human, table[~table.winner_seen].drop(columns="winner"), **options)
    return Numbers(
        models=found.models,
        vectors=(found.strengths, found.standard_errors, found.human.strengths, found.gain),
        matrices=(found.covariance, found.human_covariance),
        others=(found.tuning, found.overall_gain, found.agreement, found.decisive_agreement),
    )


def held_out(table: pd.DataFrame, *, cluster: str | None) -> Numbers:
    scores = held_out_log_loss(table, rng=np.random.default_rng(1), folds=3, cluster=cluster)
    return Numbers(models=(), others=tuple(scores[name].to_numpy() for name in scores.columns.drop("model")))


def by_date(table: pd.DataFrame, **options: Any) -> Numbers:
    boards = history(table, **options)
    models = tuple(sorted(set(boards.model)))
    wide = [
        boards.pivot_table(index="date", columns="model", values=name)[list(models)].to_numpy()
        for name in ("rating", "lower", "upper", "votes")
    ]
    return Numbers(models=models, vectors=tuple(wide))


def as_machine_code(compute: Computation) -> Computation:
    """Compute with compiled loops, however few the rows."""

    def compiled(table: pd.DataFrame) -> Numbers:
        require_numba()
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(style_kernels, "WORTH_COMPILING", 0)
            return compute(table)

    return compiled


COMPUTATIONS: dict[str, Computation] = {
    "half wins": half_wins,
    "clustered": clustered,
    **{f"ties {model}": partial(ties, model=model) for model in TIE_MODELS},
    **{f"clustered ties {model}": partial(clustered_ties, model=model) for model in TIE_MODELS},
    "style": style,
    "clustered style": partial(style, cluster="voter"),
    "style in parts": in_parts,
    "bootstrap of votes": partial(resampled, cluster=None),
    "bootstrap of voters": partial(resampled, cluster="voter"),
    "uniform pairs": partial(uniform_pairs, cluster=None),
    "clustered uniform pairs": partial(uniform_pairs, cluster="voter"),
    "judge": partial(judged, cluster=None),
    "clustered judge": judged,
    "clustered judge without matching": partial(judged, match_pairs=False),
    "held out": partial(held_out, cluster=None),
    "held out by voter": partial(held_out, cluster="voter"),
    "history": partial(by_date, cluster=None),
    "clustered history": partial(by_date, window=2),
    "board": board,
    "board of independent votes": partial(board, cluster=None),
    "board, anytime": partial(board, ranks="anytime", planned_voters=5),
    "board, bootstrap": partial(board, intervals="bootstrap"),
    "board, style": partial(board, style=FEATURES),
    **{f"board, {model}": partial(board, ties=model) for model in TIE_MODELS},
    **{f"board, {model}, independent": partial(board, ties=model, cluster=None) for model in TIE_MODELS},
}
SIDED: dict[str, Computation] = {
    "side bias": partial(style, side_bias=True),
    "side bias alone": partial(style, features=(), side_bias=True, cluster="voter"),
    "published": partial(style, definition="published", cluster="voter"),
    "board, side bias": partial(board, side_bias=True),
}
"""What looks at the side on which an answer stood: exchanging them asks another question."""
for name in ("style", "clustered style", "style in parts"):
    COMPUTATIONS[f"{name}, compiled"] = as_machine_code(COMPUTATIONS[name])
SIDED["published, compiled"] = as_machine_code(SIDED["published"])
EVERY = COMPUTATIONS | SIDED


def votes(seed: int, *, counted: bool, rows: int = 260) -> pd.DataFrame:
    """Styled battles with a judge, dates and parts, in which a voter is heavy and some votes are alike."""
    rng = np.random.default_rng(seed)
    table = styled_battles(seed, rows=rows, models=7, counted=counted)
    table["voter"] = np.where(rng.random(rows) < 0.2, 0, rng.integers(1, 60, rows))
    table["voter"] = "v" + table.voter.astype(str)
    table["judge"] = np.where(rng.random(rows) < 0.6, table.winner, rng.permutation(table.winner))
    table["winner_seen"] = rng.random(rows) < 0.7
    table["date"] = pd.Timestamp("2026-11-02") + pd.to_timedelta(rng.integers(0, 28, rows), unit="D")
    table["part"] = rng.integers(0, 3, rows)
    return table


def turned(table: pd.DataFrame) -> pd.DataFrame:
    """Exchange the sides of every battle, with their style and the judge's verdict."""
    other = mirrored(table).assign(judge=mirrored(table.assign(winner=table.judge)).winner)
    for feature in FEATURES:
        other[f"{feature}_a"], other[f"{feature}_b"] = table[f"{feature}_b"], table[f"{feature}_a"]
    return other


def some_turned(table: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    some = pd.Series(rng.random(len(table)) < 0.5, index=table.index)
    return table.where(some, turned(table)).astype(table.dtypes)


def renamed(
    table: pd.DataFrame, column: str, rng: np.random.Generator
) -> tuple[pd.DataFrame, dict[str, str]]:
    """Give the models, or the voters, each other's names."""
    columns = ["model_a", "model_b"] if column == "model" else [column]
    names = sorted(set(table[columns].to_numpy().ravel()))
    new = dict(zip(names, rng.permutation(names).tolist(), strict=True))
    return table.assign(**{name: table[name].map(new) for name in columns}), new


def the_same(table: pd.DataFrame) -> dict[str, str]:
    return {name: name for name in {*table.model_a, *table.model_b}}


@pytest.fixture(params=[False, True], ids=["votes", "weights"])
def table(request: pytest.FixtureRequest) -> pd.DataFrame:
    return votes(11, counted=request.param)


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Many blocks and tasks in a small table; few rounds of the bootstrap."""
    monkeypatch.setattr(estimates, "_ROUNDS", 100)
    monkeypatch.setattr(style_rows, "BLOCK", 16)
    monkeypatch.setattr(style_rows, "_COMPILED_BLOCK", 16)
    monkeypatch.setattr(style_rows, "TASK", 32)


@cache
def expected(name: str, *, counted: bool) -> list[bytes]:
    """What three tests compare with."""
    table = votes(11, counted=counted)
    return EVERY[name](table).digest(the_same(table))


def assert_same(
    name: str, table: pd.DataFrame, others: Iterable[tuple[pd.DataFrame, dict[str, str]]]
) -> None:
    for other, names in others:
        assert EVERY[name](other).digest(names) == expected(name, counted="count" in table)


@pytest.mark.parametrize("name", EVERY)
def test_in_any_order_of_the_rows(name: str, table: pd.DataFrame) -> None:
    names = the_same(table)
    shuffled = [(table.sample(frac=1, random_state=seed), names) for seed in range(2)]
    assert_same(name, table, [*shuffled, (table[::-1], names)])


@pytest.mark.parametrize("name", COMPUTATIONS)
def test_on_either_side(name: str, table: pd.DataFrame) -> None:
    rng, names = np.random.default_rng(2), the_same(table)
    assert_same(name, table, [(turned(table), names), (some_turned(table, rng), names)])


@pytest.mark.parametrize("name", EVERY)
@pytest.mark.parametrize("column", ["model", "voter"])
def test_by_other_names(name: str, column: str, table: pd.DataFrame) -> None:
    rng = np.random.default_rng(3)
    others = [renamed(table, column, rng) for _ in range(2)]
    if column == "voter":
        others = [(other, the_same(table)) for other, _ in others]
    assert_same(name, table, others)


@pytest.mark.parametrize("name", EVERY)
def test_on_any_number_of_threads(name: str) -> None:
    compute, table = EVERY[name], votes(11, counted=True)
    with threadpoolctl.threadpool_limits(1):
        expected = compute(table).digest(the_same(table))
    for threads in (2, 4):
        with threadpoolctl.threadpool_limits(threads):
            assert compute(table).digest(the_same(table)) == expected


PROGRAM = """
import hashlib
from tests.unit.ratings.test_determinism import EVERY, the_same, votes
table = votes(11, counted=True)
for name, compute in EVERY.items():
    print(name, hashlib.sha256(b"".join(compute(table).digest(the_same(table)))).hexdigest())
"""


@pytest.mark.usefixtures("numba")
def test_on_any_number_of_threads_from_the_start() -> None:
    found = [
        subprocess.run(
            [sys.executable, "-c", PROGRAM],
            env={**os.environ, "OPENBLAS_NUM_THREADS": threads, "PYTHONPATH": str(Path(__file__).parents[3])},
            check=True,
            capture_output=True,
            text=True,
        ).stdout.splitlines()
        for threads in ("1", "4")
    ]
    assert len(found[0]) == len(EVERY)
    assert found[0] == found[1]
