"""What would change a board: what is found holds when the votes are really changed, and the band spans the methods."""

from random import Random
from typing import Any

import jsonschema
import numpy as np
import orjson
import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.compute as pc  # type: ignore[import-untyped]

import ratings
from arena import robustness
from arena.ballots import Votes
from arena.boards import board_files
from arena.leaderboards import boards_of
from arena.populations import OVERALL
from arena.web.schemas import SCHEMAS

STRENGTHS = {"ant": 3.0, "bee": 2.0, "cat": 1.9, "dog": 1.0}
DATED = {"snapshot": "0" * 64, "generated_at": "2026-06-01T00:00:00Z"}
HEAVY = 0  # this voter likes the last model, and says so all day


def voted(votes: int = 400, heavy: int = 60) -> pa.Table:
    """Votes of forty people, and of one who casts many."""
    random, rows = Random(5), []
    for number in range(votes):
        a, b = random.sample(list(STRENGTHS), 2)
        chance = STRENGTHS[a] / (STRENGTHS[a] + STRENGTHS[b])
        winner = random.choices(["model_a", "model_b", "tie"], [0.7 * chance, 0.7 * (1 - chance), 0.3])[0]
        rows.append({"model_a": a, "model_b": b, "winner": winner, "voter": 1 + number % 60})
    for number in range(heavy):
        other = list(STRENGTHS)[number % 3]
        rows.append({"model_a": "dog", "model_b": other, "winner": "model_a", "voter": HEAVY})
    return pa.Table.from_pylist(rows)


def found(table: pa.Table) -> dict[str, Any]:
    """The robustness file of these votes as it is written, valid by its schema."""
    (board,) = boards_of(Votes(population=OVERALL, table=table, digest=""))
    (says,) = [file.says for file in board_files(board, {}) if file.name == "robustness/overall.json"]
    file: dict[str, Any] = orjson.loads(orjson.dumps(DATED | says))
    jsonschema.validate(file, SCHEMAS["robustness"])
    return file


def test_neighbours_stand_in_board_order_with_shares_of_all_votes() -> None:
    table = voted()
    file = found(table)
    order = ratings.leaderboard(table).table.model.tolist()
    assert [(pair["better"], pair["worse"]) for pair in file["neighbours"]] == list(
        zip(order, order[1:], strict=False)
    )
    assert (file["votes"], file["voters"], file["unknown"]) == (460, 61, {})
    for pair in file["neighbours"]:
        assert pair["drops_share"] == round(pair["drops"] / 460, 6)
        assert pair["voters_share"] == round(pair["voters"] / 61, 6)
        assert 0 < pair["flips"] <= pair["drops"]


def test_new_votes_for_the_worse_one_swap_the_two_no_sooner_than_said() -> None:
    """Votes between the two alone are one way to add votes, so they take at least as many."""
    table = voted()
    first = found(table)["neighbours"][0]
    row = {"model_a": first["worse"], "model_b": first["better"], "winner": "model_a"}

    def swapped(votes: int) -> bool:
        more = [{**row, "voter": 1000 + number} for number in range(votes)]
        board = ratings.leaderboard(pa.concat_tables([table, pa.Table.from_pylist(more, table.schema)]))
        rating = board.table.set_index("model").rating
        return bool(rating[first["worse"]] > rating[first["better"]])

    assert not swapped(first["adds"] - 1)
    assert swapped(4 * first["adds"])


def test_band_spans_the_boards_of_all_methods() -> None:
    table = voted()
    file = found(table)
    cast = np.bincount(table["voter"].to_numpy())
    weights = np.minimum(1.0, robustness.CAP / cast)[table["voter"].to_numpy()]
    boards = {
        "plain": ratings.leaderboard(table, ranks="anytime"),
        "capped": ratings.leaderboard(table.append_column("weight", pa.array(weights)), ranks="anytime"),
        "ties_left_out": ratings.leaderboard(
            table.filter(pc.not_equal(table["winner"], "tie")), ranks="anytime"
        ),
    }
    assert list(file["methods"]) == list(boards)
    for band in file["models"]:
        rows = [board.table.set_index("model").loc[band["model"]] for board in boards.values()]
        given = [band["by_method"][name]["rating"] for name in boards]
        assert given == [round(row.rating, 2) for row in rows]
        assert (band["rating_lowest"], band["rating_highest"]) == (min(given), max(given))
        assert band["rank_lower"] == min(row.rank_lower for row in rows)
        assert band["rank_upper"] == max(row.rank_upper for row in rows)
    (dog,) = (band["by_method"] for band in file["models"] if band["model"] == "dog")
    assert dog["capped"]["rating"] < dog["plain"]["rating"] - 10, "the heavy voter counts as ten votes"


def test_too_many_votes_leave_out_the_search_for_voters_and_say_so(monkeypatch: Any) -> None:
    monkeypatch.setattr(robustness, "VOTER_SEARCH", 1000)
    file = found(voted())
    assert [pair["voters"] is None for pair in file["neighbours"]] == [False, False, True]
    assert "first 2 pairs alone" in file["unknown"]["voters"]


def test_too_many_votes_leave_out_the_ranks_of_other_methods_and_keep_their_ratings(monkeypatch: Any) -> None:
    before = found(voted())
    monkeypatch.setattr(robustness, "RANKED_VOTES", 459)
    file = found(voted())
    assert "capped and ties_left_out" in file["unknown"]["ranks"]
    for band, full in zip(file["models"], before["models"], strict=True):
        plain = band["by_method"]["plain"]
        assert (band["rank_lower"], band["rank_upper"]) == (plain["rank_lower"], plain["rank_upper"])
        for name in ("capped", "ties_left_out"):
            assert band["by_method"][name]["rank_lower"] is None
            assert band["by_method"][name]["rating"] == full["by_method"][name]["rating"]


def test_equal_ratings_share_a_place() -> None:
    drawn = [("ant", "bee"), ("bee", "cat"), ("cat", "ant")]
    rows = [{"model_a": a, "model_b": b, "winner": "tie", "voter": 1} for a, b in drawn]
    rows += [
        {"model_a": "dog", "model_b": "ant", "winner": won, "voter": 2}
        for won in ("model_a", "model_b", "model_b")
    ]
    file = found(pa.Table.from_pylist(rows))
    assert [band["by_method"]["plain"]["rank"] for band in file["models"]] == [1, 1, 1, 4]
    assert file["models"][3]["model"] == "dog"
    assert [(pair["rank"], pair["difference"]) for pair in file["neighbours"][:2]] == [(1, 0.0), (1, 0.0)]


def test_a_board_without_ratings_says_that_nothing_is_known() -> None:
    one = pa.Table.from_pylist([{"model_a": "ant", "model_b": "bee", "winner": "model_a", "voter": 1}])
    file = found(one)
    assert (file["neighbours"], file["models"]) == ([], [])
    assert file["unknown"] == {"neighbours": "Fewer than two models are rated."}
    assert found(one.slice(0, 0))["votes"] == 0


def test_the_same_votes_say_the_same() -> None:
    assert found(voted()) == found(voted())
