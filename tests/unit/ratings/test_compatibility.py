import math
from pathlib import Path

import numpy as np
import orjson
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from scipy import optimize, special

from ratings.arrays import FloatArray
from ratings.comparisons import OUTCOMES
from ratings.compatibility import arena_rank_definition, fastchat_definition
from ratings.encoding import WINNERS
from ratings.errors import InvalidComparisonsError, InvalidOptionError, SeparableComparisonsError
from tests.unit.ratings.tables import battles, random_battles

LOG_10 = math.log(10)
STYLE = ("tokens", "lists")
POINTS = 1e-6


def styled(seed: int, rows: int = 300) -> pd.DataFrame:
    table = random_battles(seed, rows=rows)
    rng = np.random.default_rng(seed)
    for feature, size in zip(STYLE, (300, 2), strict=True):
        for side in "ab":
            table[f"{feature}_{side}"] = rng.poisson(size * rng.gamma(2, 0.5, rows))
    return table


class Rows:
    """One row per vote, as the peers have it."""

    def __init__(self, table: pd.DataFrame) -> None:
        self.models = sorted({*table.model_a, *table.model_b})
        index = {name: place for place, name in enumerate(self.models)}
        self.a, self.b = table.model_a.map(index).to_numpy(), table.model_b.map(index).to_numpy()
        self.y = table.winner.map(dict(zip(WINNERS, OUTCOMES, strict=True))).to_numpy(dtype=float)
        self.pair = np.minimum(self.a, self.b) * len(self.models) + np.maximum(self.a, self.b)

    def differences(self, ratings: FloatArray) -> FloatArray:
        return ratings[self.a] - ratings[self.b]

    def net(self, values: FloatArray) -> FloatArray:
        size = len(self.models)
        return np.bincount(self.a, values, size) - np.bincount(self.b, values, size)


def contrasts(table: pd.DataFrame, *, plus_one: bool) -> FloatArray:
    columns = []
    for feature in STYLE:
        a, b = table[f"{feature}_a"].to_numpy(dtype=float), table[f"{feature}_b"].to_numpy(dtype=float)
        total = a + b + 1 if plus_one else np.where(a + b == 0, 1, a + b)
        ratio = (a - b) / total
        columns.append((ratio - ratio.mean()) / ratio.std())
    return np.stack(columns, axis=1)


def solve(gradient: object, size: int) -> FloatArray:
    found = optimize.root(gradient, np.zeros(size), tol=1e-14, options={"xtol": 1e-15})
    assert np.abs(found.fun).max() < 1e-9
    return np.asarray(found.x)


def test_fastchat_minimises_its_own_loss() -> None:
    table = random_battles(1)
    rows = Rows(table)

    def gradient(ratings: FloatArray) -> FloatArray:
        expected = special.expit(LOG_10 * rows.differences(ratings))
        # Nothing holds the mean of the ratings; this row keeps the solver's starting mean, as L-BFGS does.
        return rows.net(LOG_10 * (expected - rows.y)) + ratings.mean()

    found = fastchat_definition(table)
    assert_allclose(found.ratings, 400 * solve(gradient, 6) + 1000, atol=POINTS)
    assert found.models == tuple(rows.models)
    assert found.ridge == found.style_ridge == 0


def test_fastchat_with_style_penalises_everything_on_the_sum() -> None:
    table = styled(2)
    rows, z = Rows(table), contrasts(table, plus_one=True)

    def gradient(parameters: FloatArray) -> FloatArray:
        expected = special.expit(LOG_10 * rows.differences(parameters[:6]) + z @ parameters[6:])
        surplus = expected - rows.y
        return np.concatenate([LOG_10 * rows.net(surplus), surplus @ z]) + 0.5 * parameters

    wanted = solve(gradient, 8)
    found = fastchat_definition(table, style=STYLE)
    assert_allclose(found.ratings, 400 * wanted[:6] + 1000, atol=POINTS)
    assert_allclose(list(found.coefficients.values()), wanted[6:], atol=1e-8)
    assert tuple(found.coefficients) == STYLE


def test_the_last_fastchat_package_is_a_penalised_regression_on_doubled_rows() -> None:
    table = random_battles(3)
    table = table.replace({"m4": "llama-13b"})
    rows = Rows(table)
    # Each battle twice; of a tie one copy is won by each side. scikit-learn adds |w| ** 2 / 2 to the sum.
    doubled = np.concatenate([np.ceil(rows.y), np.floor(rows.y)])

    def gradient(w: FloatArray) -> FloatArray:
        expected = np.tile(special.expit(LOG_10 * rows.differences(w)), 2)
        surplus = (LOG_10 * (expected - doubled)).reshape(2, -1).sum(axis=0)
        return rows.net(surplus) + w

    wanted = 400 * solve(gradient, 6) + 1000
    wanted += 800 - wanted[rows.models.index("llama-13b")]
    assert_allclose(fastchat_definition(table, version="0.2.36").ratings, wanted, atol=POINTS)


def test_fastchat_holds_its_anchor() -> None:
    table = random_battles(4)
    free = fastchat_definition(table).series()
    held = fastchat_definition(table.replace({"m2": "mixtral-8x7b-instruct-v0.1"})).series()
    assert held["mixtral-8x7b-instruct-v0.1"] == pytest.approx(1114, abs=1e-9)
    assert held["m0"] - held["m5"] == pytest.approx(free["m0"] - free["m5"], abs=1e-8)
    assert free.is_monotonic_decreasing
    assert free.mean() == pytest.approx(1000)


def test_arena_rank_minimises_its_own_loss() -> None:
    table = pd.concat([random_battles(5), random_battles(6, models=3, rows=500)], ignore_index=True)
    rows = Rows(table)
    for reweighted, weights in (
        (None, np.ones(len(table))),
        (True, 1 / np.maximum(np.bincount(rows.pair)[rows.pair], 50)),
    ):

        def gradient(ratings: FloatArray, weights: FloatArray = weights) -> FloatArray:
            surplus = weights * (special.expit(rows.differences(ratings)) - rows.y) / weights.sum()
            return rows.net(surplus) + ratings.mean()

        found = arena_rank_definition(table, reweighted=reweighted)
        assert_allclose(found.ratings, 400 / LOG_10 * solve(gradient, 6) + 1000, atol=POINTS)


@pytest.mark.parametrize(("reg", "reweighted"), [(1.0, None), (0.0, False), (0.1, True)])
def test_arena_rank_with_style_penalises_coefficients_on_the_mean(
    reg: float, reweighted: bool | None
) -> None:
    table = pd.concat([styled(7), styled(8, rows=500)], ignore_index=True)
    table.loc[table.index[::7], ["lists_a", "lists_b"]] = 0
    rows, z = Rows(table), contrasts(table, plus_one=False)
    weights = np.ones(len(table))
    if reweighted is not False:
        weights = 1 / np.maximum(np.bincount(rows.pair)[rows.pair], 50)
        weights = weights / weights.mean()

    def gradient(parameters: FloatArray) -> FloatArray:
        expected = special.expit(rows.differences(parameters[:6]) + z @ parameters[6:])
        surplus = weights * (expected - rows.y) / len(table)
        models = rows.net(surplus) + parameters[:6].mean()
        return np.concatenate([models, surplus @ z + reg * parameters[6:]])

    wanted = solve(gradient, 8)
    found = arena_rank_definition(table, style=STYLE, reg=reg, reweighted=reweighted)
    assert_allclose(found.ratings, 400 / LOG_10 * wanted[:6] + 1000, atol=POINTS)
    assert_allclose(list(found.coefficients.values()), wanted[6:], atol=1e-8)


def test_counted_rows_are_their_votes_one_by_one() -> None:
    table = styled(9, rows=120)
    table["count"] = np.random.default_rng(9).integers(0, 4, len(table))
    single = table.loc[table.index.repeat(table["count"])].drop(columns="count").reset_index(drop=True)
    for definition in (fastchat_definition, arena_rank_definition):
        for style in ((), STYLE):
            assert_allclose(
                definition(table, style=style).ratings, definition(single, style=style).ratings, atol=1e-7
            )


def test_the_published_board_is_reproduced_by_fastchats_definition(real_data: Path) -> None:
    """Counts of the public Chatbot Arena to 2024-08-14; ratings published on 2024-08-13."""
    folder = real_data / "chatbot-arena-2024-08"
    counts = orjson.loads((folder / "counts.json").read_bytes())
    names = np.array(counts["models"], dtype=object)
    pairs, outcomes = np.array(counts["X"]), np.array(counts["Y"])
    table = pd.DataFrame(
        {
            "model_a": np.repeat(names[pairs[:, 0]], 4),
            "model_b": np.repeat(names[pairs[:, 1]], 4),
            "winner": np.tile(np.array(WINNERS, dtype=object), len(pairs)),
            "count": outcomes.ravel(),
        }
    )
    published = pd.read_csv(folder / "published_ratings.csv").set_index("model").rating
    found = fastchat_definition(table).series()
    common = published.index.intersection(found.index)
    off = (found[common] - published[common]).abs()
    assert len(common) == 127
    assert off.max() < 2.65
    assert off.median() < 0.08


def test_what_the_peers_get_wrong_silently_is_an_error() -> None:
    undefeated = battles(("x", "y", "model_a"), ("y", "z", "model_a"), ("z", "y", "model_a"))
    for definition in (fastchat_definition, arena_rank_definition):
        with pytest.raises(SeparableComparisonsError, match="'x'"):
            definition(undefeated)
        with pytest.raises(InvalidComparisonsError, match="unknown winner label"):
            definition(battles(("x", "y", "tie (bothbad)")))
    assert np.isfinite(fastchat_definition(undefeated, version="0.2.36").ratings).all()


def test_wrong_options_are_refused() -> None:
    table = styled(10, rows=60)
    with pytest.raises(InvalidOptionError, match="version is '1.0'"):
        fastchat_definition(table, version="1.0")  # type: ignore[arg-type]
    with pytest.raises(InvalidOptionError, match="no style control"):
        fastchat_definition(table, version="0.2.36", style=STYLE)
    with pytest.raises(InvalidOptionError, match="pair_floor is 0"):
        arena_rank_definition(table, pair_floor=0)
    with pytest.raises(InvalidOptionError, match="reg is -1"):
        arena_rank_definition(table, reg=-1)
    with pytest.raises(InvalidComparisonsError, match="lacks the column 'bold_a'"):
        arena_rank_definition(table, style=["bold"])
    table["lists_b"] = table.lists_b.astype(float)
    table.loc[5, "lists_b"] = np.nan
    for definition in (fastchat_definition, arena_rank_definition):
        with pytest.raises(InvalidComparisonsError, match="Row 5.*lists_b"):
            definition(table, style=STYLE)
