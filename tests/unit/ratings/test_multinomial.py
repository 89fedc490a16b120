import numpy as np
import pytest
from scipy import stats

from ratings import multinomial
from ratings.arrays import FloatArray
from ratings.multinomial import MultinomialSampler

COUNTS = {
    "few": np.array([3.0, 1.0, 6.0]),
    "tabled": np.repeat([1.0, 2.0, 30.0, 400.0], 50),
    "with large ones": np.concatenate([np.repeat([5.0, 60.0], 100), [2_000.0, 30_000.0]]),
    "fractional": np.repeat([1.25, 60.5, 700.75], 60),
    "too large for an urn": np.concatenate([np.repeat([90.0], 150), [1.7e7]]),
}


@pytest.fixture(autouse=True, params=[0, 10**9], ids=["tables", "no tables"])
def fewest_tabled(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(multinomial, "_FEWEST_TABLED", request.param)


def draw(counts: FloatArray, rounds: int = 2000, seed: int = 1) -> FloatArray:
    return MultinomialSampler(counts, rounds).draw(np.random.default_rng(seed), rounds)


@pytest.mark.parametrize("counts", COUNTS.values(), ids=COUNTS.keys())
def test_counts_have_the_totals_means_and_covariances_of_a_multinomial(counts: FloatArray) -> None:
    drawn = draw(counts)
    total = round(counts.sum())
    assert (drawn.sum(axis=0) == total).all()
    assert (drawn >= 0).all()
    assert (drawn == np.round(drawn)).all()
    share = counts / counts.sum()
    variance = total * share * (1 - share)
    z = (drawn.mean(axis=1) - total * share) / np.sqrt(variance / drawn.shape[1])
    assert np.abs(z).max() < 5
    # A sample variance has a relative standard error near sqrt(2 / 2000) = 3.2 %, more for rare kinds.
    error = np.sqrt((2 + 1 / variance) / drawn.shape[1])
    assert (np.abs(drawn.var(axis=1) / variance - 1) < 5 * error).all()
    covariance = np.cov(drawn[0], drawn[-1])[0, 1]
    expected = -total * share[0] * share[-1]
    assert abs(covariance - expected) < 5 * np.sqrt(variance[0] * variance[-1] / drawn.shape[1])


@pytest.mark.parametrize("count", [1.0, 7.0, 150.0])
def test_a_kind_is_binomial(count: float) -> None:
    counts = np.full(200, count)
    drawn = draw(counts, rounds=3000).ravel()
    values, observed = np.unique(drawn, return_counts=True)
    expected = stats.binom.pmf(values, counts.sum(), 1 / 200) * drawn.size
    usual = expected > 20
    z = (observed - expected)[usual] / np.sqrt(expected[usual])
    assert np.abs(z).max() < 5
    assert np.square(z).mean() < 1.7


def test_the_same_stream_gives_the_same_counts() -> None:
    counts = COUNTS["tabled"]
    assert (draw(counts) == draw(counts)).all()
    assert (draw(counts) != draw(counts, seed=2)).any()
