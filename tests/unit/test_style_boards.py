"""Boards at equal style: a feature that cannot be told from a model does not cost the others."""

from collections.abc import Mapping
from random import Random

import pyarrow as pa  # type: ignore[import-untyped]

from arena.ballots import Votes
from arena.boards import board_files
from arena.leaderboards import boards_of
from arena.populations import OVERALL
from ratings.board_files import STYLE_FEATURES

MODELS = {"ant": 3.0, "bee": 2.0, "cat": 1.5, "dog": 1.0}


def voted(emoji: Mapping[str, int]) -> pa.Table:
    """Votes on models of which some use a fixed number of emoji in every answer, and write at random lengths."""
    random, rows = Random(3), []
    for number in range(600):
        a, b = random.sample(list(MODELS), 2)
        won = random.random() < MODELS[a] / (MODELS[a] + MODELS[b])
        row = {"model_a": a, "model_b": b, "winner": "model_a" if won else "model_b", "voter": number % 40}
        row |= {f"{feature}_{side}": 0 for feature in STYLE_FEATURES for side in "ab"}
        row |= {"tokens_a": random.randrange(50, 500), "tokens_b": random.randrange(50, 500)}
        rows.append(row | {"emoji_a": emoji.get(a, 0), "emoji_b": emoji.get(b, 0)})
    return pa.Table.from_pylist(rows)


def test_a_feature_of_one_model_alone_is_left_out() -> None:
    (board,) = boards_of(Votes(population=OVERALL, table=voted({"dog": 4}), digest=""))
    files = {file.name: file.says for file in board_files(board, {})}
    styled = files["leaderboards/overall.style.json"]
    assert [effect["name"] for effect in styled["coefficients"]] == ["tokens", "side_bias"]
    assert styled["method"]["parameters"]["style"] == ["tokens"]
    assert [entry["model"] for entry in styled["entries"]] == list(MODELS)


def test_features_that_can_be_told_stay() -> None:
    table = voted({"ant": 2, "dog": 4})
    lists = [number * 7 % 5 for number in range(table.num_rows)]
    table = table.set_column(table.column_names.index("lists_a"), "lists_a", pa.array(lists))
    (board,) = boards_of(Votes(population=OVERALL, table=table, digest=""))
    styled = {file.name: file.says for file in board_files(board, {})}["leaderboards/overall.style.json"]
    assert [effect["name"] for effect in styled["coefficients"]] == [
        "tokens",
        "lists",
        "emoji",
        "side_bias",
    ]
