"""Held-out log loss: which model foresees votes best that it has not seen."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

import numpy as np
import pandas as pd
from scipy import special

from ratings.arrays import FloatArray, IntArray, group_sums
from ratings.bradley_terry import fit_bradley_terry
from ratings.columns import Battles, cluster_column
from ratings.comparisons import Comparisons
from ratings.encoding import WINNERS
from ratings.errors import InvalidComparisonsError, InvalidOptionError
from ratings.placed_votes import place_votes_canonically
from ratings.tie_likelihoods import TieModel, likelihood_of
from ratings.ties import fit_ties

VoteModel: TypeAlias = Literal["half", "rao-kupper", "davidson", "grounded"]

VOTE_MODELS: tuple[VoteModel, ...] = ("half", "rao-kupper", "davidson", "grounded")


@dataclass(frozen=True, kw_only=True, eq=False)
class _FoldedVotes:
    """Votes divided into folds: cells of votes alike in fold, pair, outcome and cluster.

    ``spread`` is the sum of squared weights over the votes of a cell; ``cluster`` is None for independent votes.
    """

    comparisons: Comparisons
    folds: int
    fold: IntArray
    pair: IntArray
    outcome: IntArray
    weight: FloatArray
    spread: FloatArray
    cluster: IntArray | None

    def training(self, fold: int) -> Comparisons:
        """Return the votes outside a fold, on the same models and pairs."""
        size = len(self.comparisons.first)
        others = self.fold != fold
        cell = self.pair[others] * len(WINNERS) + self.outcome[others]
        weights = group_sums(cell, self.weight[others], size * len(WINNERS)).reshape(size, len(WINNERS))
        return replace(
            self.comparisons,
            counts=(weights > 0).astype(np.int64),
            weights=weights,
            squared_weights=weights,
            clusters=None,
        )


def held_out_log_loss(
    votes: Battles | Comparisons,
    *,
    models: Sequence[VoteModel] = VOTE_MODELS,
    rng: np.random.Generator,
    folds: int = 5,
    outcomes: Literal[3, 4] = 3,
    ridge: float = 0.1,
    cluster: str | None = "voter",
) -> pd.DataFrame:
    """Compare models by the mean of -log P(outcome) over votes that they were not fitted to.

    The votes are divided at random into folds; each is predicted from a fit to all others.

    Parameters
    ----------
    votes : DataFrame, Arrow Table, RecordBatch or Comparisons
        A table of battles, or votes already counted, which then are all independent.
    models : sequence of str
        Among "half" (Bradley-Terry, ties as half wins), "rao-kupper", "davidson", "grounded".
    rng : Generator
        Divides the votes.
    folds : int, default 5
    outcomes : 3 or 4, default 3
        3: first wins, second wins, tie or both_bad. 4: tie and both_bad apart.
    ridge : float, default 0.1
        Penalty of all fits, in votes, above 0: without it, a model that loses for the first time in a held-out
        vote would cost an infinite loss.
    cluster : str or None, default "voter"
        Column of a table of battles; votes of one voter stay together in a fold, and count together in the
        standard errors. None, or no voter column: every vote is independent.

    Returns
    -------
    DataFrame, one row a model, best first
        model; log_loss, nats per vote; standard_error; difference to the best model, 0 or more; and
        difference_error, the standard error of this difference, which is paired vote by vote.

    Raises
    ------
    InvalidComparisonsError
        If the table breaks the data convention, or has fewer votes or voters than folds.
    InvalidOptionError
        If an option is out of its range.

    Notes
    -----
    All models are scored on the same outcomes. Where these differ from a model's own:

    - "half" says only the expected outcome p of the first model. It gets the ties of Rao-Kupper,
      P(tie) = k P(win) P(loss) with one k of greatest likelihood given the fitted p, and
      P(win) + P(tie) / 2 = p. Other shapes of ties that leave p as it is can cost it much more than the models differ.
    - With 4 outcomes, models that do not know both_bad split their ties by its overall share.
    - With 3 outcomes, the grounded model, fitted to 4, adds up its tie and both_bad.

    Standard errors take the fits as given; they are of the mean over votes, not of the fits. Weights count in the
    fits and in the means.

    Examples
    --------
    >>> from ratings.simulate import simulate_battles
    >>> rng = np.random.default_rng(1)
    >>> battles = simulate_battles(rng, strengths={"x": 0.5, "y": 0.0, "z": -0.5}, battles=500)
    >>> held_out_log_loss(battles, models=["half", "davidson"], rng=rng).columns.tolist()
    ['model', 'log_loss', 'standard_error', 'difference', 'difference_error']
    """
    _check_options(models, folds, outcomes, ridge)
    if isinstance(votes, Comparisons):
        folded = _fold_votes(votes, folds, rng)
    elif (column := cluster_column(votes, cluster)) is None:
        folded = _fold_votes(Comparisons.from_battles(votes), folds, rng)
    else:
        folded = _fold_voters(votes, column, folds, rng)
    losses = {model: _held_out(folded, model, outcomes, ridge) for model in dict.fromkeys(models)}
    return _table(folded, losses)


def _fold_votes(comparisons: Comparisons, folds: int, rng: np.random.Generator) -> _FoldedVotes:
    """Send each vote to a fold of its own; multinomial counts do it for equal votes at once."""
    _require_enough(comparisons.votes, folds, "votes")
    comparisons = comparisons.reordered(comparisons.canonical_order())
    split = rng.multinomial(comparisons.counts.ravel(), np.full(folds, 1 / folds))
    cell, fold = np.nonzero(split)
    count = split[cell, fold].astype(np.float64)
    # Votes of one cell count with their mean weight, but in the standard errors with the mean of its square.
    weight, square = (
        sums.ravel()[cell] / comparisons.counts.ravel()[cell]
        for sums in (comparisons.weights, comparisons.squared_weights)
    )
    return _FoldedVotes(
        comparisons=comparisons,
        folds=folds,
        fold=fold.astype(np.int64),
        pair=(cell // len(WINNERS)).astype(np.int64),
        outcome=(cell % len(WINNERS)).astype(np.int64),
        weight=count * weight,
        spread=count * square,
        cluster=None,
    )


def _fold_voters(battles: Battles, column: str, folds: int, rng: np.random.Generator) -> _FoldedVotes:
    placed = place_votes_canonically(battles, cluster=column)
    _require_enough(placed.clusters, folds, f"distinct values of {column!r}")
    assert placed.cluster is not None
    return _FoldedVotes(
        comparisons=placed.comparisons,
        folds=folds,
        fold=(rng.permutation(placed.clusters) % folds)[placed.cluster],
        pair=placed.pair,
        outcome=placed.outcome,
        weight=placed.count * placed.weight,
        spread=placed.count * placed.weight**2,
        cluster=placed.cluster,
    )


def _held_out(folded: _FoldedVotes, model: VoteModel, outcomes: int, ridge: float) -> FloatArray:
    """Compute -log P of each cell's outcome by the fit to the other folds, shape (n_cells,)."""
    losses = np.empty(len(folded.fold))
    for fold in range(folded.folds):
        logs = _log_probabilities(folded.training(fold), model, outcomes, ridge)
        inside = folded.fold == fold
        outcome = np.minimum(folded.outcome[inside], outcomes - 1)
        losses[inside] = -logs[outcome, folded.pair[inside]]
    return losses


def _log_probabilities(training: Comparisons, model: VoteModel, outcomes: int, ridge: float) -> FloatArray:
    """Fit a model and compute log P of each outcome of each pair, shape (outcomes, n_pairs)."""
    if model == "half":
        logs = _half_log_probabilities(training, ridge)
    else:
        logs = _tie_log_probabilities(training, model, ridge)
    if len(logs) < outcomes:
        bad = _share(training.weights[:, 3], training.weights[:, 2], ridge)
        logs = np.stack([logs[0], logs[1], logs[2] + np.log1p(-bad), logs[2] + np.log(bad)])
    if len(logs) > outcomes:
        logs = np.stack([logs[0], logs[1], np.logaddexp(logs[2], logs[3])])
    return logs


def _tie_log_probabilities(training: Comparisons, model: TieModel, ridge: float) -> FloatArray:
    fit = fit_ties(training, model=model, ridge=ridge)
    first, second = fit.strengths[training.first], fit.strengths[training.second]
    return likelihood_of(model).log_probabilities(first, second, fit.tie_parameter)


def _half_log_probabilities(training: Comparisons, ridge: float) -> FloatArray:
    strengths = fit_bradley_terry(training, ridge=ridge).strengths
    difference = strengths[training.first] - strengths[training.second]
    won, lost, tied, bad = training.weights.T
    weights = np.stack([won, lost, tied + bad])
    from scipy import optimize  # 12 MiB, which no board needs

    def loss(log_factor: float) -> float:
        equals = _half_outcomes(np.zeros(1), log_factor)[2, 0]
        prior = ridge * (equals + np.log(-np.expm1(equals)))
        return -float((weights * _half_outcomes(difference, log_factor)).sum() + prior)

    found = optimize.minimize_scalar(loss, bounds=(-30.0, 30.0), method="bounded", options={"xatol": 1e-9})
    return _half_outcomes(difference, float(found.x))


def _half_outcomes(difference: FloatArray, log_factor: float) -> FloatArray:
    """Solve P(tie) = factor * P(win) * P(loss) with P(win) + P(tie) / 2 = p; logarithms, shape (3, n_pairs)."""
    win, loss = special.expit(difference), special.expit(-difference)
    # Divided by the factor, so that a large one does not overflow; this root of the quadratic does not cancel.
    inverse = np.exp(-log_factor)
    half = inverse + 0.5
    tie = 2 * win * loss / (half + np.sqrt(half**2 - win * loss))
    logs: FloatArray = np.log(np.stack([win - tie / 2, loss - tie / 2, tie]))
    return logs


def _share(part: FloatArray, rest: FloatArray, ridge: float) -> float:
    """Return the part's share of both, shrunk towards one half by ``ridge`` votes on each side."""
    return float((part.sum() + ridge) / (part.sum() + rest.sum() + 2 * ridge))


def _table(folded: _FoldedVotes, losses: dict[VoteModel, FloatArray]) -> pd.DataFrame:
    means = {model: _mean(folded, loss) for model, loss in losses.items()}
    order = sorted(means, key=lambda model: means[model])
    best = losses[order[0]]
    return pd.DataFrame(
        {
            "model": pd.Series(order, dtype="str"),
            "log_loss": [means[model] for model in order],
            "standard_error": [_standard_error(folded, losses[model]) for model in order],
            "difference": [_mean(folded, losses[model] - best) for model in order],
            "difference_error": [_standard_error(folded, losses[model] - best) for model in order],
        }
    )


def _mean(folded: _FoldedVotes, values: FloatArray) -> float:
    return float((folded.weight * values).sum() / folded.weight.sum())


def _standard_error(folded: _FoldedVotes, values: FloatArray) -> float:
    surplus = values - _mean(folded, values)
    if folded.cluster is None:
        variance = float((folded.spread * np.square(surplus)).sum())
    else:
        size = int(folded.cluster.max()) + 1
        sums = group_sums(folded.cluster, folded.weight * surplus, size)
        variance = size / (size - 1) * float(np.square(sums).sum())
    return float(np.sqrt(variance) / folded.weight.sum())


def _require_enough(found: int, folds: int, what: str) -> None:
    if found < folds:
        raise InvalidComparisonsError(
            f"There are {found} {what} for {folds} folds: collect more votes or take fewer folds."
        )


def _check_options(models: Sequence[str], folds: int, outcomes: int, ridge: float) -> None:
    checks: list[tuple[str, object, Callable[[], bool], str]] = [
        ("models", list(models), lambda: bool(models) and set(models) <= set(VOTE_MODELS), f"{VOTE_MODELS}"),
        ("folds", folds, lambda: folds >= 2, "a whole number, 2 or more"),
        ("outcomes", outcomes, lambda: outcomes in (3, 4), "3 or 4"),
        ("ridge", ridge, lambda: bool(np.isfinite(ridge) and ridge > 0), "a finite number of votes above 0"),
    ]
    for name, value, holds, range_ in checks:
        if not holds():
            raise InvalidOptionError(f"{name} is {value!r}: it is {range_}.")
