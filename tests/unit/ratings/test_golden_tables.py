"""Outputs that other packages document, and outputs of theirs on real votes, reproduced.

Every number here says where it comes from. Numbers that a package prints after stopping early are compared to the
precision of its stopping rule, which is stated.
"""

import io
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import optimize

from benchmarks.ratings import fastchat_definition
from ratings import (
    RATING_PER_STRENGTH,
    Comparisons,
    SeparableComparisonsError,
    fit_bradley_terry,
    hessian,
    leaderboard,
    online_elo,
    rating_intervals,
    sandwich,
)
from ratings.propensities import fit_uniform_pairs
from ratings.style_control import fit_style_control
from ratings.ties import fit_ties

# evalica 0.4.2, food.csv of its repository: 30 comparisons, written left, right, winner (l, r or t).
FOOD = """
    Pizza Sushi l, Burger Pasta r, Tacos Pizza l, Sushi Tacos r, Burger Pizza l, Pasta Sushi r, Tacos Burger l,
    Pizza Pasta t, Sushi Burger r, Pasta Tacos l, Burger Sushi r, Tacos Pizza l, Sushi Pasta t, Burger Tacos l,
    Pizza Burger r, Pasta Tacos r, Burger Sushi r, Tacos Pasta l, Pizza Tacos r, Sushi Burger l, Pasta Pizza r,
    Burger Sushi r, Tacos Pasta l, Pizza Sushi l, Sushi Burger r, Pasta Tacos r, Tacos Pizza l, Burger Pasta r,
    Sushi Tacos l, Pizza Burger r
"""
# The same, simple.csv.
SIMPLE = """
    0 1 t, 0 2 r, 0 2 t, 0 4 t, 1 0 l, 1 2 t, 1 2 t, 1 3 t, 2 4 t, 3 0 l, 3 1 l, 3 2 l, 3 4 t, 3 4 t, 4 0 l, 4 3 l
"""
# food-golden.csv and simple-golden.csv of the same repository.
GOLDEN = """
data,algorithm,scores
food,bradley_terry,Tacos 0.43428982771223773 Sushi 0.19060028489839073 Burger 0.14797665121689418 Pasta 0.1281534106031957 Pizza 0.09897982556928168
food,newman,Tacos 2.6652107229187254 Sushi 1.0906271591531849 Burger 0.8296600883232509 Pasta 0.7101537820870093 Pizza 0.536812511441843
food,elo,Tacos 1013.3587771887543 Sushi 1002.0980590208538 Burger 998.0260933346951 Pasta 994.1913058814378 Pizza 992.325764574259
food,counting,Tacos 10.0 Sushi 6.5 Burger 6.0 Pasta 4.0 Pizza 3.5
simple,bradley_terry,4 0.34947527489923 3 0.33688868041573855 2 0.13168568070110523 1 0.1311506914535368 0 0.050799672530389396
simple,newman,4 13.03674474236858 3 12.805770244756038 2 0.4814190342801864 1 0.4802400245305803 0 0.017973592758248474
simple,elo,4 1004.0562423948679 3 1003.8861974411536 2 999.9773072285024 1 999.9771705955386 0 992.1030823399375
simple,counting,3 4.5 4 4.0 1 3.0 2 3.0 0 1.5
"""  # noqa: E501 (a table)

LABELS = {"left": "model_a", "right": "model_b", "tie": "tie"}


def read(text: str) -> pd.DataFrame:
    labels = {"l": "model_a", "r": "model_b", "t": "tie"}
    rows = [entry.split() for entry in text.replace("\n", " ").split(",")]
    return pd.DataFrame(
        [(a, b, labels[winner]) for a, b, winner in rows], columns=["model_a", "model_b", "winner"]
    )


def wins(*pairs: tuple[object, object], count: int = 1) -> pd.DataFrame:
    """Battles that the first of each pair won."""
    return pd.DataFrame(
        {
            "model_a": [str(winner) for winner, _ in pairs],
            "model_b": [str(loser) for _, loser in pairs],
            "winner": "model_a",
            "count": count,
        }
    )


def scores(algorithm: str, battles: pd.DataFrame) -> dict[str, float]:
    """Compute what evalica calls by this name."""
    comparisons = Comparisons.from_battles(battles)
    if algorithm == "elo":
        return dict(online_elo(battles, k=4.0))
    if algorithm == "counting":
        table = leaderboard(battles).table
        return dict(zip(table.model, table.win_rate * table.battles, strict=True))
    if algorithm == "newman":  # its model of ties is Davidson's
        fit = fit_ties(comparisons, model="davidson")
        return dict(zip(fit.models, np.exp(fit.strengths), strict=True))
    plain = fit_bradley_terry(comparisons)
    return dict(zip(plain.models, np.exp(plain.strengths) / np.exp(plain.strengths).sum(), strict=True))


@pytest.mark.parametrize(
    "row", [row for _, row in pd.read_csv(io.StringIO(GOLDEN)).iterrows()], ids=lambda row: " ".join(row[:2])
)
def test_evalica_golden_tables(row: pd.Series) -> None:
    words = row.scores.split()
    golden = {name: float(value) for name, value in zip(words[::2], words[1::2], strict=True)}
    found = scores(row.algorithm, read({"food": FOOD, "simple": SIMPLE}[row["data"]]))
    assert found.keys() == golden.keys()
    values, expected = np.array([found[name] for name in golden]), np.array(list(golden.values()))
    if row.algorithm == "newman":  # its iteration leaves the scale where it started
        values *= np.exp(np.log(expected / values).mean())
    np.testing.assert_allclose(values, expected, rtol=1e-9)


def test_evalica_newman_on_the_crowd_votes(crowd: pd.DataFrame, real_data: Path) -> None:
    table = pd.read_csv(real_data / "llmfao" / "evalica-golden.csv")
    golden = table[table.algorithm == "newman"].set_index("item").score
    found = pd.Series(scores("newman", crowd))[golden.index]
    np.testing.assert_allclose(np.log(found), np.log(golden) - np.log(golden).mean(), atol=1e-8)


def test_evalica_tie_parameter() -> None:
    # evalica 0.4.2 run: newman on food.csv to a tolerance of 1e-12; its v is half of Davidson's nu.
    fit = fit_ties(Comparisons.from_battles(read(FOOD)), model="davidson")
    assert np.exp(fit.tie_parameter) / 2 == pytest.approx(0.07864191234851386, rel=1e-9)


def test_evalica_readme() -> None:
    # The command line's example: Bradley-Terry on food.csv, scores that multiply to 1, stopped at 1e-6.
    fit = fit_bradley_terry(Comparisons.from_battles(read(FOOD)))
    printed = {
        "Tacos": 2.509025136024378,
        "Sushi": 1.1011561298265815,
        "Burger": 0.8549063627182466,
        "Pasta": 0.7403814336665869,
        "Pizza": 0.5718366915548537,
    }
    np.testing.assert_allclose(np.exp(fit.strengths), [printed[name] for name in fit.models], rtol=1e-6)
    # The Python example prints what k = 30 gives; the package itself has k = 4 by default since.
    battles = read("pizza burger l, burger sushi r, pizza sushi t")
    elo = online_elo(battles, k=30)
    assert elo.round(6).to_dict() == {"pizza": 1014.972058, "sushi": 1014.380742, "burger": 970.6472}


def test_choix_introduction() -> None:
    # notebooks/intro-pairwise.ipynb of choix 0.4.1: five items, three digits.
    fit = fit_bradley_terry(Comparisons.from_battles(wins((1, 0), (0, 4), (3, 1), (0, 2), (2, 4), (4, 3))))
    assert fit.strengths.round(3).tolist() == pytest.approx([0.583, 0.194, 0.0, -0.194, -0.583])
    one_beats_four = 1 / (1 + np.exp(fit.strengths[4] - fit.strengths[1]))
    assert round(one_beats_four, 2) == 0.69
    # The same notebook: item 3 always wins and item 0 always loses, where it says that its estimators fail.
    with pytest.raises(SeparableComparisonsError):
        fit_bradley_terry(Comparisons.from_battles(wins((3, 2), (2, 1), (1, 0))))


def test_choix_test_cases() -> None:
    # tests/data/testcase-pairwise-1.json and -2.json: exp(strength), which sum to the number of items.
    cycle = fit_bradley_terry(Comparisons.from_battles(wins((0, 1), (1, 2), (2, 0))))
    np.testing.assert_allclose(np.exp(cycle.strengths), [1.0, 1.0, 1.0], rtol=1e-12)
    twice = fit_bradley_terry(Comparisons.from_battles(wins((0, 1), (0, 1), (1, 2), (2, 0))))
    weights = 3 * np.exp(twice.strengths) / np.exp(twice.strengths).sum()
    np.testing.assert_allclose(weights, [1.43586088, 0.62035049, 0.94378863], atol=5e-9)


def test_choix_with_a_penalty() -> None:
    # The data of choix's tests/test_opt.py; choix 0.4.1 run: opt_pairwise(8, data, alpha=0.5), to its tolerance.
    # Its penalty is alpha * sum(s ** 2), ours ridge * sum(s ** 2) / 2.
    data = "73 20 52 42 21 45 63 54 70 23 40 04 65 32 34 34 52 73 76 65"
    fit = fit_bradley_terry(Comparisons.from_battles(wins(*map(tuple, data.split(" ")))), ridge=1.0)
    run = [-0.51974, -0.46281, -0.31377, -0.06855, -0.31851, -0.00346, 0.63033, 1.05651]
    np.testing.assert_allclose(fit.strengths, run, atol=1e-5)


WIKIPEDIA = pd.DataFrame(
    {
        "model_a": ["A", "B", "A", "D", "B", "C", "C", "D"],
        "model_b": ["B", "A", "D", "A", "C", "B", "D", "C"],
        "winner": "model_a",
        "count": [2, 3, 1, 4, 5, 3, 1, 3],
    }
)


def test_arena_rank_test_case() -> None:
    # tests/test_bradley_terry.py of arena-rank, after Wikipedia's worked example: exp(strength), three digits.
    fit = fit_bradley_terry(Comparisons.from_battles(WIKIPEDIA))
    assert np.exp(fit.strengths).round(3).tolist() == [0.640, 1.043, 0.660, 2.270]
    # arena-rank 0.1.1 run on the same games: ratings and bounds, to its own stopping rule.
    table = leaderboard(WIKIPEDIA).table.set_index("model").sort_index()
    np.testing.assert_allclose(table.rating, [922.4270, 1007.3661, 927.7676, 1142.4393], atol=0.01)
    half_widths = [185.321, 165.001, 179.816, 212.425]
    lower, upper = rating_intervals(fit, sandwich(fit, Comparisons.from_battles(WIKIPEDIA)))
    np.testing.assert_allclose((upper - lower) / 2, half_widths, rtol=2e-4)
    # With so few games, a board does not take what they happen to show for all.
    assert ((table.upper - table.lower) / 2 >= np.array(half_widths) * 0.9998).all()


@pytest.fixture(scope="module")
def crowd(real_data: Path) -> pd.DataFrame:
    """8,931 crowd votes on 59 models, with the lengths of the answers (Ustalov and llmonitor, CC BY 4.0)."""
    table = pd.read_csv(real_data / "llmfao" / "crowd-comparisons.csv")
    answers = pd.read_json(real_data / "llmfao" / "results.jsonl", lines=True)
    length = answers.set_index(["prompt", "model"]).result.str.len()
    return pd.DataFrame(
        {
            "model_a": table.left,
            "model_b": table.right,
            "winner": table.winner.map(LABELS),
            "characters_a": length[list(zip(table.prompt, table.model_x, strict=True))].to_numpy(),
            "characters_b": length[list(zip(table.prompt, table.model_y, strict=True))].to_numpy(),
        }
    )


def test_arena_rank_on_the_crowd_votes(crowd: pd.DataFrame) -> None:
    # arena-rank 0.1.1 run with ftol=0, so to its optimum: BradleyTerry on PairDataset.from_pandas(...), centred at
    # 1000. By its own stopping rule it ends up to 0.014 points away.
    run = {
        "GPT 4": (1172.13256, 54.416),
        "Platypus-2 Instruct (70B)": (1112.44874, 46.34681),
        "command": (1110.16903, 33.75845),
        "Guanaco (33B)": (1013.14111, 27.31781),
        "Vicuna-FastChat-T5 (3B)": (845.93356, 28.7452),
        "Dolly v2 (3B)": (845.65893, 31.09903),
    }
    ratings, half_widths = (np.array(column) for column in zip(*run.values(), strict=True))
    comparisons = Comparisons.from_battles(crowd)
    fit = fit_bradley_terry(comparisons)
    rows = [fit.models.index(name) for name in run]
    np.testing.assert_allclose(1000 + RATING_PER_STRENGTH * fit.strengths[rows], ratings, atol=2e-5)
    # Its covariance has a ridge of 1e-5 a vote on the Hessian; with it, ours is its.
    curvature, covariance = hessian(fit.strengths, comparisons), sandwich(fit, comparisons)
    bread = np.linalg.inv(curvature + 1e-5 * len(crowd) * np.eye(len(fit.models)))
    theirs = bread @ curvature @ covariance @ curvature @ bread
    found = 1.959964 * RATING_PER_STRENGTH * np.sqrt(np.diag(theirs))[rows]
    np.testing.assert_allclose(found, half_widths, rtol=2e-6)
    # Without it, as here, intervals are wider.
    ours = 1.959964 * RATING_PER_STRENGTH * np.sqrt(np.diag(covariance))[rows]
    assert (ours > half_widths).all()
    np.testing.assert_allclose(ours, half_widths, rtol=5e-3)


def test_arena_rank_reweighted(crowd: pd.DataFrame) -> None:
    # The same with reweighted=True, which weighs a vote by 1 / max(votes of its pair, 50).
    run = {
        "GPT 4": 1172.77137,
        "command": 1110.10939,
        "Guanaco (33B)": 1013.08788,
        "Dolly v2 (3B)": 845.53148,
    }
    fit = fit_uniform_pairs(crowd, floor=50).fit
    ratings = dict(zip(fit.models, 1000 + RATING_PER_STRENGTH * fit.strengths, strict=True))
    np.testing.assert_allclose([ratings[name] for name in run], list(run.values()), atol=2e-5)


# arena-rank 0.1.1 run with ftol=0: ContextualBradleyTerry with one feature, (a - b) / (a + b + 1) of the answers'
# characters, not reweighted. reg=0 is the plain maximum. The default, reg=1, is a penalty on the mean loss, so 8,931
# on its sum.
STYLED = {
    0.0: (
        0.06850922,
        {"GPT 4": 1174.13712, "Platypus-2 Instruct (70B)": 1114.4732, "Dolly v2 (3B)": 850.67599},
    ),
    1.0: (
        0.00311723,
        {"GPT 4": 1172.22298, "Platypus-2 Instruct (70B)": 1112.54034, "Dolly v2 (3B)": 845.88964},
    ),
}


@pytest.mark.parametrize("reg", STYLED)
def test_arena_rank_with_style(crowd: pd.DataFrame, reg: float) -> None:
    coefficient, run = STYLED[reg]
    fit = fit_style_control(
        crowd, features=("characters",), definition="published", style_ridge=reg * len(crowd)
    )
    assert fit.coefficients == pytest.approx([coefficient], abs=1e-7)
    ratings = dict(zip(fit.models, 1000 + RATING_PER_STRENGTH * fit.strengths, strict=True))
    np.testing.assert_allclose([ratings[name] for name in run], list(run.values()), atol=2e-5)


def test_arena_rank_intervals_with_style(crowd: pd.DataFrame) -> None:
    # The run with reg=0: bounds of the first and the last model. Its ridge on the Hessian makes them narrower.
    fit = fit_style_control(crowd, features=("characters",), definition="published")
    half_widths = dict(zip(fit.models, 1.959964 * RATING_PER_STRENGTH * fit.standard_errors(), strict=False))
    for name, half_width in {"GPT 4": 54.4481, "Dolly v2 (3B)": 31.50277}.items():
        assert half_widths[name] == pytest.approx(half_width, rel=5e-3)


def test_fastchat_with_style_at_its_own_optimum(crowd: pd.DataFrame) -> None:
    # FastChat's loss with its penalty of 0.5 on strengths in powers of ten and on coefficients, minimised further than
    # FastChat does: ours is the same with the penalty in the units of natural log-odds.
    names = sorted({*crowd.model_a, *crowd.model_b})
    pairs = np.column_stack([crowd[side].map(names.index) for side in ("model_a", "model_b")])
    outcomes = crowd.winner.map({"model_a": 1.0, "model_b": 0.0, "tie": 0.5}).to_numpy()
    share = (crowd.characters_a - crowd.characters_b) / (crowd.characters_a + crowd.characters_b + 1)
    feature = ((share - share.mean()) / share.std(ddof=0)).to_numpy()[:, np.newaxis]
    optimum = optimize.minimize(
        fastchat_definition.style_loss,
        np.zeros(len(names) + 1),
        args=(pairs, outcomes, feature, len(names)),
        jac=True,
        method="L-BFGS-B",
        options={"maxiter": 2000, "ftol": 1e-15, "gtol": 1e-7},
    ).x
    fit = fit_style_control(
        crowd, features=("characters",), definition="published", ridge=0.5 / np.log(10) ** 2, style_ridge=0.5
    )
    np.testing.assert_allclose(RATING_PER_STRENGTH * fit.strengths, 400 * optimum[:-1], atol=1e-3)
    assert fit.coefficients == pytest.approx(optimum[-1:], abs=1e-6)
