"""Models with ties: Rao-Kupper, Davidson and the grounded model; loss, gradient, Hessian, fit and covariance."""

from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal, TypeAlias

import numpy as np
import pandas as pd
from scipy import linalg

from ratings.arrays import FloatArray, ModelId
from ratings.columns import Battles
from ratings.comparisons import Comparisons
from ratings.counted import require_counted
from ratings.encoding import WINNERS
from ratings.errors import EmptyComparisonsError, InvalidOptionError, NotConvergedError
from ratings.linear_algebra import sandwich_product, single_threaded_blas
from ratings.outcome_weights import OutcomeWeights
from ratings.placed_votes import place_votes_canonically
from ratings.tie_existence import require_grounded_maximum, require_relative_maximum, without_both_bad
from ratings.tie_likelihoods import TieLikelihood, TieModel, likelihood_of
from ratings.tie_objective import TieObjective

BothBad: TypeAlias = Literal["tie", "exclude"]


@dataclass(frozen=True, kw_only=True, eq=False)
class TiesFit:
    """The result of a fit with ties.

    Attributes
    ----------
    model : "rao-kupper", "davidson" or "grounded"
    both_bad : "tie" or "exclude"
        What became of both_bad votes; the grounded model always takes them as an outcome of their own.
    models : tuple
        Names in the order of the comparisons, length n_models.
    strengths : float64, shape (n_models,)
        Natural log-odds. Mean zero; in the grounded model absolute.
    tie_parameter : float
        eta of Rao-Kupper and of the grounded model, log(nu) of Davidson.
    ridge : float
        The penalty that was used.
    iterations : int
        Newton steps taken.
    objective : TieObjective
        What was minimised.

    Notes
    -----
    What follows from the parameters (``loss``, ``gradient_norm``, ``inverse_hessian``, ``covariance``) is computed when
    it is first asked for.
    """

    model: TieModel
    both_bad: BothBad
    models: tuple[ModelId, ...]
    strengths: FloatArray
    tie_parameter: float
    ridge: float
    iterations: int
    objective: TieObjective = field(repr=False)

    @cached_property
    def loss(self) -> float:
        """Penalised negative log-likelihood."""
        return self.objective.loss(self.parameters)

    @cached_property
    def gradient_norm(self) -> float:
        """Largest absolute entry of the gradient at the maximum, in votes."""
        return float(np.abs(self.objective.gradient(self.parameters)).max())

    @cached_property
    def inverse_hessian(self) -> FloatArray:
        """Inverse of the Hessian at the maximum, strengths first and the tie parameter last; n_models + 1 rows.

        Except for the grounded model, on vectors whose strengths have mean zero. Raises `NotConvergedError` if the
        votes are too lopsided for double precision.
        """
        try:
            with single_threaded_blas():
                return self.objective.inverse_hessian(self.parameters)
        except linalg.LinAlgError as error:
            raise NotConvergedError(iterations=0, last_step=np.inf, tolerance=0.0) from error

    @cached_property
    def covariance(self) -> FloatArray:
        """Sandwich covariance of the same parameters, for independent votes [White82]."""
        return self.objective.covariance(self.parameters, self.inverse_hessian)

    @property
    def parameters(self) -> FloatArray:
        """Strengths and tie parameter in one vector, shape (n_models + 1,)."""
        return np.append(self.strengths, self.tie_parameter)

    @property
    def standard_errors(self) -> FloatArray:
        """Robust standard errors of ``parameters``, shape (n_models + 1,)."""
        errors: FloatArray = np.sqrt(np.maximum(np.diag(self.covariance), 0))
        return errors

    @property
    def outcomes(self) -> tuple[str, ...]:
        """Winner labels that the model tells apart; "tie" includes both_bad when "both_bad" is missing."""
        return likelihood_of(self.model).outcomes

    def probabilities(self, first: ModelId, second: ModelId) -> pd.Series:
        """Compute the probability of each outcome of a vote between two models, summing to 1."""
        for name in (first, second):
            if name not in self.models:
                raise InvalidOptionError(f"{name!r} is not among the models of this fit: check the name.")
        a, b = (self.strengths[[self.models.index(name)]] for name in (first, second))
        logs = likelihood_of(self.model).log_probabilities(a, b, self.tie_parameter)
        return pd.Series(np.exp(logs[:, 0]), index=list(self.outcomes))


def tie_loss(
    parameters: FloatArray,
    comparisons: Comparisons,
    *,
    model: TieModel,
    both_bad: BothBad = "tie",
    ridge: float = 0.0,
) -> float:
    """Compute the penalised negative log-likelihood of a model with ties.

    Minus the sum over votes of weight * log P(outcome), plus ridge * (sum(s ** 2) + t ** 2) / 2, where t is the
    tie parameter on its logarithmic scale: eta of the grounded model, log(nu) of Davidson, log(exp(eta) - 1) of
    Rao-Kupper. t = 0 makes a win, a loss and a tie equally likely between equals.

    Parameters
    ----------
    parameters : float64, shape (n_models + 1,)
        Strengths (natural log-odds), then the tie parameter.
    comparisons : Comparisons
    model : "rao-kupper", "davidson" or "grounded"
    both_bad : "tie" or "exclude", default "tie"
    ridge : float, default 0.0
        Weight of the penalty, in votes.

    Returns
    -------
    float
        Infinite outside the range of the tie parameter (eta <= 0 of Rao-Kupper).
    """
    return _objective(comparisons, model, both_bad, ridge).loss(parameters)


def tie_gradient(
    parameters: FloatArray,
    comparisons: Comparisons,
    *,
    model: TieModel,
    both_bad: BothBad = "tie",
    ridge: float = 0.0,
) -> FloatArray:
    """Compute the gradient of `tie_loss`, whose parameters it takes; shape (n_models + 1,), in votes."""
    return _objective(comparisons, model, both_bad, ridge).gradient(parameters)


def tie_hessian(
    parameters: FloatArray,
    comparisons: Comparisons,
    *,
    model: TieModel,
    both_bad: BothBad = "tie",
    ridge: float = 0.0,
) -> FloatArray:
    """Compute the Hessian of `tie_loss`, whose parameters it takes; shape (n_models + 1, n_models + 1)."""
    return _objective(comparisons, model, both_bad, ridge).hessian(parameters)


def fit_ties(
    comparisons: Comparisons,
    *,
    model: TieModel = "rao-kupper",
    both_bad: BothBad = "tie",
    ridge: float = 0.0,
    tolerance: float = 1e-10,
    max_iterations: int = 100,
) -> TiesFit:
    """Estimate strengths and the tie parameter together, by maximum likelihood.

    With d = s[a] - s[b], pi = exp(s), sigma the logistic function and one tie parameter for all pairs:

    - "rao-kupper": P(a wins) = sigma(d - eta), P(b wins) = sigma(-d - eta), a tie is the rest [RK67];
    - "davidson": P(a wins) : P(b wins) : P(tie) = pi_a : pi_b : nu * sqrt(pi_a * pi_b) [Dav70];
    - "grounded": P(a wins) = pi_a / (pi_a + (1 + exp(eta)) * pi_b + 1), P(b wins) alike,
      P(both bad) = 1 / (1 + pi_a + pi_b), a tie is the rest, which is never negative [P2L25].

    Parameters
    ----------
    comparisons : Comparisons
    model : "rao-kupper", "davidson" or "grounded", default "rao-kupper"
    both_bad : "tie" or "exclude", default "tie"
        In the first two models both_bad is a tie, or is left out. The grounded model keeps it apart.
    ridge : float, default 0.0
        Weight of the penalty, in votes; see `tie_loss`. Above 0 a finite maximum always exists.
    tolerance : float, default 1e-10
        Newton stops after a full step that moves no parameter by more than this, or than this multiple of
        the largest parameter.
    max_iterations : int, default 100
        Newton steps allowed.

    Returns
    -------
    TiesFit

    Raises
    ------
    EmptyComparisonsError
        With fewer than two models.
    DisconnectedComparisonsError, SeparableComparisonsError
        As from `fit_bradley_terry`; never from the grounded model, whose zero connects all models.
    NoFiniteMaximumError
        Without ridge: if no vote is a tie, or every vote is one; if no vote is both_bad (grounded); if some
        models never won or tied, or were never called bad nor lost or tied to models that were, directly
        or through others (grounded); or if strengths far apart at every win and close at every tie explain
        all votes. For the first two models these conditions are exact (without ties Rao-Kupper has a maximum, but
        at eta = 0, where it is Bradley-Terry); for the grounded model a maximum surely exists when they do not hold.
    NotConvergedError
        If no full step within ``max_iterations`` is shorter than ``tolerance``, or the votes are too lopsided for
        double precision: 1e11 and more beside a few that alone tell a parameter (both_bad, for example).
    InvalidOptionError
        If an option is unknown or out of its range.

    Notes
    -----
    In the first two models only differences of strengths are identified; their mean is held at zero. The grounded
    model has an absolute zero: exp(s) is a model's odds of not being called bad beside an opponent that is worthless,
    and these odds add up, P(not both bad) : P(both bad) = pi_a + pi_b.

    The first two losses are convex, so the maximum is unique. The grounded loss is not convex everywhere: Newton's
    method goes downhill from each model's log-odds of winning, with a damped Hessian where the Hessian is not
    positive definite. No second maximum has been found: random starts all end at the same one, on real votes and on
    small random boards. A step costs O(n_pairs + n_models ** 3).

    References
    ----------
    [Dav70] Davidson. On Extending the Bradley-Terry Model to Accommodate Ties. 1970.
            doi:10.1080/01621459.1970.10481082
    [Ford57] Ford. Solution of a Ranking Problem from Binary Comparisons. 1957. doi:10.2307/2308513
    [P2L25] Frick et al. Prompt-to-Leaderboard. 2025. arXiv:2502.14855
    [RK67] Rao, Kupper. Ties in Paired-Comparison Experiments. 1967. doi:10.1080/01621459.1967.10482901
    [White82] White. Maximum Likelihood Estimation of Misspecified Models. 1982. doi:10.2307/1912526

    Examples
    --------
    >>> import pandas as pd
    >>> votes = [("x", "y", "model_a", 5), ("x", "y", "model_b", 2), ("y", "z", "model_a", 4)]
    >>> votes += [("y", "z", "model_b", 3), ("z", "x", "tie", 6)]
    >>> battles = pd.DataFrame(votes, columns=["model_a", "model_b", "winner", "count"])
    >>> fit = fit_ties(Comparisons.from_battles(battles), model="davidson")
    >>> fit.probabilities("x", "z").round(3).to_dict()
    {'model_a': 0.457, 'model_b': 0.245, 'tie': 0.298}
    """
    require_counted(comparisons)
    _check_numbers(ridge, tolerance, max_iterations)
    objective = _objective(comparisons, model, both_bad, ridge)
    _require_finite_maximum(objective)
    try:
        with single_threaded_blas():
            parameters, iterations = objective.minimise(objective.start(), tolerance, max_iterations)
    except linalg.LinAlgError as error:
        raise NotConvergedError(iterations=0, last_step=np.inf, tolerance=tolerance) from error
    return TiesFit(
        model=model,
        both_bad=both_bad,
        models=comparisons.models,
        strengths=parameters[:-1],
        tie_parameter=float(parameters[-1]),
        ridge=ridge,
        iterations=iterations,
        objective=objective,
    )


def clustered_tie_covariance(fit: TiesFit, battles: Battles, *, cluster: str = "voter") -> FloatArray:
    """Compute the covariance of strengths and tie parameter when votes of one voter may depend on each other.

    V = H+ B H+ with B = G / (G - 1) * sum of g g', where g is the sum of weight times score over one cluster's
    votes and G the number of clusters [LZ86].

    Parameters
    ----------
    fit : TiesFit
    battles : DataFrame, Arrow Table or RecordBatch
        The votes that were fitted; counts per pair would not tell a voter's ties from a win and a loss.
    cluster : str, default "voter"
        Column of those whose votes may depend on each other.

    Returns
    -------
    float64, shape (n_models + 1, n_models + 1)
        As ``fit.covariance``, which takes votes as independent. A model whose votes all come from one voter looks
        too certain here: use the larger variance of the two.

    Raises
    ------
    InvalidComparisonsError
        If the table breaks the data convention.
    InvalidOptionError
        If the votes name other models than the fit, or come from fewer than two clusters.

    References
    ----------
    [LZ86] Liang, Zeger. Longitudinal Data Analysis Using Generalized Linear Models. 1986.
           doi:10.1093/biomet/73.1.13
    """
    placed = place_votes_canonically(battles, cluster=cluster, models=fit.models)
    objective = _objective(placed.comparisons, fit.model, fit.both_bad, fit.ridge)
    kept = placed.outcome < (3 if fit.both_bad == "exclude" else len(WINNERS))
    outcome = np.minimum(placed.outcome, len(fit.outcomes) - 1)[kept]
    clusters, code = np.unique(
        placed.cluster[kept] if placed.cluster is not None else [], return_inverse=True
    )
    if len(clusters) < 2:
        raise InvalidOptionError(
            f"All votes come from {len(clusters)} {cluster}: clustered intervals need two or more. "
            "Use the fit's own covariance, which treats votes as independent."
        )
    weight = (placed.count * placed.weight)[kept]
    meat = objective.clustered_meat(fit.parameters, placed.pair[kept], outcome, weight, code)
    return sandwich_product(fit.inverse_hessian, meat)


def _objective(comparisons: Comparisons, model: TieModel, both_bad: BothBad, ridge: float) -> TieObjective:
    likelihood = likelihood_of(model)
    if both_bad not in ("tie", "exclude"):
        raise InvalidOptionError(f"both_bad is {both_bad!r}: it is 'tie' or 'exclude'.")
    if both_bad == "exclude":
        if likelihood.absolute:
            raise InvalidOptionError("The grounded model is about both_bad votes: it cannot exclude them.")
        comparisons = without_both_bad(comparisons)
    return TieObjective(
        likelihood=likelihood,
        comparisons=comparisons,
        weights=OutcomeWeights(_by_outcome(comparisons.weights, likelihood)),
        squared_weights=_by_outcome(comparisons.squared_weights, likelihood),
        ridge=ridge,
    )


def _by_outcome(values: FloatArray, likelihood: TieLikelihood) -> FloatArray:
    """Sum winner labels that the model does not tell apart, shape (n_outcomes, n_pairs)."""
    if len(likelihood.outcomes) == len(WINNERS):
        return np.ascontiguousarray(values.T)
    return np.stack([values[:, 0], values[:, 1], values[:, 2] + values[:, 3]])


def _require_finite_maximum(objective: TieObjective) -> None:
    if len(objective.comparisons.models) < 2:
        raise EmptyComparisonsError(objective.comparisons.models)
    if objective.ridge > 0:
        return
    if objective.likelihood.absolute:
        require_grounded_maximum(objective.comparisons)
    else:
        require_relative_maximum(objective.comparisons)


def _check_numbers(ridge: float, tolerance: float, max_iterations: int) -> None:
    if not (np.isfinite(ridge) and ridge >= 0):
        raise InvalidOptionError(f"ridge is {ridge!r}: it is a finite number of votes, 0 or more.")
    if not tolerance > 0:
        raise InvalidOptionError(f"tolerance is {tolerance!r}: it is a number above 0, such as 1e-10.")
    if max_iterations < 1:
        raise InvalidOptionError(f"max_iterations is {max_iterations!r}: it is 1 or more.")
