"""Multinomial counts by the million: the votes of a bootstrap round, drawn cell by cell."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import special

from ratings.arrays import FloatArray, IntArray

_Words = npt.NDArray[np.uint32]

_RESERVE = 3.0
"""Poisson counts aim this many standard deviations below the total; single draws fill the rest."""

_LARGEST_TABLED = 1000
_MOST_TABLES = 2000
_FEWEST_DRAWS = 300_000
_FEWEST_TABLED = 3_000_000
"""Counts to be drawn from which on building the tables takes less time than they save."""

_LARGEST_URN = 1 << 24
_CHUNK = 20_000


@dataclass(frozen=True, kw_only=True, eq=False)
class _AliasTables:
    """One Poisson distribution a row, each over the same power of two of slots.

    The upper bits of a slot's word are the share of the slot that keeps its own value; the lower ``bits``
    name the slot whose value the rest takes.
    """

    words: _Words
    lowest: IntArray
    bits: int


class MultinomialSampler:
    """Draws how often each kind occurs when the given counts are resampled with replacement.

    Parameters
    ----------
    counts : float64, shape (n_kinds,)
        How often each kind occurs, above 0; a round draws round(sum(counts)) times with probabilities in
        proportion.
    rounds : int
        About how many rounds will be drawn, which decides what pays off.

    Notes
    -----
    A multinomial draw is independent Poisson counts given their total. The counts are therefore drawn as Poisson
    with means slightly below ``counts``, and single draws from all kinds fill what is missing to the total, which
    is exact: half the time of a binomial draw for each kind. Where many are drawn, small means come from alias tables
    [Walker77], one for each distinct mean, which halve it again. The tables resolve probabilities to 2 ** -32.

    References
    ----------
    [Walker77] Walker. An Efficient Method for Generating Discrete Random Variables with General Distributions.
               1977. doi:10.1145/355744.355749
    """

    def __init__(self, counts: FloatArray, rounds: int) -> None:
        self.total = round(float(counts.sum()))
        self._probabilities = counts / counts.sum()
        draws = len(counts) * rounds
        self._by_poisson = draws >= _FEWEST_DRAWS and self.total > 4 * _RESERVE**2
        if not self._by_poisson:
            return
        tabled = counts <= (_LARGEST_TABLED if draws >= _FEWEST_TABLED else 0)
        means, row = np.unique(counts[tabled], return_inverse=True)
        if len(means) > _MOST_TABLES:
            tabled, row = np.zeros(len(counts), dtype=bool), row[:0]
        thinning = 1 - _RESERVE / np.sqrt(self.total)
        self._tabled, self._row = np.flatnonzero(tabled), row
        self._tables = _poisson_tables(means * thinning) if len(row) else None
        self._large, self._large_means = np.flatnonzero(~tabled), counts[~tabled] * thinning
        self._cumulative = np.cumsum(self._probabilities)
        self._urn = _urn(counts) if self.total <= _LARGEST_URN else None

    def draw(self, rng: np.random.Generator, rounds: int) -> FloatArray:
        """Draw whole numbers, shape (n_kinds, rounds); each column adds up to the total."""
        if not self._by_poisson:
            return self._plainly(rng, rounds)
        counts = np.empty((len(self._probabilities), rounds))
        if self._tables is not None:
            step = max(_CHUNK // rounds, 1)
            for start in range(0, len(self._row), step):
                rows = slice(start, start + step)
                counts[self._tabled[rows]] = _draw_from_tables(rng, self._tables, self._row[rows], rounds)
        counts[self._large] = rng.poisson(self._large_means[:, np.newaxis], (len(self._large), rounds))
        missing = self.total - counts.sum(axis=0).astype(np.int64)
        self._fill_up(rng, counts, np.maximum(missing, 0))
        overfull = missing < 0
        counts[:, overfull] = self._plainly(rng, int(overfull.sum()))
        return counts

    def _plainly(self, rng: np.random.Generator, rounds: int) -> FloatArray:
        return rng.multinomial(self.total, self._probabilities, size=rounds).T.astype(np.float64)

    def _fill_up(self, rng: np.random.Generator, counts: FloatArray, sizes: IntArray) -> None:
        """Draw so many single kinds for each round, and add them to ``counts``."""
        kinds, rounds = counts.shape
        size = int(sizes.sum())
        if self._urn is not None:
            drawn = np.take(self._urn, rng.integers(0, len(self._urn), size=size, dtype=np.uint32)).astype(
                np.int64
            )
        else:
            drawn = np.searchsorted(self._cumulative, rng.random(size), side="right")
            drawn = np.minimum(drawn, kinds - 1)
        drawn *= rounds
        drawn += np.repeat(np.arange(rounds), sizes)
        counts += np.bincount(drawn, minlength=kinds * rounds).reshape(kinds, rounds)


def _urn(counts: FloatArray) -> npt.NDArray[np.unsignedinteger] | None:
    """Put each kind into an urn as often as it occurs; None where that is no whole number."""
    if not (counts == np.round(counts)).all():
        return None
    kinds = np.arange(len(counts), dtype=np.min_scalar_type(len(counts)))
    return np.repeat(kinds, counts.astype(np.int64))


def _draw_from_tables(rng: np.random.Generator, tables: _AliasTables, row: IntArray, rounds: int) -> IntArray:
    low_bits = np.uint32((1 << tables.bits) - 1)
    draw = rng.integers(0, 1 << 32, size=(len(row), rounds), dtype=np.uint32)
    slot = draw & low_bits
    word = np.take(tables.words, slot + (row << tables.bits)[:, np.newaxis])
    chosen = np.where(draw < (word & ~low_bits), slot, word & low_bits)
    return chosen + tables.lowest[row][:, np.newaxis]


def _poisson_tables(means: FloatArray) -> _AliasTables:
    spread = 7 * np.sqrt(means) + 12
    lowest = np.maximum(np.floor(means - spread), 0).astype(np.int64)
    widest = int(np.max(np.ceil(means + spread) - lowest, initial=1))
    bits = widest.bit_length()
    values = (lowest[:, np.newaxis] + np.arange(1 << bits)).astype(np.float64)
    log_masses = values * np.log(means)[:, np.newaxis] - means[:, np.newaxis] - special.gammaln(values + 1)
    masses = np.exp(log_masses)
    kept, alias = _alias(masses / masses.sum(axis=1, keepdims=True))
    shares = np.minimum(kept * 2.0 ** (32 - bits), 2.0 ** (32 - bits) - 1).astype(np.uint32)
    return _AliasTables(
        words=((shares << np.uint32(bits)) | alias.astype(np.uint32)).ravel(), lowest=lowest, bits=bits
    )


def _alias(probabilities: FloatArray) -> tuple[FloatArray, IntArray]:
    """Compute, for all rows at once, what share of its slot each value keeps, and who takes the rest.

    Lighter slots (below 1 / size) are filled up by the first heavier one that has anything left; once that is
    itself down to at most one slot, the next heavier one fills it up.
    """
    rows, size = probabilities.shape
    masses = probabilities * size
    order = np.argsort(masses > 1, axis=1, kind="stable")
    each = np.arange(rows)
    light, heavy = np.zeros(rows, dtype=np.int64), size - np.sum(masses > 1, axis=1)
    last_light = heavy.copy()
    kept, alias = np.ones((rows, size)), np.tile(np.arange(size), (rows, 1))
    left = masses[each, order[each, np.minimum(heavy, size - 1)]]
    for _ in range(size):
        giving = (left > 1) | (heavy >= size - 1)
        fills = giving & (light < last_light)
        passes = ~giving
        filled = np.where(fills, light, np.minimum(heavy, size - 1))
        giver = order[each, np.minimum(heavy + passes, size - 1)]
        slot = order[each, filled]
        share = np.where(fills, masses[each, slot], left)
        changed = fills | passes
        kept[each[changed], slot[changed]] = share[changed]
        alias[each[changed], slot[changed]] = giver[changed]
        left = np.where(fills, left + share - 1, np.where(passes, left + masses[each, giver] - 1, left))
        light, heavy = light + fills, heavy + passes
    return kept, alias
