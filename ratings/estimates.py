"""Strengths with one covariance, whichever model was fitted."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

import numpy as np
import pandas as pd

from ratings.arrays import FloatArray, ModelId
from ratings.bootstrap import bootstrap
from ratings.bradley_terry import BradleyTerryFit, fit_bradley_terry
from ratings.columns import Battles, data_frame
from ratings.comparisons import Comparisons
from ratings.encoded_votes import EncodedVotes
from ratings.errors import InvalidOptionError
from ratings.few_votes import widened_for_few_votes
from ratings.intervals import rating_intervals, sandwich
from ratings.jackknife import few_clusters_factor, jackknife_sandwich
from ratings.parts import Parts
from ratings.rank_sets import never_narrower
from ratings.style_control import StyleControlFit, fit_style_control
from ratings.ties import TiesFit, clustered_tie_covariance, fit_ties

Ties: TypeAlias = Literal["half", "davidson", "rao-kupper", "grounded"]
Intervals: TypeAlias = Literal["sandwich", "bootstrap"]

BOOTSTRAP_SEED = 20_231_207
_ROUNDS = 1000


@dataclass(frozen=True, kw_only=True)
class Model:
    """What is fitted: how ties count, which features of style are held equal, and how the spread is found."""

    ties: Ties = "half"
    intervals: Intervals = "sandwich"
    style: tuple[str, ...] = ()
    side_bias: bool = False

    def __post_init__(self) -> None:
        if self.ties not in get_args(Ties):
            raise InvalidOptionError(f"ties is {self.ties!r}: it is one of {', '.join(get_args(Ties))}.")
        if self.intervals not in get_args(Intervals):
            raise InvalidOptionError(
                f"intervals is {self.intervals!r}: it is one of {', '.join(get_args(Intervals))}."
            )
        if self.intervals == "bootstrap" and (self.controls_style or self.ties != "half"):
            raise InvalidOptionError("Bootstrap intervals are there for ties='half' without style only.")
        if self.controls_style and self.ties != "half":
            raise InvalidOptionError(
                f"style control counts ties as half wins: it does not go with {self.ties!r}."
            )

    @property
    def controls_style(self) -> bool:
        return bool(self.style) or self.side_bias


@dataclass(frozen=True, kw_only=True, eq=False)
class Estimate:
    """A fit and how sure it is.

    Attributes
    ----------
    fit : BradleyTerryFit, TiesFit or StyleControlFit
    covariance : float64, shape (n_models, n_models)
        Of ``fit.strengths``; clustered where clusters are known, and never narrower (`never_narrower`).
    bounds : (float64, float64), each of shape (n_models,), or None
        Intervals in rating points that do not follow from the covariance.
    coefficients : DataFrame or None
        What style is worth, as from `StyleControlFit.coefficient_table`.
    """

    fit: BradleyTerryFit | TiesFit | StyleControlFit
    covariance: FloatArray
    bounds: tuple[FloatArray, FloatArray] | None = None
    coefficients: pd.DataFrame | None = None


def estimate(
    model: Model,
    battles: Battles | EncodedVotes | Comparisons,
    comparisons: Comparisons,
    *,
    cluster: str | None,
    confidence: float,
) -> Estimate:
    """Fit a model.

    Parameters
    ----------
    model : Model
    battles : DataFrame, Arrow Table, RecordBatch, EncodedVotes, Parts or Comparisons
        The votes row by row are needed with style, and with clusters where ties have a model.
    comparisons : Comparisons
        The votes to fit, on one strongly connected group of models.
    cluster : str or None
        Column of those whose votes may depend on each other.
    confidence : float
        Of the coefficients' intervals.

    Returns
    -------
    Estimate

    Raises
    ------
    RatingsError
        As the fits do.
    """
    if model.controls_style:
        return _with_style(model, battles, comparisons, cluster, confidence)
    if model.ties == "half":
        plain = fit_bradley_terry(comparisons)
        if model.intervals == "bootstrap":
            return _bootstrapped(plain, comparisons, cluster, confidence)
        return Estimate(fit=plain, covariance=half_win_covariance(plain, comparisons, cluster=cluster))
    ties = fit_ties(comparisons, model=model.ties)
    spread = None
    if cluster:
        rows = data_frame(_between(battles, comparisons.models))
        spread = clustered_tie_covariance(ties, rows, cluster=cluster)
    return Estimate(fit=ties, covariance=_combined(ties.covariance, spread, comparisons)[:-1, :-1])


def bootstrap_rounds(confidence: float) -> int:
    """Return as many rounds as the ends of an interval need, 1000 at least."""
    return max(_ROUNDS, int(np.ceil(4 / (1 - confidence))))


def _bootstrapped(
    fit: BradleyTerryFit, comparisons: Comparisons, cluster: str | None, confidence: float
) -> Estimate:
    """Take percentiles of resampled boards; resampling voters shows no spread where only one of them voted."""
    rng = np.random.default_rng(BOOTSTRAP_SEED)
    boards = bootstrap(comparisons, bootstrap_rounds(confidence), rng, cluster=cluster)
    independent = sandwich(fit, comparisons)
    bounds = boards.intervals(confidence)
    spread = boards.covariance()
    if not cluster:
        return Estimate(fit=fit, covariance=spread, bounds=bounds)
    least = rating_intervals(fit, independent, confidence=confidence)
    bounds = np.minimum(bounds[0], least[0]), np.maximum(bounds[1], least[1])
    return Estimate(fit=fit, covariance=_combined(independent, spread, comparisons), bounds=bounds)


def half_win_covariance(fit: BradleyTerryFit, comparisons: Comparisons, *, cluster: str | None) -> FloatArray:
    """Compute the covariance of the strengths of a half-win board, clustered where clusters are known.

    Parameters
    ----------
    fit : BradleyTerryFit
    comparisons : Comparisons
        The votes that were fitted.
    cluster : str or None

    Returns
    -------
    float64, shape (n_models, n_models)
        Never narrower than for independent votes (`never_narrower`), and honest about fewer than six clusters
        (`few_clusters_factor`) and about models with few votes (`widened_for_few_votes`).
    """
    independent = sandwich(fit, comparisons)
    clustered = jackknife_sandwich(fit, comparisons, cluster=cluster) if cluster else None
    combined = _combined(independent, clustered, comparisons)
    return widened_for_few_votes(combined, independent, fit.inverse_hessian, comparisons.votes_by_model())


def _with_style(
    model: Model,
    battles: Battles | EncodedVotes | Parts | Comparisons,
    comparisons: Comparisons,
    cluster: str | None,
    confidence: float,
) -> Estimate:
    models = comparisons.models
    if isinstance(battles, Parts):
        fit = battles.fit_style_control(
            features=model.style, side_bias=model.side_bias, cluster=cluster, models=models
        )
    else:
        rows = battles.between(models) if isinstance(battles, EncodedVotes) else _between(battles, models)
        fit = fit_style_control(rows, features=model.style, side_bias=model.side_bias, cluster=cluster)
    size = len(models)
    fit = fit.reordered(np.array([fit.models.index(name) for name in models]))
    independent = fit.independent_covariance
    covariance = _combined(independent, fit.clustered_covariance, comparisons)
    votes = comparisons.votes_by_model()
    covariance = widened_for_few_votes(covariance, independent, fit.inverse_hessian, votes)
    return Estimate(
        fit=fit,
        covariance=covariance[:size, :size],
        coefficients=fit.coefficient_table(confidence=confidence),
    )


def _combined(independent: FloatArray, clustered: FloatArray | None, comparisons: Comparisons) -> FloatArray:
    if clustered is None:
        return independent
    assert comparisons.clusters is not None
    factor = few_clusters_factor(comparisons.clusters.size)
    return never_narrower(factor * clustered, independent, models=len(comparisons.models))


def _between(battles: Battles | EncodedVotes | Parts | Comparisons, models: Sequence[ModelId]) -> Battles:
    """Return the rows between two of these models."""
    if isinstance(battles, Comparisons | Parts | EncodedVotes):
        raise InvalidOptionError(
            "Style control, and clusters where ties have a model, need the votes row by row: pass a table of battles, "
            "or cluster=None."
        )
    frame = data_frame(battles)
    kept = frame.model_a.isin(models) & frame.model_b.isin(models)
    return battles if kept.all() else frame[kept]
