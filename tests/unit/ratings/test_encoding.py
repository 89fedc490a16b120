import re
from collections.abc import Callable
from datetime import date
from uuid import UUID

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from ratings.columns import SLICE, Battles
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
        (
            GOOD,
            {"weight": [0.0, 1e101]},
            "Row 1 of the battles: weight is 1e.101. Scale the weights to 1e-100",
        ),
        (GOOD, {"weight": [0.0, 1e-101]}, "Row 1 of the battles: weight is 1e-101"),
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


@pytest.mark.parametrize(
    ("models", "expected", "kind"),
    [
        ([2, 10, 1], [1, 2, 0], int),
        ([2.0, 10.0, 1.0], [1, 2, 0], int),
        (["2", "10", "1"], [2, 1, 0], str),
        ([date(2026, 1, 2), date(2026, 3, 1), date(2026, 1, 1)], [1, 2, 0], date),
        ([UUID(int=2), UUID(int=10), UUID(int=1)], [1, 2, 0], UUID),
        ([2**70 + 2, 2**70 + 10, 2**70 + 1], [1, 2, 0], int),
        (list(pd.PeriodIndex(["2026-02", "2026-10", "2026-01"], freq="M")), [1, 2, 0], pd.Period),
    ],
)
def test_models_are_named_by_any_one_type_in_its_own_order(
    models: list[object], expected: list[int], kind: type
) -> None:
    table = pd.DataFrame({"model_a": models, "model_b": models[1:] + models[:1], "winner": "tie"})
    encoded = encode_battles(table)
    assert encoded.side_a.tolist() == expected
    assert encoded.models == tuple(models[expected.index(place)] for place in range(3))
    assert {type(name) for name in encoded.models} == {kind}


@pytest.mark.parametrize("rows", [3, SLICE + 3])
def test_arrow_gives_back_the_identifiers_of_models(rows: int) -> None:
    names = [UUID(int=2), UUID(int=10), UUID(int=1)]
    stored = pa.array([name.bytes for name in names] * (rows // 3 + 2), pa.binary(16))
    column = pa.ExtensionArray.from_storage(pa.uuid(), stored)
    table = pa.table(
        {"model_a": column[:rows], "model_b": column[1 : rows + 1], "winner": pa.repeat("tie", rows)}
    )
    encoded = encode_battles(table)
    assert encoded.models == tuple(sorted(names))
    assert encoded.side_a[:3].tolist() == [1, 2, 0]


@pytest.mark.parametrize(
    "column",
    [
        pa.array([b"u", b"v"], pa.binary_view()),
        pa.array([b"u", b"v"], pa.binary_view()).dictionary_encode(),
        pa.array([pa.MonthDayNano([1, 2, 3])] * 2),
        pa.array([1, 2], pa.decimal32(3)),
        pa.array(pd.interval_range(0, 2)),
    ],
    ids=lambda column: str(column.type),
)
def test_types_that_arrow_does_not_sort_are_named(column: pa.Array) -> None:
    table = pa.table({"model_a": ["x", "y"], "model_b": ["y", "x"], "winner": ["tie"] * 2, "voter": column})
    with pytest.raises(
        InvalidComparisonsError,
        match=f"The column voter holds values of type {re.escape(str(column.type))}: turn",
    ):
        encode_battles(table, cluster="voter")


def test_types_of_models_that_arrow_does_not_collect_are_named() -> None:
    names = pa.array([1, 2], pa.decimal32(3))
    table = pa.table({"model_a": names, "model_b": names.take(pa.array([1, 0])), "winner": ["tie"] * 2})
    with pytest.raises(
        InvalidComparisonsError, match=r"The column model_a holds values of type decimal32\(3"
    ):
        encode_battles(table)


def test_voters_beyond_64_bits_are_named_with_their_row() -> None:
    table = battles(GOOD, GOOD).assign(voter=pd.Series([-1, 2**70], dtype=object))
    with pytest.raises(
        InvalidComparisonsError, match=rf"Row 1 of the battles: voter is {2**70}.*beyond 64 bits"
    ):
        encode_battles(table, cluster="voter")


@pytest.mark.parametrize(
    ("a", "b", "message"),
    [
        (["x", "y"], ["y", 7], r"model_a and model_b are not of one type .*: 'x' \(row 0\) and 7 \(row 1\)"),
        (["x", "y"], [1, 2], r"'x' \(row 0\) and 1 \(row 0\)"),
        ([1.0, 2.5], [2.0, 3.0], "Row 1 of the battles: model_a is 2.5. Identities are strings or whole"),
        ([{}, "x"], ["y", "z"], r"Row 0 of the battles: the column model_a holds \{\}, which has no hash"),
        ([("x",), ("y",)], [("y",), ("z",)], "model_a holds values of type list"),
    ],
)
def test_mixed_or_strange_names_are_refused(a: list[object], b: list[object], message: str) -> None:
    table = pd.DataFrame({"model_a": pd.Series(a), "model_b": pd.Series(b, dtype=object), "winner": "tie"})
    with pytest.raises(InvalidComparisonsError, match=message):
        encode_battles(table)


@pytest.mark.parametrize("voters", [["v", 1], [1.5, 2.0], [("v",), ("w",)], ["v", {}], ["v", True]])
def test_strange_voters_are_refused(voters: list[object]) -> None:
    table = battles(GOOD, GOOD).assign(voter=pd.Series(voters, dtype=object))
    with pytest.raises(InvalidComparisonsError, match="voter"):
        encode_battles(table, cluster="voter")


@pytest.mark.parametrize(
    ("voters", "expected"),
    [
        (["w", "v", "w"], ["v", "w"]),
        ([30, 4, 30], [4, 30]),
        ([30.0, 4.0, 30.0], [4, 30]),
        (np.array([30, 4, 30], dtype=np.float16), [4, 30]),
        (pd.Categorical(["w", "v", "w"], categories=["z", "w", "v"]), ["v", "w"]),
        ([UUID(int=2), UUID(int=1), UUID(int=2)], [UUID(int=1).bytes, UUID(int=2).bytes]),
    ],
)
def test_voters_are_numbered_in_their_own_order(voters: list[object], expected: list[object]) -> None:
    encoded = encode_battles(battles(GOOD, GOOD, GOOD).assign(voter=voters), cluster="voter")
    assert encoded.cluster is not None
    assert encoded.identities is not None
    assert encoded.cluster.tolist() == [1, 0, 1]
    assert encoded.identities.to_pylist() == expected


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


def as_dictionary(table: pd.DataFrame) -> pa.Table:
    arrow = pa.Table.from_pandas(table, preserve_index=False)
    return pa.table({name: arrow.column(name).dictionary_encode() for name in arrow.column_names})


def in_chunks(table: pd.DataFrame) -> pa.Table:
    return pa.concat_tables(
        [as_dictionary(table[start : start + 2]) for start in range(0, len(table), 2)], promote_options="none"
    )


FORMS: dict[str, Callable[[pd.DataFrame], Battles]] = {
    "object": lambda table: table.astype(object),
    "str": lambda table: table.astype("str"),
    "string": lambda table: table.astype("string"),
    "python strings": lambda table: table.astype(pd.StringDtype("python")),
    "category": lambda table: table.astype("category"),
    "unused category": lambda table: table.astype("category")[:-1],
    "arrow string": lambda table: table.astype(pd.ArrowDtype(pa.string())),
    "table": lambda table: pa.Table.from_pandas(table, preserve_index=False),
    "batch": lambda table: pa.RecordBatch.from_pandas(table, preserve_index=False),
    "dictionary": as_dictionary,
    "chunks": in_chunks,
    "string view": lambda table: pa.table(
        {name: pa.array(table[name], pa.string_view(), from_pandas=True) for name in table}
    ),
}


@pytest.mark.parametrize("form", FORMS)
def test_any_table_of_strings_gives_the_same_codes(form: str) -> None:
    rows = [GOOD, ("z", "x", "model_b"), ("x", "y", "model_a"), ("y", "é", "both_bad"), ("y", "é", "tie")]
    table = battles(*rows, voter=["v", "u", "v", "w", "v"])
    expected = encode_battles(table[:-1] if form == "unused category" else table, cluster="voter")
    encoded = encode_battles(FORMS[form](table), cluster="voter")
    assert encoded.models == expected.models == ("x", "y", "z", "é")
    for name in ("side_a", "side_b", "winner", "count", "weight", "cluster"):
        one, other = getattr(encoded, name), getattr(expected, name)
        assert one.dtype == other.dtype
        assert one.tolist() == other.tolist()
    assert encoded.identities.equals(expected.identities)  # type: ignore[union-attr]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("column", ["model_a", "winner", "voter"])
def test_a_missing_value_is_named_in_any_table(form: str, column: str) -> None:
    table = battles(*[GOOD] * 5, voter=["v"] * 5)
    table[column] = table[column].where([True, True, True, False, True])
    with pytest.raises(InvalidComparisonsError, match=f"Row 3 of the battles: {column} is missing"):
        encode_battles(FORMS[form](table), cluster="voter")


def test_rows_of_arrow_tables_are_named() -> None:
    table = pa.table({"model_a": ["x", "x"], "model_b": ["y", "x"], "winner": ["tie", "tie"]})
    with pytest.raises(InvalidComparisonsError, match="Row 1 of the battles: 'x' is compared with itself"):
        encode_battles(table)
    weighted = table.slice(0, 1).append_column("weight", pa.array([-1.0]))
    with pytest.raises(InvalidComparisonsError, match="Row 0 of the battles: weight is -1.0"):
        encode_battles(weighted)


def test_slices_of_a_long_table_share_their_codes() -> None:
    rng = np.random.default_rng(50)
    names = np.array([f"m{number}" for number in range(30)])
    a = rng.integers(29, size=2 * SLICE + 7)
    b = a + 1
    # Names appear one after the other, so that each slice knows other names.
    a, b = np.sort(a), b[np.argsort(a, kind="stable")]
    table = pd.DataFrame({"model_a": names[a], "model_b": names[b], "winner": "tie"})
    encoded = encode_battles(table)
    order = np.array(encoded.models)
    assert np.array_equal(order[encoded.side_a], names[a])
    assert np.array_equal(order[encoded.side_b], names[b])


LONG_FORMS: dict[str, Callable[[pd.DataFrame], Battles]] = {
    "str": lambda table: table.astype("str"),
    "arrow string": lambda table: table.astype(pd.ArrowDtype(pa.string())),
    "category": lambda table: table.astype("category"),
    "string view": FORMS["string view"],
}


def long_table() -> pd.DataFrame:
    """Make a table whose rare names no sample of rows is likely to hold: one early, one late, one in both columns."""
    table = pd.DataFrame({"model_a": "x", "model_b": "z", "winner": "tie"}, index=range(SLICE + 7))
    table.loc[777, ["model_a", "winner"]] = ["y", "both_bad"]
    table.loc[SLICE + 3, ["model_b", "winner"]] = ["a", "model_b"]
    table.loc[999, "model_a"] = table.loc[998, "model_b"] = "é"
    return table


@pytest.mark.parametrize("form", LONG_FORMS)
def test_a_rare_name_in_a_long_table_is_found(form: str) -> None:
    encoded = encode_battles(LONG_FORMS[form](long_table()))
    assert encoded.models == ("a", "x", "y", "z", "é")
    assert np.flatnonzero(encoded.side_a != 1).tolist() == [777, 999]
    assert np.flatnonzero(encoded.side_b != 3).tolist() == [998, SLICE + 3]
    assert encoded.side_a[[777, 999]].tolist() == [2, 4]
    assert encoded.side_b[[998, SLICE + 3]].tolist() == [4, 0]
    assert encoded.winner[[777, 0, SLICE + 3]].tolist() == [3, 2, 1]


@pytest.mark.parametrize("form", LONG_FORMS)
@pytest.mark.parametrize("column", ["model_a", "winner"])
def test_a_missing_value_in_a_long_table_is_named(form: str, column: str) -> None:
    table = long_table()
    table.loc[1001, column] = None
    with pytest.raises(InvalidComparisonsError, match=f"Row 1001 of the battles: {column} is missing"):
        encode_battles(LONG_FORMS[form](table))


def not_utf8(kind: pa.DataType, rows: int, wrong: int) -> pa.Array:
    """Make strings as a careless writer does: bytes of another encoding."""
    texts = [b"x", b"y", b"tie"] * rows
    texts[wrong] = "café".encode("latin-1")
    raw = pa.array(texts[:rows], pa.large_binary() if kind == pa.large_string() else pa.binary())
    return pa.Array.from_buffers(kind, rows, raw.buffers())


@pytest.mark.parametrize("name", ["model_a", "winner", "voter"])
@pytest.mark.parametrize("rows", [9, 2 * SLICE + 9])
@pytest.mark.parametrize("form", ["string", "large_string", "dictionary"])
def test_bytes_that_are_no_text_are_named_with_their_row(name: str, rows: int, form: str) -> None:
    kind = pa.large_string() if form == "large_string" else pa.string()
    wrong = not_utf8(kind, rows, rows - 2)
    columns = {"model_a": "a", "model_b": "b", "winner": "tie", "voter": "v"}
    table = pa.table({column: pa.repeat(value, rows) for column, value in columns.items()})
    wrong = wrong.dictionary_encode() if form == "dictionary" else wrong
    table = table.set_column(table.schema.get_field_index(name), name, wrong)
    with pytest.raises(
        InvalidComparisonsError,
        match=rf"Row {rows - 2} of the battles: {name} is b'caf\\xe9', which is no UTF-8",
    ):
        encode_battles(table, cluster="voter")


@pytest.mark.parametrize("name", ["model_a", "winner", "voter"])
def test_half_a_surrogate_pair_is_named_with_its_row(name: str) -> None:
    table = battles(GOOD, GOOD, GOOD, voter=["u", "v", "w"]).astype(object)
    table.loc[1, name] = "half \ud800"
    with pytest.raises(InvalidComparisonsError, match=rf"Row 1 of the battles: {name} is 'half \\ud800'"):
        encode_battles(table, cluster="voter")


def test_columns_that_occur_twice_are_refused() -> None:
    table = battles(GOOD, weight=[1.0])
    twice = table[["model_a", "model_b", "winner", "weight", "weight"]]
    with pytest.raises(InvalidComparisonsError, match="2 columns named 'weight': keep one"):
        encode_battles(twice)
    arrow = pa.table([["x"], ["y"], ["tie"], ["tie"]], names=["model_a", "model_b", "winner", "winner"])
    with pytest.raises(InvalidComparisonsError, match="2 columns named 'winner'"):
        encode_battles(arrow)


def test_a_table_of_another_kind_is_refused() -> None:
    with pytest.raises(InvalidComparisonsError, match="battles are a dict: pass a pandas DataFrame"):
        encode_battles({"model_a": ["x"]})  # type: ignore[arg-type]


def test_more_votes_than_can_be_counted_are_refused() -> None:
    with pytest.raises(InvalidComparisonsError, match="Row 1 .*counts up to here exceed 9007199254740992"):
        encode_battles(battles(GOOD, GOOD, count=[2**52, 2**53]))


def test_rows_of_one_vote_take_no_memory_for_counts() -> None:
    encoded = encode_battles(battles(GOOD, GOOD))
    assert encoded.is_unit
    assert encoded.count.strides == encoded.weight.strides == (0,)
    assert encoded.count.tolist() == [1, 1]
