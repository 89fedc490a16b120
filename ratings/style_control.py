"""Style control: strengths with the effect of length, markup or side of an answer taken out."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from ratings.aggregation import count_pairs
from ratings.arrays import FloatArray, IntArray, ModelId
from ratings.bradley_terry import fit_bradley_terry
from ratings.columns import Battles
from ratings.comparisons import Comparisons
from ratings.confidence import two_sided_quantile
from ratings.encoded_votes import EncodedVotes
from ratings.encoding import EncodedBattles, encode_battles
from ratings.errors import InvalidOptionError
from ratings.feature_columns import Definition, feature_columns
from ratings.rank_sets import never_narrower
from ratings.row_sums import StylePoint
from ratings.standardisation import Standardisation, standardise
from ratings.style_blocks import Contrasts, StyleDesign, style_design
from ratings.style_newton import (
    StyleMinimum,
    StyleProblem,
    clustered_style_sandwich,
    minimise_style,
    style_sandwich,
)
from ratings.style_rows import StyleMoments, style_rows
from ratings.style_sums import StyleScores, StyleSums, style_scores, style_sums
from ratings.threads import thread_count


@dataclass(frozen=True, kw_only=True, eq=False)
class StyleControlFit:
    """The result of a style-controlled fit.

    Attributes
    ----------
    models : tuple of str
        Sorted names, length n_models.
    strengths : float64, shape (n_models,)
        Natural log-odds at equal style, mean zero.
    coefficient_names : tuple of str
        The features, then side_bias if it was asked for; length n_coefficients.
    coefficients : float64, shape (n_coefficients,)
        Natural log-odds per standard deviation of a feature, and for standing on side a.
    standardisation : Standardisation
        Mean and scale of each feature over the votes.
    inverse_hessian : float64, shape (n_models + n_coefficients,) twice
        Strengths first; inverse of the Hessian on vectors whose strengths have mean zero.
    independent_covariance : float64, the same shape
        Sandwich covariance of strengths and coefficients for independent votes.
    clustered_covariance : float64, the same shape, or None
        Where the votes of a cluster may depend on each other.
    cluster : str or None
        The column that named the clusters.
    ridge, style_ridge : float
        The penalties that were used, in votes.
    loss : float
        Penalised negative log-likelihood.
    gradient_norm : float
        Bound on what is left of the gradient, relative to the votes that it sums up: those of the model, or all.
    iterations : int
        Newton steps taken.
    """

    models: tuple[ModelId, ...]
    strengths: FloatArray
    coefficient_names: tuple[str, ...]
    coefficients: FloatArray
    standardisation: Standardisation
    inverse_hessian: FloatArray
    independent_covariance: FloatArray
    clustered_covariance: FloatArray | None
    cluster: str | None
    ridge: float
    style_ridge: float
    loss: float
    gradient_norm: float
    iterations: int

    def reordered(self, order: IntArray) -> "StyleControlFit":
        """Put the models into another order.

        Parameters
        ----------
        order : int64, shape (n_models,)
            A permutation: which of ``models`` comes in each place.

        Returns
        -------
        StyleControlFit
        """
        place = np.concatenate([order, np.arange(len(order), len(order) + len(self.coefficients))])
        both = np.ix_(place, place)
        return replace(
            self,
            models=tuple(self.models[model] for model in order),
            strengths=self.strengths[order],
            inverse_hessian=self.inverse_hessian[both],
            independent_covariance=self.independent_covariance[both],
            clustered_covariance=None
            if self.clustered_covariance is None
            else self.clustered_covariance[both],
        )

    def strength_covariance(self) -> FloatArray:
        """Return that of the strengths: clustered, where there are clusters, and no variance below independence."""
        size = len(self.models)
        independent = self.independent_covariance[:size, :size]
        if self.clustered_covariance is None:
            return independent
        clustered = self.clustered_covariance[:size, :size]
        # In an order that names have no part in, so that they do not change the last bits.
        order = np.lexsort([np.diag(clustered), np.diag(independent), self.strengths])
        both, back = np.ix_(order, order), np.argsort(order)
        return never_narrower(clustered[both], independent[both])[np.ix_(back, back)]

    def standard_errors(self) -> FloatArray:
        """Return those of strengths and coefficients, the wider of clustered and independent ones."""
        variance = np.diag(self.independent_covariance)
        if self.clustered_covariance is not None:
            variance = np.maximum(variance, np.diag(self.clustered_covariance))
        error: FloatArray = np.sqrt(np.maximum(variance, 0))
        return error

    def coefficient_table(self, *, confidence: float = 0.95) -> pd.DataFrame:
        """Tabulate the coefficients with normal intervals.

        Parameters
        ----------
        confidence : float, default 0.95
            Coverage of each single interval, between 0 and 1.

        Returns
        -------
        DataFrame, n_coefficients rows
            Columns name, coefficient, standard_error, lower, upper (natural log-odds), mean, scale.

        Raises
        ------
        InvalidOptionError
            If ``confidence`` is not between 0 and 1.
        """
        error = self.standard_errors()[len(self.models) :]
        margin = two_sided_quantile(confidence) * error
        unscaled = [np.nan] * (len(self.coefficients) - len(self.standardisation.mean))
        return pd.DataFrame(
            {
                "name": self.coefficient_names,
                "coefficient": self.coefficients,
                "standard_error": error,
                "lower": self.coefficients - margin,
                "upper": self.coefficients + margin,
                "mean": [*self.standardisation.mean, *unscaled],
                "scale": [*self.standardisation.scale, *unscaled],
            }
        )


def fit_style_control(
    battles: Battles | EncodedVotes,
    *,
    features: Sequence[str] = ("tokens", "headers", "lists", "bold"),
    side_bias: bool = False,
    definition: Definition = "symmetric",
    ridge: float = 0.0,
    style_ridge: float = 0.0,
    cluster: str | None = None,
    tolerance: float = 1e-15,
    max_iterations: int = 50,
    threads: int | None = None,
) -> StyleControlFit:
    """Estimate model strengths at equal style, and what style is worth, by maximum likelihood.

    The logit of a vote is s[a] - s[b] + z @ coefficients (+ side_bias), where z holds for each feature the
    normalised difference (f_a - f_b) / (f_a + f_b), standardised over the votes. Ties and both_bad count half a
    win for each side.

    Parameters
    ----------
    battles : DataFrame, Arrow Table, RecordBatch or EncodedVotes
        The columns of `Comparisons.from_battles`, and for each feature <feature>_a and <feature>_b: numbers,
        0 or more, such as the counts of `text_features`.
    features : sequence of str, default tokens, headers, lists, bold
        May be empty with ``side_bias``.
    side_bias : bool, default False
        Also estimate the advantage of standing on side a.
    definition : {"symmetric", "published"}, default "symmetric"
        symmetric: 0 / 0 is 0, and z is divided by its root mean square; exchanging the sides of a battle
        changes nothing. published: as in the published programs, the denominator is f_a + f_b + 1, and z has
        its mean subtracted and is divided by its standard deviation.
    ridge, style_ridge : float, default 0.0
        Weights of the penalties sum(strengths ** 2) / 2 and sum(coefficients ** 2) / 2, in votes: they act on
        the sum over votes, not on their mean.
    cluster : str, optional
        Column of voters, whose own votes may depend on each other.
    tolerance : float, default 1e-15
        Largest gradient to be left, relative to the votes that it sums up: those of the model, or all.
    max_iterations : int, default 50
    threads : int, optional
        Default: all processors, at most 8. The result has the same bytes for any number.

    Returns
    -------
    StyleControlFit

    Raises
    ------
    InvalidComparisonsError
        If a row breaks the convention, a feature value is missing, negative or not finite, a feature never
        differs, or features are linear combinations of each other and of the models.
    NoFiniteMaximumError
        As `fit_bradley_terry`, if the models alone have no finite strengths and ``ridge`` is 0.
    NotConvergedError
        If the features separate the winners from the losers, so that coefficients are infinite.
    InvalidOptionError
        If an option is out of its range, there is nothing to estimate, or the votes name fewer than two
        clusters.

    Notes
    -----
    Starts from the fit without features, from which Newton's method usually needs three steps, each one pass over
    the rows; a last pass adds up the sandwich. Rows are sorted by what they hold, so that the order of the table
    changes no byte, unless they are `EncodedVotes` of a large table; borders of chunks change the result by rounding
    only, below 1e-9. Memory: 16 bytes per row and contrast column and about 20 per row beside the table; half as much
    per column beside such `EncodedVotes`, which keep 8 bytes per row and feature for all boards. The covariances
    belong to the last evaluated point, from which the last step changes no logit by more than the root of 8 *
    tolerance, 1e-7.

    References
    ----------
    [LAC24] Li, Angelopoulos, Chiang. Does Style Matter? Disentangling Style and Substance in Chatbot Arena. 2024.
            https://lmsys.org/blog/2024-08-28-style-control/
    [White82] White. Maximum Likelihood Estimation of Misspecified Models. 1982. doi:10.2307/1912526
    [LZ86] Liang, Zeger. Longitudinal Data Analysis Using Generalized Linear Models. 1986.
           doi:10.1093/biomet/73.1.13

    Examples
    --------
    >>> battles = pd.DataFrame(
    ...     {
    ...         "model_a": ["x", "y", "x", "y", "x"],
    ...         "model_b": ["y", "x", "y", "x", "y"],
    ...         "winner": ["model_a", "model_a", "model_b", "model_b", "tie"],
    ...         "tokens_a": [300, 200, 100, 150, 100],
    ...         "tokens_b": [100, 100, 300, 100, 100],
    ...     }
    ... )
    >>> fit = fit_style_control(battles, features=["tokens"], style_ridge=0.5)
    >>> fit.coefficient_names, fit.coefficients.round(3).tolist()
    (('tokens',), [1.08])
    """
    design = style_design(features, side_bias=side_bias, definition=definition)
    columns: Contrasts
    if isinstance(battles, EncodedVotes):
        columns, encoded = battles, battles.clustered(cluster)
        counted = replace(battles.comparisons, clusters=None)
    else:
        columns = feature_columns(battles, design.features)
        encoded = encode_battles(battles, cluster=cluster)
        counted = _count(encoded)
    order = counted.canonical_order()
    comparisons = counted.reordered(order)
    clusters = None if encoded.cluster is None else int(encoded.cluster.max(initial=-1)) + 1
    workers = thread_count(threads)

    def found() -> tuple[StyleProblem, StyleMinimum]:
        rows = style_rows(encoded, columns, design, comparisons, clusters=clusters, threads=workers)
        return minimise_style_sums(
            comparisons,
            design,
            rows.moments,
            sums_at=lambda point: style_sums(rows, point, threads=workers),
            scores_at=lambda point: style_scores(rows, point, threads=workers),
            ridge=ridge,
            style_ridge=style_ridge,
            tolerance=tolerance,
            max_iterations=max_iterations,
        )

    # The rows are gone before what comes of them needs memory.
    return style_fit(*found(), cluster=cluster).reordered(np.argsort(order))


def minimise_style_sums(
    comparisons: Comparisons,
    design: StyleDesign,
    moments: StyleMoments,
    *,
    sums_at: Callable[[StylePoint], StyleSums],
    scores_at: Callable[[StylePoint], StyleScores],
    ridge: float = 0.0,
    style_ridge: float = 0.0,
    tolerance: float = 1e-15,
    max_iterations: int = 50,
) -> tuple[StyleProblem, StyleMinimum]:
    """Minimise the loss from partial sums, wherever the rows are: the engine of `fit_style_control`.

    Parameters
    ----------
    comparisons : Comparisons
        Of all rows.
    design : StyleDesign
    moments : StyleMoments
        ``StyleRows.moments`` of all chunks, added up.
    sums_at, scores_at : callable
        `style_sums` and `style_scores` of all chunks, added up. The first is called for each Newton step, the
        second, which costs half as much again, usually once.
    ridge, style_ridge, tolerance, max_iterations
        As in `fit_style_control`.

    Returns
    -------
    tuple of StyleProblem and StyleMinimum
        What `style_fit` takes.

    Raises
    ------
    RatingsError
        As `fit_style_control`.
    """
    if not (np.isfinite(style_ridge) and style_ridge >= 0):
        raise InvalidOptionError(
            f"style_ridge is {style_ridge!r}: it is a finite number of votes, 0 or more."
        )
    if not 0 < tolerance < 1:
        raise InvalidOptionError(f"tolerance is {tolerance!r}: it lies between 0 and 1, such as 1e-15.")
    start = fit_bradley_terry(comparisons, ridge=ridge)
    problem = StyleProblem(
        comparisons=comparisons,
        coefficients=design.coefficients,
        standardisation=standardise(design, moments),
        ridge=ridge,
        style_ridge=style_ridge,
    )
    minimum = minimise_style(
        sums_at,
        scores_at,
        problem,
        strengths=start.strengths,
        tolerance=tolerance,
        max_iterations=max_iterations,
    )
    return problem, minimum


def style_fit(problem: StyleProblem, minimum: StyleMinimum, *, cluster: str | None = None) -> StyleControlFit:
    """Say what is known of strengths and coefficients, with ``cluster`` as in `fit_style_control`.

    Raises
    ------
    InvalidOptionError
        If the votes name fewer than two clusters.
    """
    inverse, scores = minimum.inverse_hessian, minimum.scores
    return StyleControlFit(
        models=problem.comparisons.models,
        strengths=minimum.parameters[: problem.models],
        coefficient_names=problem.coefficients,
        coefficients=minimum.parameters[problem.models :],
        standardisation=problem.standardisation,
        inverse_hessian=inverse,
        independent_covariance=style_sandwich(problem, inverse, scores),
        clustered_covariance=clustered_style_sandwich(problem, inverse, scores, cluster) if cluster else None,
        cluster=cluster,
        ridge=problem.ridge,
        style_ridge=problem.style_ridge,
        loss=minimum.loss,
        gradient_norm=minimum.gradient_norm,
        iterations=minimum.iterations,
    )


def _count(encoded: EncodedBattles) -> Comparisons:
    pairs = count_pairs(encoded)
    return Comparisons(
        models=encoded.models,
        first=pairs.first,
        second=pairs.second,
        counts=pairs.counts,
        weights=pairs.weights,
        squared_weights=pairs.squared_weights,
    )
