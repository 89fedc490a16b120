from typing import Literal

import numpy as np
import pandas as pd
import pytest

from ratings.encoding import encode_battles
from ratings.errors import InvalidComparisonsError
from tests.unit.ratings.tables import battles

GOOD = ("x", "y", "tie")


def test_codes_follow_sorted_names() -> None:
    encoded = encode_battles(battles(("y", "x", "model_a"), ("x", "z", "both_bad")))
    assert encoded.models == ("x", "y", "z")
    assert encoded.side_a.tolist() == [1, 0]
    assert encoded.side_b.tolist() == [0, 2]
    assert encoded.winner.tolist() == [0, 3]
    assert encoded.count.tolist() == [1, 1]


def test_a_weight_of_zero_is_no_vote() -> None:
    encoded = encode_battles(battles(GOOD, GOOD, weight=[0.0, 0.5], count=[3, 2]))
    assert encoded.count.tolist() == [0, 2]


@pytest.mark.parametrize(
    ("row", "columns", "message"),
    [
        (
            ("x", "y", "left"),
            {},
            "Row 1 of the battles: unknown winner label 'left'. Map it to one of 'model_a'",
        ),
        (("x", "y", "tie (bothbad)"), {}, r"unknown winner label 'tie \(bothbad\)'"),
        (("x", "x", "tie"), {}, "Row 1 of the battles: 'x' is compared with itself"),
        ((None, "y", "tie"), {}, "Row 1 of the battles: model_a is missing"),
        (("x", None, "tie"), {}, "Row 1 of the battles: model_b is missing"),
        (("x", "", "tie"), {}, "Row 1 of the battles: model_b is ''"),
        (("x", "y", None), {}, "Row 1 of the battles: winner is missing"),
        (GOOD, {"count": [1, -2]}, "Row 1 of the battles: count is -2"),
        (GOOD, {"count": [1, 1.5]}, "Row 1 of the battles: count is 1.5"),
        (GOOD, {"count": ["1", "many"]}, "Row 1 of the battles: count is 'many'"),
        (GOOD, {"weight": [1.0, -0.1]}, "Row 1 of the battles: weight is"),
        (GOOD, {"weight": [1.0, np.inf]}, "Row 1 of the battles: weight is"),
        (GOOD, {"weight": [1.0, None]}, "Row 1 of the battles: weight is"),
        (GOOD, {"voter": ["v", None]}, "Row 1 of the battles: voter is missing"),
    ],
)
def test_a_wrong_row_is_named(
    row: tuple[str, str, str], columns: dict[str, list[object]], message: str
) -> None:
    cluster = "voter" if "voter" in columns else None
    with pytest.raises(InvalidComparisonsError, match=message):
        encode_battles(battles(GOOD, row, **columns), cluster=cluster)


def test_a_model_must_be_named_by_a_string() -> None:
    table = pd.DataFrame({"model_a": [1], "model_b": [2], "winner": ["tie"]})
    with pytest.raises(InvalidComparisonsError, match="model_a is 1. Models are named by non-empty strings"):
        encode_battles(table)


def test_the_index_label_is_given_where_it_differs_from_the_place() -> None:
    table = battles(GOOD, ("x", "y", "left")).set_axis(["one", "two"], axis=0)
    with pytest.raises(InvalidComparisonsError, match=r"Row 1 \(index 'two'\)"):
        encode_battles(table)


def test_missing_columns_are_named() -> None:
    with pytest.raises(
        InvalidComparisonsError, match="lacks the column 'model_b', 'winner'; it has 'model_a'"
    ):
        encode_battles(pd.DataFrame({"model_a": ["x"]}))
    with pytest.raises(InvalidComparisonsError, match="lacks the column 'worker'"):
        encode_battles(battles(GOOD), cluster="worker")


@pytest.mark.parametrize("dtype", ["object", "str", "category"])
def test_any_column_type_of_strings_gives_the_same_codes(dtype: Literal["object", "str", "category"]) -> None:
    encoded = encode_battles(battles(GOOD, ("z", "x", "model_b")).astype(dtype))
    assert encoded.models == ("x", "y", "z")
    assert encoded.side_a.tolist() == [0, 2]
    assert encoded.winner.tolist() == [2, 1]
