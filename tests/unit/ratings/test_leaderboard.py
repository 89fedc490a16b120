import json
from typing import Any
from uuid import UUID

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import ratings
from ratings import Comparisons, InvalidComparisonsError, InvalidOptionError, leaderboard, simulate
from ratings.estimates import Ties
from ratings.jackknife import jackknife_sandwich
from ratings.rank_sets import rank_sets
from ratings.ties import fit_ties
from tests.unit.ratings.tables import battles, mirrored, random_battles, tables

COLUMNS = ["model", "rating", "lower", "upper", "rank_lower", "rank_upper", "battles", "win_rate"]
CYCLE = [("a", "b", "model_a"), ("b", "c", "model_a"), ("c", "a", "model_a")]


def test_puts_the_parts_together() -> None:
    table = random_battles(40)
    board = leaderboard(table)
    comparisons = Comparisons.from_battles(table, cluster="voter")
    fit = ratings.fit_bradley_terry(comparisons)
    clustered = jackknife_sandwich(fit, comparisons, cluster="voter")
    lower, _ = ratings.rating_intervals(
        fit, ratings.never_narrower(clustered, ratings.sandwich(fit, comparisons))
    )
    rows = board.table.set_index("model").loc[list(fit.models)]
    np.testing.assert_allclose(rows.rating, ratings.rating_from_strength(fit.strengths), atol=1e-6)
    np.testing.assert_allclose(rows.lower, lower, atol=1e-6)
    np.testing.assert_allclose(rows.upper - rows.rating, rows.rating - rows.lower, atol=2e-6)
    assert rows.battles.tolist() == comparisons.votes_by_model().tolist()
    np.testing.assert_array_equal(rows.win_rate, comparisons.win_rates())
    assert board.votes == len(table)
    assert board.unrated == {}


def test_table_has_the_promised_columns_in_board_order() -> None:
    table = leaderboard(random_battles(41)).table
    assert list(table.columns) == COLUMNS
    assert table.rating.is_monotonic_decreasing
    assert table.rating.mean() == pytest.approx(1000)


def test_ranks_are_those_of_the_named_rule() -> None:
    votes = random_battles(41, rows=3000)
    simultaneous, anytime, single = (
        leaderboard(votes, ranks=rule).table for rule in ("simultaneous", "anytime", "intervals")
    )
    best, worst = ratings.ranks_from_intervals(single.lower.to_numpy(), single.upper.to_numpy())
    assert single.rank_lower.tolist() == best.tolist()
    assert single.rank_upper.tolist() == worst.tolist()
    fit = leaderboard(votes).fit
    sets = rank_sets(fit, leaderboard(votes).covariance)
    rows = simultaneous.set_index("model").loc[list(fit.models)]
    assert rows.rank_lower.tolist() == sets.rank_lower.tolist()
    comparisons = Comparisons.from_battles(votes, cluster="voter")
    voters = pd.Series(ratings.effective_voters(comparisons), index=list(comparisons.models))
    clock = voters[list(fit.models)].to_numpy()
    claims = ratings.anytime_rank_sets(fit, leaderboard(votes).covariance, clock, planned_votes=1000)
    rows = anytime.set_index("model").loc[list(fit.models)]
    assert rows.rank_lower.tolist() == claims.rank_lower.tolist()
    assert rows.rank_upper.tolist() == claims.rank_upper.tolist()


def test_anytime_ranks_make_claims_in_the_end() -> None:
    rows = [("a", "b", "model_a")] * 600 + [("a", "b", "model_b")] * 400
    by_many = battles(*rows, voter=range(1000))
    by_one = battles(*rows, voter=["only"] * 1000)
    for votes, cluster in ((by_many, "voter"), (by_many, None), (by_one, "voter")):
        table = leaderboard(votes, ranks="anytime", cluster=cluster).table
        assert table.rank_upper.tolist() == [1, 2]
    kept = Comparisons.from_battles(by_one, cluster="voter")
    assert leaderboard(kept, ranks="anytime", cluster=None).table.rank_upper.tolist() == [1, 2]


def test_models_of_one_voter_each_are_not_certain_of_their_difference() -> None:
    board = random_battles(54, models=6, rows=3000, voters=60)
    rng = np.random.default_rng(55)
    coins = [(name, "m0", rng.choice(["model_a", "model_b"])) for name in ("x", "y") for _ in range(400)]
    fans = battles(*coins, voter=[f"fan of {name}" for name, _, _ in coins])
    votes = pd.concat([board.astype({"voter": "str"}), fans], ignore_index=True)
    for intervals in ("sandwich", "bootstrap"):
        clustered = leaderboard(votes, intervals=intervals)
        alone = leaderboard(votes, cluster=None)
        errors = []
        for found in (clustered, alone):
            assert found.fit is not None
            place = [found.fit.models.index(name) for name in ("x", "y")]
            errors.append(np.sqrt(ratings.difference_variance(found.covariance)[place[0], place[1]]))
        assert errors[0] >= errors[1] * 0.99
        widths = [
            (found.table.upper - found.table.lower)[found.table.model == "x"].item()
            for found in (clustered, alone)
        ]
        assert widths[0] >= widths[1] * 0.99


def test_comparisons_kept_by_another_column_are_refused() -> None:
    kept = Comparisons.from_battles(random_battles(56), cluster="voter")
    with pytest.raises(InvalidOptionError, match="keep 'voter' apart, not 'prompt'"):
        leaderboard(kept, cluster="prompt")
    plain = Comparisons.from_battles(random_battles(56))
    assert leaderboard(plain).method["parameters"]["cluster"] is None
    with pytest.raises(InvalidOptionError, match="keep None apart, not 'prompt'"):
        leaderboard(plain, cluster="prompt")


def test_an_anchor_shifts_the_scale_and_no_width() -> None:
    votes = random_battles(48)
    free, anchored = leaderboard(votes).table, leaderboard(votes, anchor=("m2", 1114.0)).table
    assert anchored.set_index("model").rating["m2"] == 1114
    shift = anchored.rating - free.rating
    np.testing.assert_allclose(shift, shift[0], atol=2e-6)
    np.testing.assert_allclose(anchored.upper - anchored.lower, free.upper - free.lower, atol=2e-6)
    assert anchored.rank_lower.tolist() == free.rank_lower.tolist()
    with pytest.raises(InvalidOptionError, match="anchor 'nobody' has no rating"):
        leaderboard(votes, anchor=("nobody", 1000))
    with pytest.raises(InvalidOptionError, match="it is a pair such as"):
        leaderboard(votes, anchor="m2")  # type: ignore[arg-type]
    with pytest.raises(InvalidOptionError, match="within 1e6 of 0"):
        leaderboard(votes, anchor=("m2", 1e17))
    assert json.dumps(leaderboard(votes, anchor=("m2", np.int64(1114))).as_dict())


@pytest.mark.parametrize("model", ["davidson", "rao-kupper", "grounded"])
@pytest.mark.parametrize("cluster", ["voter", None])
def test_models_of_ties_give_boards(model: Ties, cluster: str | None) -> None:
    board = leaderboard(random_battles(49, rows=600), ties=model, cluster=cluster)
    half = leaderboard(random_battles(49, rows=600), cluster=cluster)
    assert board.fit is not None
    fit = fit_ties(Comparisons.from_battles(random_battles(49, rows=600)), model=model)
    place = {name: index for index, name in enumerate(fit.models)}
    expected = ratings.rating_from_strength(fit.strengths[[place[name] for name in board.table.model]])
    np.testing.assert_allclose(board.table.rating, expected, atol=1e-5)
    assert board.method["parameters"]["ties"] == model
    # With one more parameter to share the information, the spread stays of the same order.
    width = (board.table.upper - board.table.lower).mean() / (half.table.upper - half.table.lower).mean()
    assert 0.5 < width < 2.5


def test_style_control_gives_a_board_and_coefficients() -> None:
    rng = np.random.default_rng(50)
    strengths = simulate.simulate_strengths(rng, models=8)
    votes = simulate.simulate_battles(rng, strengths=strengths, battles=8000, style={"tokens": 0.4})
    controlled, plain = leaderboard(votes, style=["tokens"]), leaderboard(votes)
    assert plain.coefficients is None
    assert controlled.coefficients is not None
    assert controlled.coefficients.name.tolist() == ["tokens"]
    lower, upper = controlled.coefficients.lower[0], controlled.coefficients.upper[0]
    assert lower < 0.4 < upper
    truth = pd.Series(strengths) * ratings.RATING_PER_STRENGTH + 1000

    def error(board: ratings.Leaderboard) -> float:
        return float((board.table.set_index("model").rating - truth).abs().mean())

    assert error(controlled) < error(plain)
    assert controlled.as_dict()["coefficients"][0]["name"] == "tokens"


def test_bootstrap_intervals_agree_with_the_sandwich() -> None:
    votes = random_battles(51, rows=3000, voters=400)
    sandwich, bootstrap = leaderboard(votes).table, leaderboard(votes, intervals="bootstrap").table
    pd.testing.assert_series_equal(sandwich.rating, bootstrap.rating)
    ratio = (bootstrap.upper - bootstrap.lower) / (sandwich.upper - sandwich.lower)
    assert ratio.between(0.85, 1.15).all()


def test_kept_counts_give_the_same_board() -> None:
    votes = random_battles(53)
    kept = Comparisons.from_battles(votes, cluster="voter")
    assert leaderboard(kept).as_dict() == leaderboard(votes).as_dict()
    assert leaderboard(kept, cluster=None).as_dict() == leaderboard(votes, cluster=None).as_dict()
    with pytest.raises(InvalidOptionError, match="need the votes row by row"):
        leaderboard(kept, side_bias=True)


def test_style_is_of_the_rated_models_alone() -> None:
    rng = np.random.default_rng(52)
    strengths = simulate.simulate_strengths(rng, models=4)
    votes = simulate.simulate_battles(rng, strengths=strengths, battles=2000, style={"tokens": 0.4})
    top = votes.head(5).assign(model_a="top", winner="model_a")
    board = leaderboard(pd.concat([votes, top], ignore_index=True), style=["tokens"])
    assert board.unrated == {"top": "never lost"}
    pd.testing.assert_series_equal(
        board.table.rating.head(4), leaderboard(votes, style=["tokens"]).table.rating
    )


@settings(deadline=None, max_examples=50)
@given(tables(), st.permutations(["a", "b", "c", "d", "é", "Z"]))
def test_other_names_change_no_byte(table: pd.DataFrame, names: list[str]) -> None:
    new = dict(zip(["a", "b", "c", "d", "é", "Z"], names, strict=True))
    board = leaderboard(table).table.set_index("model")
    renamed = table.assign(model_a=table.model_a.map(new), model_b=table.model_b.map(new))
    other = leaderboard(renamed).table.set_index("model")
    if board.rating.notna().sum() < board.rating.notna().size:
        return  # among equally large groups, the first name decides which one is rated
    figures = ["rating", "lower", "upper", "rank_lower", "rank_upper"]
    again = other.loc[[new[name] for name in board.index], figures]
    assert again.to_csv(index=False) == board[figures].to_csv(index=False)


def test_equal_ratings_are_ordered_by_name() -> None:
    rows = [("b", "a", "tie"), ("c", "b", "tie"), ("a", "c", "tie")]
    assert leaderboard(battles(*rows)).table.model.tolist() == ["a", "b", "c"]


@settings(deadline=None, max_examples=50)
@given(tables(), st.integers(0, 1000))
def test_any_valid_table_gives_a_board_that_ignores_order_and_sides(table: pd.DataFrame, seed: int) -> None:
    board = leaderboard(table)
    assert sorted(board.table.model) == sorted(set(table.model_a) | set(table.model_b))
    assert set(board.unrated) == set(board.table.model[board.table.rating.isna()])
    changed = leaderboard(mirrored(table.sample(frac=1, random_state=seed)))
    assert json.dumps(changed.as_dict()) == json.dumps(board.as_dict())


def test_an_undefeated_model_is_listed_without_a_rating() -> None:
    board = leaderboard(battles(*CYCLE, ("top", "a", "model_a"), ("low", "b", "model_b")))
    assert board.table.model.tolist() == ["a", "b", "c", "low", "top"]
    assert board.unrated == {"low": "never won", "top": "never lost"}
    nulls = board.table[["rating", "lower", "upper", "rank_lower", "rank_upper"]].isna().all(axis=1)
    assert nulls.tolist() == [False, False, False, True, True]
    assert board.table.battles.tolist() == [3, 3, 2, 1, 1]
    assert board.table.win_rate.tolist()[-2:] == [0.0, 1.0]
    without = leaderboard(battles(*CYCLE)).table
    pd.testing.assert_series_equal(board.table.rating.head(3), without.rating)


def test_a_group_that_never_lost_is_told_from_a_model_that_never_did() -> None:
    top = [("p", "q", "tie"), ("q", "a", "model_a")]
    low = [("x", "y", "tie"), ("a", "x", "model_a")]
    side = [("s", "t", "model_a"), ("p", "t", "model_a"), ("s", "y", "model_a"), ("u", "s", "model_a")]
    board = leaderboard(battles(*CYCLE, *top, *low, *side))
    above = "never lost to the rated models, directly or through others"
    below = "never won against the rated models, directly or through others"
    assert board.unrated == {
        "p": above,
        "q": above,
        "s": "no chain of wins leads both to it and back",
        "t": "never won",
        "u": "never lost",
        "x": below,
        "y": below,
    }


def test_only_the_larger_of_two_islands_is_rated() -> None:
    board = leaderboard(battles(*CYCLE, ("p", "q", "tie"), ("p", "q", "tie")))
    assert board.table.model.tolist() == ["a", "b", "c", "p", "q"]
    assert board.unrated == dict.fromkeys("pq", "not connected to the rated models")


def test_of_equal_islands_the_one_with_more_votes_is_rated() -> None:
    board = leaderboard(battles(("a", "b", "tie"), ("p", "q", "tie"), count=[1, 2]))
    assert list(board.unrated) == ["a", "b"]
    board = leaderboard(battles(("a", "b", "tie"), ("p", "q", "tie")))
    assert list(board.unrated) == ["p", "q"]


def test_a_board_without_two_rateable_models_is_all_nulls() -> None:
    board = leaderboard(
        battles(("a", "b", "model_a"), ("b", "c", "model_a"), ("c", "d", "tie"), count=[1, 1, 0])
    )
    assert board.fit is None
    assert board.table.rating.isna().all()
    assert board.table.rank_lower.isna().all()
    assert board.table.model.tolist() == ["a", "b", "c", "d"]
    assert board.unrated == {
        "a": "never lost",
        "b": "no chain of wins leads both to it and back",
        "c": "never won",
        "d": "no votes",
    }


def test_no_battles_give_an_empty_board() -> None:
    board = leaderboard(battles())
    assert list(board.table.columns) == COLUMNS
    assert board.as_dict()["entries"] == []


def test_a_single_tie_gives_no_interval_and_all_ranks() -> None:
    table = leaderboard(battles(("x", "y", "tie"))).table
    assert table.rating.tolist() == [1000.0, 1000.0]
    assert table.lower.isna().all()
    assert table.upper.isna().all()
    assert table.rank_lower.tolist() == [1, 1]
    assert table.rank_upper.tolist() == [2, 2]


def test_clusters_by_voter_only_where_voters_are_known() -> None:
    table = random_battles(42)
    assert leaderboard(table).method["parameters"]["cluster"] == "voter"
    assert leaderboard(table.drop(columns="voter")).method["parameters"]["cluster"] is None
    assert leaderboard(table, cluster=None).method["parameters"]["cluster"] is None
    assert leaderboard(table.assign(voter="one")).method["parameters"]["cluster"] is None
    renamed = table.rename(columns={"voter": "worker"})
    assert leaderboard(renamed, cluster="worker").method["parameters"]["cluster"] == "worker"
    with pytest.raises(InvalidComparisonsError, match="lacks the column 'wroker'"):
        leaderboard(renamed, cluster="wroker")


def test_a_model_that_one_voter_judged_is_not_certain() -> None:
    crowd = random_battles(43)
    fan = battles(*[("new", "m0", "model_a"), ("new", "m0", "model_b")] * 5, voter=[99] * 10)
    table = pd.concat([crowd, fan], ignore_index=True)
    clustered, independent = leaderboard(table).table, leaderboard(table, cluster=None).table
    widths = [(board.upper - board.lower)[board.model == "new"].item() for board in (clustered, independent)]
    assert widths[0] >= widths[1] > 100


def test_method_says_what_was_computed() -> None:
    method = leaderboard(random_battles(44), confidence=0.9).method
    assert method["name"] == "bradley-terry"
    assert method["version"] == "2"
    assert method["parameters"]["confidence"] == 0.9
    assert method["parameters"]["ties"] == "half"


def test_as_dict_is_plain_json_with_explicit_nulls() -> None:
    board = leaderboard(battles(*CYCLE, ("top", "a", "model_a")))
    entries = json.loads(json.dumps(board.as_dict(), allow_nan=False))["entries"]
    assert list(entries[0]) == COLUMNS
    assert entries[0]["rank_lower"] == 1
    assert entries[-1] == {
        "model": "top",
        "rating": None,
        "lower": None,
        "upper": None,
        "rank_lower": None,
        "rank_upper": None,
        "battles": 1,
        "win_rate": 1.0,
    }


def test_refuses_options_it_does_not_know() -> None:
    table = battles(*CYCLE)
    with pytest.raises(InvalidOptionError, match="ties is 'thirds': it is one of half, davidson"):
        leaderboard(table, ties="thirds")  # type: ignore[arg-type]
    with pytest.raises(InvalidOptionError, match="intervals is 'exact': it is one of sandwich, bootstrap"):
        leaderboard(table, intervals="exact")  # type: ignore[arg-type]
    with pytest.raises(InvalidOptionError, match="ranks is 'mean': it is one of simultaneous"):
        leaderboard(table, ranks="mean")  # type: ignore[arg-type]
    with pytest.raises(InvalidOptionError, match="does not go with 'davidson'"):
        leaderboard(table, ties="davidson", side_bias=True)
    with pytest.raises(InvalidOptionError, match="without style only"):
        leaderboard(table, intervals="bootstrap", side_bias=True)
    for wrong in ("tokens", True, None):
        with pytest.raises(InvalidOptionError, match=r"a list of features, such as \['tokens'\]"):
            leaderboard(table, style=wrong)  # type: ignore[arg-type]
    assert leaderboard(table, confidence=0.9999).table.rank_upper.tolist() == [3, 3, 3]
    with pytest.raises(InvalidOptionError, match="confidence is 95"):
        leaderboard(table, confidence=95)


@pytest.mark.parametrize("anchor", [1, "ab", ("a",), ("a", None), ("a", "x"), ("a", float("nan"))])
def test_what_is_no_anchor_is_refused(anchor: Any) -> None:
    with pytest.raises(InvalidOptionError, match=r"anchor is|anchor's rating is"):
        leaderboard(battles(*CYCLE), anchor=anchor)


@pytest.mark.parametrize("planned", [None, "x", 0, float("inf")])
def test_what_is_no_number_of_voters_is_refused(planned: Any) -> None:
    with pytest.raises(InvalidOptionError, match=f"planned_votes is {planned!r}"):
        leaderboard(battles(*CYCLE), ranks="anytime", planned_voters=planned)


def test_a_board_of_names_that_are_no_text_is_json() -> None:
    table = battles(*CYCLE, ("a", "d", "model_a"))
    names = {name: UUID(int=place) for place, name in enumerate("abcd")}
    named = table.assign(model_a=table.model_a.map(names), model_b=table.model_b.map(names))
    board = json.loads(json.dumps(leaderboard(named, anchor=(names["a"], 1100)).as_dict()))
    assert {entry["model"] for entry in board["entries"]} == {str(name) for name in names.values()}
    assert list(board["unrated"]) == [str(names["d"])]
    assert board["method"]["parameters"]["anchor"] == [str(names["a"]), 1100]


@pytest.mark.parametrize("wrong", ["votes.csv", None, [("a", "b", "tie")]])
def test_what_is_no_table_is_refused(wrong: object) -> None:
    with pytest.raises(InvalidComparisonsError, match=r"pass a pandas DataFrame.*read_votes"):
        leaderboard(wrong)  # type: ignore[arg-type]


def test_names_the_row_that_is_wrong() -> None:
    with pytest.raises(InvalidComparisonsError, match="Row 3 of the battles: unknown winner label 'draw'"):
        leaderboard(battles(*CYCLE, ("a", "b", "draw")))
