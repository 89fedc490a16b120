from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import threadpoolctl

from ratings import (
    DisconnectedComparisonsError,
    EmptyComparisonsError,
    InvalidComparisonsError,
    InvalidOptionError,
    NotConvergedError,
    Parts,
    SeparableComparisonsError,
    leaderboard,
    simulate,
    style_kernels,
    style_rows,
)
from ratings.board_files import STYLE_COLUMNS, style_controlled_board
from ratings.style_control import StyleControlFit, fit_style_control
from ratings.style_newton import StyleSeparationError
from tests.unit.ratings.styled import FEATURES, dense_fit, design, styled_battles
from tests.unit.ratings.tables import battles, mirrored

VARIANTS: list[dict[str, Any]] = [
    {},
    {"side_bias": True},
    {"definition": "published"},
    {"definition": "published", "side_bias": True, "features": ["lists"]},
    {"ridge": 0.5, "style_ridge": 3.0},
    {"features": (), "side_bias": True},
]


@pytest.fixture
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Many stretches, blocks and tasks in a small table."""
    monkeypatch.setattr(style_rows, "STRETCH", 70)
    monkeypatch.setattr(style_rows, "BLOCK", 16)
    monkeypatch.setattr(style_rows, "_COMPILED_BLOCK", 16)
    monkeypatch.setattr(style_rows, "TASK", 32)


def everything(fit: StyleControlFit) -> bytes:
    """All numbers of a fit."""
    arrays = [fit.strengths, fit.coefficients, fit.inverse_hessian, fit.independent_covariance]
    if fit.clustered_covariance is not None:
        arrays.append(fit.clustered_covariance)
    return (
        b"".join(np.ascontiguousarray(array).tobytes() for array in arrays) + np.float64(fit.loss).tobytes()
    )


@pytest.mark.usefixtures("numba")
@pytest.mark.parametrize("counted", [False, True])
@pytest.mark.parametrize("options", VARIANTS)
def test_machine_code_changes_only_rounding(
    options: dict[str, Any], counted: bool, small_blocks: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = styled_battles(4, counted=counted)
    arguments = {"features": FEATURES, "cluster": "voter", **options}
    plain = fit_style_control(table, **arguments)
    monkeypatch.setattr(style_kernels, "WORTH_COMPILING", 0)
    fit = fit_style_control(table, **arguments)
    assert everything(fit) != everything(plain), "both took the same way"
    np.testing.assert_allclose(parameters(fit), parameters(plain), rtol=0, atol=1e-11)
    for name in ("inverse_hessian", "independent_covariance", "clustered_covariance"):
        np.testing.assert_allclose(getattr(fit, name), getattr(plain, name), rtol=1e-9, atol=1e-11)
    assert fit.loss == pytest.approx(plain.loss, rel=1e-13)


def parameters(fit: StyleControlFit) -> Any:
    return np.concatenate([fit.strengths, fit.coefficients])


@pytest.mark.parametrize("counted", [False, True])
@pytest.mark.parametrize("options", VARIANTS)
def test_agrees_with_a_dense_solution(options: dict[str, Any], counted: bool, small_blocks: None) -> None:
    table = styled_battles(3, counted=counted)
    fit = fit_style_control(table, **{"features": FEATURES, "cluster": "voter", **options})
    published = options.get("definition") == "published"
    shown = {"features": FEATURES, **{key: value for key, value in options.items() if key != "definition"}}
    dense = dense_fit(table, published=published, **shown)

    assert fit.models == tuple(f"m{number}" for number in range(6))
    assert np.abs(parameters(fit) - dense.parameters).max() < 1e-9
    assert fit.loss == pytest.approx(dense.loss, rel=1e-9)
    np.testing.assert_allclose(fit.inverse_hessian, dense.inverse_hessian, atol=1e-9)
    np.testing.assert_allclose(fit.independent_covariance, dense.independent, atol=1e-9)
    np.testing.assert_allclose(fit.clustered_covariance, dense.clustered, atol=1e-9)


def test_leaves_no_gradient() -> None:
    table = styled_battles(4, rows=2000)
    fit = fit_style_control(table, features=FEATURES)
    x = design(table, FEATURES)
    y = table.winner.map({"model_a": 1.0, "model_b": 0.0}).fillna(0.5).to_numpy()
    gradient = x.T @ (1 / (1 + np.exp(-x @ parameters(fit))) - y)
    votes = np.abs(x).sum(axis=0)
    assert (np.abs(gradient) / votes).max() < 1e-13
    assert fit.gradient_norm < 1e-12


def test_takes_damped_steps_where_the_effect_is_huge() -> None:
    table = styled_battles(5, rows=400)
    longer = table.tokens_a > table.tokens_b
    table["winner"] = np.where(longer, "model_a", "model_b")
    table.loc[::8, "winner"] = np.where(longer, "model_b", "model_a")[::8]
    fit = fit_style_control(table, features=["tokens"])
    assert fit.coefficients[0] > 1.5
    assert np.abs(parameters(fit) - dense_fit(table, ["tokens"]).parameters).max() < 1e-9


def test_same_bytes_for_any_number_of_threads(small_blocks: None) -> None:
    table = styled_battles(6, rows=1000, counted=True)
    expected = everything(fit_style_control(table, features=FEATURES, cluster="voter", threads=1))
    for threads in (2, 4):
        with threadpoolctl.threadpool_limits(threads):
            fit = fit_style_control(table, features=FEATURES, cluster="voter", threads=threads)
        assert everything(fit) == expected


def test_same_bytes_whichever_answer_stands_on_side_a(small_blocks: None) -> None:
    table = styled_battles(7)
    other = mirrored(table)
    for feature in FEATURES:
        other[f"{feature}_a"], other[f"{feature}_b"] = table[f"{feature}_b"], table[f"{feature}_a"]
    some = np.random.default_rng(1).random(len(table)) < 0.5
    mixed = table.where(pd.Series(some, index=table.index), other)
    fit = fit_style_control(table, features=FEATURES, cluster="voter")
    assert everything(fit_style_control(mixed, features=FEATURES, cluster="voter")) == everything(fit)


def test_same_bytes_whatever_the_models_are_called(small_blocks: None) -> None:
    table = styled_battles(8)
    new = {"m0": "z", "m1": "y", "m2": "d", "m3": "x", "m4": "a", "m5": "b"}
    renamed = table.assign(model_a=table.model_a.map(new), model_b=table.model_b.map(new))
    fit = fit_style_control(table, features=FEATURES, cluster="voter")
    other = fit_style_control(renamed, features=FEATURES, cluster="voter")
    order = np.array([other.models.index(new[name]) for name in fit.models])
    assert everything(other.reordered(order)) == everything(fit)


def test_same_bytes_where_hashes_of_rows_agree(small_blocks: None, monkeypatch: pytest.MonkeyPatch) -> None:
    table = styled_battles(9, rows=700)
    expected = fit_style_control(table, features=FEATURES, cluster="voter")
    # Without any hash, all rows of a pair have to be told apart by what they hold.
    monkeypatch.setattr("ratings.row_order.scatter", np.zeros_like)
    fits = [
        fit_style_control(rows, features=FEATURES, cluster="voter")
        for rows in (table, table.sample(frac=1, random_state=5), table[::-1])
    ]
    assert len({everything(fit) for fit in fits}) == 1
    np.testing.assert_allclose(parameters(fits[0]), parameters(expected), rtol=0, atol=1e-13)


def test_side_bias_turns_round_with_the_sides() -> None:
    table = styled_battles(10)
    fit = fit_style_control(table, features=(), side_bias=True)
    other = fit_style_control(mirrored(table), features=(), side_bias=True)
    np.testing.assert_allclose(other.coefficients, -fit.coefficients, atol=1e-13)
    np.testing.assert_allclose(other.strengths, fit.strengths, atol=1e-13)


def test_finds_a_planted_side_bias_without_any_feature() -> None:
    rng = np.random.default_rng(11)
    strengths = simulate.simulate_strengths(rng, models=8)
    table = simulate.simulate_battles(rng, strengths=strengths, battles=40_000, position_bias=0.2)
    fit = fit_style_control(table, features=(), side_bias=True)
    row = fit.coefficient_table().iloc[0]
    assert row["name"] == "side_bias"
    assert row.lower < 0.2 < row.upper
    assert row.upper - row.lower < 0.05


def test_reads_arrow_tables_and_any_type_of_number() -> None:
    table = styled_battles(12)
    expected = everything(fit_style_control(table, features=FEATURES))
    arrow = pa.Table.from_pandas(table)
    nullable = table.astype({"tokens_a": "Int32", "tokens_b": "float32", "lists_a": "Float64"})
    text = table.astype({"tokens_a": object})
    native = arrow.to_pandas(types_mapper=pd.ArrowDtype)
    for same in (arrow, arrow.to_batches()[0], nullable, text, native):
        assert everything(fit_style_control(same, features=FEATURES)) == expected


def test_coefficients_come_with_intervals_and_scales() -> None:
    table = styled_battles(13)
    fit = fit_style_control(table, features=FEATURES, side_bias=True, definition="published", cluster="voter")
    shown = fit.coefficient_table(confidence=0.9).set_index("name")
    z = ((table.tokens_a - table.tokens_b) / (table.tokens_a + table.tokens_b + 1)).to_numpy()
    assert shown.index.tolist() == ["tokens", "lists", "side_bias"]
    assert shown.loc["tokens", "mean"] == pytest.approx(z.mean())
    assert shown.loc["tokens", "scale"] == pytest.approx(z.std())
    assert np.isnan(shown.loc["side_bias", "mean"])
    assert fit.clustered_covariance is not None
    wider = max(fit.clustered_covariance[6, 6], fit.independent_covariance[6, 6]) ** 0.5
    assert shown.loc["tokens", "standard_error"] == pytest.approx(wider)
    assert shown.loc["tokens", "upper"] == pytest.approx(fit.coefficients[0] + 1.6448536 * wider)
    with pytest.raises(InvalidOptionError, match=r"confidence is 1\.5"):
        fit.coefficient_table(confidence=1.5)


def test_covariance_of_strengths_is_never_below_independence() -> None:
    table = styled_battles(14)
    fit = fit_style_control(table, features=FEATURES, cluster="voter")
    size = len(fit.models)
    assert fit.clustered_covariance is not None
    variance = np.diag(fit.strength_covariance())
    assert (variance >= np.diag(fit.independent_covariance)[:size]).all()
    assert (variance >= np.diag(fit.clustered_covariance)[:size]).all()


@pytest.mark.parametrize(
    ("column", "value", "words"),
    [
        ("tokens_a", float("nan"), r"Row 7 of the battles: tokens_a is nan"),
        ("tokens_b", -3.0, r"Row 7 of the battles: tokens_b is -3\.0"),
        ("lists_b", float("inf"), r"Row 7 of the battles: lists_b is inf"),
        ("lists_a", "many", r"Row 7 of the battles: lists_a is 'many'"),
        ("lists_a", None, r"Row 7 of the battles: lists_a is (None|nan)"),
    ],
)
def test_a_wrong_feature_value_is_named(column: str, value: Any, words: str, small_blocks: None) -> None:
    table = styled_battles(15).astype({column: object})
    table.loc[7, column] = value
    with pytest.raises(InvalidComparisonsError, match=words):
        fit_style_control(table, features=FEATURES, threads=2)


def test_values_that_are_too_large_to_add_are_named() -> None:
    table = styled_battles(15).astype({"tokens_a": float, "tokens_b": float})
    table.loc[7, ["tokens_a", "tokens_b"]] = 1.7e308
    with pytest.raises(InvalidComparisonsError, match=r"Row 7 of the battles: tokens_a is 1\.7e\+308"):
        fit_style_control(table, features=FEATURES)


def test_rows_without_weight_still_need_their_features() -> None:
    table = styled_battles(15, counted=True)
    table.loc[7, ["weight", "tokens_a"]] = [0.0, -1]
    with pytest.raises(InvalidComparisonsError, match="Row 7"):
        fit_style_control(table, features=FEATURES)


def test_missing_and_doubled_columns_are_named() -> None:
    table = styled_battles(16)
    with pytest.raises(InvalidComparisonsError, match=r"lacks the column 'bold_a', 'bold_b'"):
        fit_style_control(table, features=["tokens", "bold"])
    with pytest.raises(InvalidComparisonsError, match=r"2 columns named 'tokens_a'"):
        fit_style_control(pd.concat([table, table[["tokens_a"]]], axis=1), features=["tokens"])


def test_a_feature_that_never_differs_is_named() -> None:
    table = styled_battles(17).assign(bold_a=3, bold_b=3)
    for definition in ("symmetric", "published"):
        with pytest.raises(InvalidComparisonsError, match=r"effect of 'bold'.*always the same"):
            fit_style_control(table, features=["tokens", "bold"], definition=definition)


@pytest.mark.parametrize(("bold_a", "bold_b"), [(7, 3), (10, 7), (100, 50)])
@pytest.mark.parametrize("rows", [200, 3000, 50_001])
def test_what_rounding_leaves_of_a_constant_feature_is_not_fitted(
    rows: int, bold_a: int, bold_b: int
) -> None:
    table = styled_battles(17, rows=rows).assign(bold_a=bold_a, bold_b=bold_b)
    with pytest.raises(InvalidComparisonsError, match=r"effect of 'bold'.*always the same"):
        fit_style_control(table, features=["tokens", "bold"], definition="published")


def test_features_that_depend_on_each_other_are_named() -> None:
    table = styled_battles(18)
    twice = table.assign(words_a=2 * table.tokens_a, words_b=2 * table.tokens_b)
    with pytest.raises(InvalidComparisonsError, match=r"'words' cannot be told from 'tokens'"):
        fit_style_control(twice, features=["tokens", "words"])
    fit = fit_style_control(twice, features=["tokens", "words"], style_ridge=1.0)
    assert fit.coefficients[0] == pytest.approx(fit.coefficients[1])


def test_a_side_that_one_model_always_takes_is_named() -> None:
    rows = [("x", "y", label) for label in ("model_a", "model_b", "tie", "model_a")]
    with pytest.raises(InvalidComparisonsError, match=r"'side_bias' cannot be told from which models met"):
        fit_style_control(battles(*rows), features=(), side_bias=True)


def test_features_that_separate_the_votes_are_reported() -> None:
    table = styled_battles(19)
    longer = table.tokens_a > table.tokens_b
    table["winner"] = np.where(longer, "model_a", "model_b")
    table = table[table.tokens_a != table.tokens_b]
    with pytest.raises(NotConvergedError, match=r"'tokens'.*style_ridge > 0"):
        fit_style_control(table, features=["tokens"])
    fit = fit_style_control(table, features=["tokens"], style_ridge=1.0)
    assert np.abs(parameters(fit) - dense_fit(table, ["tokens"], style_ridge=1.0).parameters).max() < 1e-9


def one_sided(upsets: int, rows: int = 3000) -> pd.DataFrame:
    """Battles that the answer of side a wins but for a few; logits of all rows reach the end of precision together."""
    rng = np.random.default_rng(31)
    a = rng.integers(0, 5, rows)
    b = (a + rng.integers(1, 5, rows)) % 5
    winner = np.full(rows, "model_a", dtype=object)
    winner[rng.choice(rows, upsets, replace=False)] = "model_b"
    names = np.array([f"m{number}" for number in range(5)])
    voter = rng.integers(0, 40, rows)
    return pd.DataFrame({"model_a": names[a], "model_b": names[b], "winner": winner, "voter": voter})


@pytest.mark.parametrize("parted", [False, True])
def test_a_side_that_always_wins_has_no_finite_advantage(
    parted: bool, is_compiled: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Expected outcomes round to 0 and 1 long before the advantage is infinite, and the gradient with them to 0."""
    monkeypatch.setattr(style_kernels, "WORTH_COMPILING", 0 if is_compiled else 10**9)

    def fit(table: pd.DataFrame) -> Any:
        votes = Parts.from_tables([table[:1000], table[1000:]]) if parted else table
        return leaderboard(votes, side_bias=True).coefficients

    with pytest.raises(StyleSeparationError, match="'side_bias'") as caught:
        fit(one_sided(0))
    assert caught.value.coefficient == "side_bias"
    found = fit(one_sided(30))
    assert found.coefficient[0] == pytest.approx(np.log(99), abs=0.5)
    assert 0.1 < found.standard_error[0] < 0.4


def test_ties_do_not_hide_a_feature_that_separates_the_rest() -> None:
    rows = [("x", "y", "model_a"), ("y", "x", "model_a"), ("x", "y", "tie"), ("y", "x", "tie")]
    table = battles(*rows, tokens_a=[1, 1, 1, 1], tokens_b=[0, 0, 1, 1])
    with pytest.raises(StyleSeparationError, match="'tokens'"):
        fit_style_control(table, features=["tokens"])


def test_a_board_goes_without_what_separates_its_votes() -> None:
    votes = one_sided(0).assign(**{name: 1 for name in STYLE_COLUMNS})
    rng = np.random.default_rng(32)
    votes["tokens_a"], votes["tokens_b"] = rng.integers(1, 90, (2, len(votes)))
    board = style_controlled_board(pa.Table.from_pandas(votes))
    assert board is not None
    assert board.coefficients is not None
    assert board.coefficients.name.tolist() == ["tokens"]


def test_models_without_finite_strengths_are_reported() -> None:
    style = {"tokens_a": [1, 2, 3, 4], "tokens_b": [2, 2, 1, 1]}
    islands = battles(("a", "b", "tie"), ("b", "a", "tie"), ("c", "d", "tie"), ("d", "c", "tie"), **style)
    with pytest.raises(DisconnectedComparisonsError, match="2 groups"):
        fit_style_control(islands, features=["tokens"])
    unbeaten = battles(
        ("a", "b", "model_a"), ("b", "c", "tie"), ("c", "b", "tie"), ("c", "a", "model_b"), **style
    )
    with pytest.raises(SeparableComparisonsError, match="never lose or tie"):
        fit_style_control(unbeaten, features=["tokens"])
    empty = styled_battles(1).iloc[:0]
    with pytest.raises(EmptyComparisonsError, match="no model"):
        fit_style_control(empty, features=["tokens"])


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"features": ()}, "nothing to control"),
        ({"features": ["tokens", "tokens"]}, "'tokens'"),
        ({"features": ["side_bias"]}, "'side_bias'"),
        ({"features": None}, r"features is None: it is a list of features, such as \['tokens'\]"),
        ({"side_bias": "yes"}, "side_bias is 'yes': it is True or False"),
        ({"definition": "other"}, "definition is 'other'"),
        ({"style_ridge": -1.0}, r"style_ridge is -1\.0"),
        ({"ridge": float("nan")}, "ridge is nan"),
        ({"threads": 0}, "threads is 0"),
        ({"tolerance": 0.0}, r"tolerance is 0\.0"),
    ],
)
def test_wrong_options_are_named(options: dict[str, Any], words: str) -> None:
    with pytest.raises(InvalidOptionError, match=words):
        fit_style_control(styled_battles(20), **{"features": ["tokens"], **options})


def test_a_voter_without_any_surprise_counts_as_a_voter() -> None:
    rows = [("a", "b", "model_a"), ("b", "a", "model_a"), ("a", "b", "tie"), ("b", "a", "tie")]
    style = {"tokens_a": [3, 3, 1, 1], "tokens_b": [1, 1, 3, 3], "voter": ["u", "v", "w", "w"]}
    table = pd.concat(
        [battles(*rows, **style)] * 2 + [battles(("a", "b", "tie"), tokens_a=[2], tokens_b=[2], voter=["z"])]
    )
    fit = fit_style_control(table, features=["tokens"], cluster="voter")
    assert fit.clustered_covariance is not None
    np.testing.assert_allclose(fit.clustered_covariance, dense_fit(table, ["tokens"]).clustered, atol=1e-12)


def test_one_voter_shows_no_variance() -> None:
    table = styled_battles(21).assign(voter="v")
    with pytest.raises(InvalidOptionError, match="All votes come from 1 voter"):
        fit_style_control(table, features=["tokens"], cluster="voter")
