"""The bootstrap: boards of resampled votes, or of resampled voters."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from scipy import sparse

from ratings.arrays import BoolArray, FloatArray, IntArray, ModelId, begins
from ratings.bradley_terry import BradleyTerryFit, fit_bradley_terry, win_probabilities
from ratings.clusters import all_cells
from ratings.comparisons import ClusterCells, Comparisons
from ratings.confidence import check_confidence
from ratings.errors import InvalidOptionError, NoFiniteMaximumError
from ratings.linear_algebra import single_threaded_blas
from ratings.multinomial import MultinomialSampler
from ratings.scale import rating_from_strength
from ratings.threads import in_order, thread_count

_BLOCK = 50
"""Rounds solved together. Each block has its own random stream, so the number of threads changes nothing."""

_LARGEST_BLOCK = 5_000_000
"""Counts of one block, which keeps it to 40 MB."""

_TOLERANCE = 1e-8
_MOST_PASSES = 40

_NO_WIN = 1e-12

_EXPECTED_SHARE = 0.01
"""Share of the fitted votes added to a round that has no finite maximum of its own."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Bootstrap:
    """Strengths of boards fitted to resampled votes.

    Attributes
    ----------
    models : tuple
        Sorted names, length n_models.
    strengths : float64, shape (rounds, n_models)
        Natural log-odds; each row has mean zero.
    unbounded : int
        Rounds whose votes had no finite maximum (some model never won, never lost, or was cut off); these were
        fitted with 1 % of the votes that the full board expects added.
    cluster : str or None
        The column whose members were resampled as a whole; None: single votes.
    """

    models: tuple[ModelId, ...]
    strengths: FloatArray
    unbounded: int
    cluster: str | None

    def covariance(self) -> FloatArray:
        """Compute the covariance of the strengths over the rounds, shape (n_models, n_models)."""
        deviation = self.strengths - self.strengths.mean(axis=0)
        with single_threaded_blas():
            covariance: FloatArray = deviation.T @ deviation / (len(deviation) - 1)
        return covariance

    def intervals(self, confidence: float = 0.95) -> tuple[FloatArray, FloatArray]:
        """Compute percentile intervals of the ratings.

        Parameters
        ----------
        confidence : float, default 0.95
            Coverage of each single interval, between 0 and 1.

        Returns
        -------
        lower, upper : float64, shape (n_models,)
            Rating points.

        Raises
        ------
        InvalidOptionError
            If ``confidence`` is not between 0 and 1, or fewer than one round lies outside on each side.
        """
        check_confidence(confidence)
        tail = (1 - confidence) / 2
        if len(self.strengths) * tail < 1:
            raise InvalidOptionError(
                f"{len(self.strengths)} rounds do not reach the ends of a {confidence:.4g} interval: "
                f"draw {int(np.ceil(1 / tail))} or more."
            )
        lower, upper = np.quantile(self.strengths, [tail, 1 - tail], axis=0)
        return rating_from_strength(lower), rating_from_strength(upper)


def bootstrap(
    comparisons: Comparisons,
    rounds: int,
    rng: np.random.Generator,
    *,
    cluster: str | None = None,
    ridge: float = 0.0,
    threads: int | None = None,
) -> Bootstrap:
    """Fit boards to votes resampled with replacement.

    Parameters
    ----------
    comparisons : Comparisons
    rounds : int
        Number of boards, 2 or more.
    rng : Generator
        The only source of randomness; streams for blocks of rounds are spawned from it.
    cluster : str, optional
        The column given to ``Comparisons.from_battles(..., cluster=...)``: its members (voters) are resampled,
        each with all votes. None: single votes are resampled.
    ridge : float, default 0.0
        As in `fit_bradley_terry`.
    threads : int, optional
        Blocks of rounds worked on at the same time; by default one for each processor, 8 at most.
        Changes no byte.

    Returns
    -------
    Bootstrap

    Raises
    ------
    InvalidOptionError
        If ``rounds`` or ``threads`` is too small, or the votes are not kept apart by ``cluster``.
    NoFiniteMaximumError
        If the votes themselves do not determine finite strengths and ``ridge`` is 0.

    Notes
    -----
    The half-win likelihood sees a vote only through its pair and outcome, so a round is one multinomial draw of
    counts, whatever the number of votes. Starting from the full fit, each round repeats Newton steps with
    the full fit's inverse Hessian, until the shrinking of the steps shows every strength within 1e-8 of its limit;
    the few rounds that do not get there are fitted by `fit_bradley_terry`.

    Unequal weights within a cell are resampled as the equal weights with the same sum and sum of squares.

    A resampled board may have no finite maximum where the full one has: a model with one win loses it in every
    third round. Leaving such rounds out would make the model look surer than it is. They are counted in
    ``unbounded`` and fitted with 1 % of the expected votes of the full board added, which moves such a
    model some 800 points away and leaves one without votes at its estimate. Where these rounds reach the end of an
    interval, that end is as arbitrary as this share.

    References
    ----------
    [Efron79] Efron. Bootstrap Methods: Another Look at the Jackknife. 1979. doi:10.1214/aos/1176344552

    Examples
    --------
    >>> import pandas as pd
    >>> battles = pd.DataFrame(
    ...     {"model_a": ["x", "x"], "model_b": ["y", "y"], "winner": ["model_a", "model_b"], "count": [60, 40]}
    ... )
    >>> boards = bootstrap(Comparisons.from_battles(battles), 1000, np.random.default_rng(1))
    >>> boards.strengths.shape
    (1000, 2)
    >>> float(np.sqrt(boards.covariance()[0, 0]).round(1))
    0.1
    """
    if rounds < 2:
        raise InvalidOptionError(
            f"rounds is {rounds}: a spread shows in 2 or more, and an interval needs some 1000."
        )
    ballots = _voters(comparisons, cluster) if cluster else _single_votes(comparisons)
    boards = _Boards(comparisons, fit_bradley_terry(comparisons, ridge=ridge))
    sampler = MultinomialSampler(ballots.counts, rounds)

    def block(job: tuple[np.random.Generator, int]) -> tuple[FloatArray, int]:
        counts = sampler.draw(*job)
        return boards.fit(ballots.total @ counts, ballots.score @ counts)

    jobs = list(_blocks(rng, rounds, len(ballots.counts)))
    fitted = list(in_order(block, jobs, thread_count(threads)))
    return Bootstrap(
        models=comparisons.models,
        strengths=np.concatenate([strengths.T for strengths, _ in fitted]),
        unbounded=sum(unbounded for _, unbounded in fitted),
        cluster=cluster,
    )


def _blocks(rng: np.random.Generator, rounds: int, kinds: int) -> Iterator[tuple[np.random.Generator, int]]:
    size = min(_BLOCK, max(_LARGEST_BLOCK // kinds, 1))
    starts = range(0, rounds, size)
    for start, stream in zip(starts, rng.spawn(len(starts)), strict=True):
        yield stream, min(size, rounds - start)


@dataclass(frozen=True, kw_only=True, eq=False)
class _Ballots:
    """What is resampled: kinds of votes or of voters, how many there are, and what one adds to each pair."""

    counts: FloatArray
    total: sparse.csr_array
    score: sparse.csr_array


def _single_votes(comparisons: Comparisons) -> _Ballots:
    weight = _merge_ties(comparisons.weights)
    squared = _merge_ties(comparisons.squared_weights)
    pair, outcome = np.nonzero(weight)
    # So many votes of one weight have the same sum and sum of squares.
    counts = weight[pair, outcome] ** 2 / squared[pair, outcome]
    each = squared[pair, outcome] / weight[pair, outcome]
    won = each * np.array([1, 0, 0.5])[outcome]
    return _ballots(comparisons, counts, np.arange(len(pair)), pair, each, won)


def _merge_ties(cells: FloatArray) -> FloatArray:
    return np.stack([cells[:, 0], cells[:, 1], cells[:, 2] + cells[:, 3]], axis=1)


def _voters(comparisons: Comparisons, cluster: str) -> _Ballots:
    """Count voters with the same votes on one pair as one kind; every other voter is a kind of its own."""
    cells = all_cells(comparisons.clusters)
    if cells is None or cells.column != cluster:
        raise InvalidOptionError(
            f"These comparisons do not keep {cluster!r} apart: "
            f"build them with Comparisons.from_battles(battles, cluster={cluster!r})."
        )
    if cells.size < 2:
        raise InvalidOptionError(f"All votes come from {cells.size} {cluster}: resampling needs two or more.")
    cells = cells.by_votes()
    member = np.unique(cells.cluster, return_inverse=True)[1]
    alone = np.bincount(member)[member] == 1
    examples, counts = _distinct(cells, np.flatnonzero(alone))
    others, place = np.unique(member[~alone], return_inverse=True)
    cell = np.concatenate([examples, np.flatnonzero(~alone)])
    return _ballots(
        comparisons,
        np.concatenate([counts, np.ones(len(others))]),
        np.concatenate([np.arange(len(examples)), len(examples) + place]),
        cells.pair[cell],
        cells.weight[cell],
        cells.score[cell],
    )


def _distinct(cells: ClusterCells, chosen: IntArray) -> tuple[IntArray, FloatArray]:
    """Return one example of each distinct cell among the chosen ones, and how many there are of it."""
    columns = [values[chosen] for values in (cells.score, cells.weight, cells.pair)]
    order = np.lexsort(columns)
    starts = np.flatnonzero(begins(*(values[order] for values in columns)))
    return chosen[order[starts]], np.diff(starts, append=len(chosen)).astype(np.float64)


def _ballots(
    comparisons: Comparisons,
    counts: FloatArray,
    kind: IntArray,
    pair: IntArray,
    weight: FloatArray,
    score: FloatArray,
) -> _Ballots:
    shape = (len(comparisons.first), len(counts))
    return _Ballots(
        counts=counts,
        total=sparse.csr_array((weight, (pair, kind)), shape=shape),
        score=sparse.csr_array((score, (pair, kind)), shape=shape),
    )


class _Boards:
    """Fits many boards of the same pairs at once, from the full fit as their start."""

    def __init__(self, comparisons: Comparisons, fit: BradleyTerryFit) -> None:
        self._comparisons, self._fit = comparisons, fit
        size, pairs = len(comparisons.models), len(comparisons.first)
        signs = np.repeat([1.0, -1.0], pairs)
        place = (np.concatenate([comparisons.first, comparisons.second]), np.tile(np.arange(pairs), 2))
        self._net = sparse.csr_array((signs, place), shape=(size, pairs))

    def fit(self, total: FloatArray, score: FloatArray) -> tuple[FloatArray, int]:
        """Fit the boards with these weights, shape (n_pairs, n_boards); return strengths, and how many are unbounded.

        Strengths have shape (n_models, n_boards).
        """
        strengths, arrived = self._descend(total, score)
        unbounded = 0
        for board in np.flatnonzero(~arrived):
            strengths[:, board], without_maximum = self._fit_alone(total[:, board], score[:, board])
            unbounded += without_maximum
        return strengths - strengths.mean(axis=0), unbounded

    def _descend(self, total: FloatArray, score: FloatArray) -> tuple[FloatArray, BoolArray]:
        strengths = np.repeat(self._fit.strengths[:, np.newaxis], total.shape[1], axis=1)
        moved = np.zeros(total.shape[1])
        # A board without a finite maximum may run away here; it then has not arrived.
        with np.errstate(over="ignore", invalid="ignore"):
            for _ in range(_MOST_PASSES):
                step = self._fit.inverse_hessian @ self._pull(strengths, total, score)
                strengths += step
                before, moved = moved, np.abs(step).max(axis=0)
                # With steps that shrink by moved / before, this bounds the way that is still to go.
                arrived: BoolArray = np.square(moved) <= _TOLERANCE * (before - moved)
                if arrived.all():
                    break
        return strengths, arrived

    def _pull(self, strengths: FloatArray, total: FloatArray, score: FloatArray) -> FloatArray:
        """Compute the negative gradient of each board, with as few passes over the pairs as possible."""
        odds = np.exp(strengths)
        surplus = np.take(odds, self._comparisons.first, axis=0)
        odds_of_pair = np.take(odds, self._comparisons.second, axis=0)
        odds_of_pair += surplus
        surplus /= odds_of_pair
        surplus *= total
        np.subtract(score, surplus, out=surplus)
        pull: FloatArray = self._net @ surplus - self._fit.ridge * strengths
        return pull

    def _fit_alone(self, total: FloatArray, score: FloatArray) -> tuple[FloatArray, bool]:
        ridge = self._fit.ridge
        try:
            return fit_bradley_terry(self._weighed(total, score), ridge=ridge).strengths, False
        except NoFiniteMaximumError:
            full = self._comparisons.total * _EXPECTED_SHARE
            total = total + full
            score = score + full * win_probabilities(self._fit.strengths, self._comparisons)
            return fit_bradley_terry(self._weighed(total, score), ridge=ridge).strengths, True

    def _weighed(self, total: FloatArray, score: FloatArray) -> Comparisons:
        weights = np.zeros((len(total), 4))
        weights[:, 0], weights[:, 1] = score, total - score
        # What rounding left of a difference of equal numbers is no win.
        weights[weights < _NO_WIN * total[:, np.newaxis]] = 0
        return replace(self._comparisons, weights=weights, clusters=None)
