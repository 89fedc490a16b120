"""Strings are found among the usual ones as Arrow finds them, with and without machine code."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

import ratings.usual_values
from ratings.usual_values import UsualValues

TYPES = [pa.string(), pa.large_string()]
TEXTS = {
    "every length": ["x" * length for length in range(60)],
    "one letter differs": ["a" * place + "b" + "a" * (25 - place) for place in range(26)],
    "same ends": [f"organization-{number:04}/model-instruct" for number in range(300)],
    "other scripts": ["модель", "模型", "モデル", "é", "e\u0301", "model", "ｍodel", "\0", "\0\0"],
    "few": ["tie"],
    "many": [f"{number:x}" for number in range(4096)],
}


@pytest.fixture(autouse=True)
def way(monkeypatch: pytest.MonkeyPatch, is_compiled: bool) -> None:
    monkeypatch.setattr(ratings.usual_values, "is_compiler_loaded", lambda: is_compiled)


def usual_values(texts: list[str], kind: pa.DataType) -> UsualValues:
    return UsualValues(pa.array(sorted(texts), kind))


@pytest.mark.parametrize("kind", TYPES, ids=str)
@pytest.mark.parametrize("texts", TEXTS)
def test_each_string_is_found(texts: str, kind: pa.DataType, is_compiled: bool) -> None:
    usual = usual_values(TEXTS[texts], kind)
    assert (usual._words is not None) == is_compiled
    places = np.random.default_rng(1).integers(len(TEXTS[texts]), size=3000)
    drawn = [TEXTS[texts][place] for place in places]
    column = pa.array(drawn, kind)
    for low, high in ((0, 3000), (1, 2), (17, 2999), (2999, 3000), (5, 5)):
        out = np.full(high - low, -7, dtype=np.int32)
        assert usual.find(column.slice(low, high - low), out)
        assert [usual.values[int(place)].as_py() for place in out] == drawn[low:high]


@pytest.mark.parametrize("kind", TYPES, ids=str)
@pytest.mark.parametrize("texts", TEXTS)
def test_what_is_missing_or_another_string_is_told(texts: str, kind: pa.DataType) -> None:
    known = TEXTS[texts][1:] or ["neither"]
    usual = usual_values(known, kind)
    others = ["", "\0", "z", *(f"{text}\0" for text in known[:9]), *(text[:-1] for text in known[:9])]
    for column in (
        pa.array([*TEXTS[texts], *others], kind),
        pa.array([*others, *known], kind),
        pa.array([None, *known, None, ""], kind),
        pa.array([None, None], kind),
        pa.array(["", ""], kind),
    ):
        out = np.full(len(column), -7, dtype=np.int32)
        expected = pc.index_in(column, value_set=usual.values).fill_null(-1).to_pylist()
        assert usual.find(column, out) == (-1 not in expected)
        assert out.tolist() == expected


@pytest.mark.parametrize("kind", TYPES, ids=str)
def test_buffers_may_be_absent_or_longer_than_their_use(kind: pa.DataType) -> None:
    usual = usual_values(["first-name", "second-name"], kind)
    nothing = pa.Array.from_buffers(kind, 0, [None, None, pa.py_buffer(b"")])
    assert usual.find(nothing, np.empty(0, dtype=np.int32))
    some = pa.array(["second-name", "first-name"], kind)
    _, offsets, data = some.buffers()
    spare = pa.py_buffer(offsets.to_pybytes() + b"123")
    out = np.empty(2, dtype=np.int32)
    assert usual.find(pa.Array.from_buffers(kind, 2, [None, spare, data]), out)
    assert out.tolist() == [1, 0]


@pytest.mark.parametrize("kind", TYPES, ids=str)
def test_bytes_that_are_no_text_are_found_too(kind: pa.DataType) -> None:
    raw = pa.array([b"caf\xe9 in latin-1", b"\xff"], pa.large_binary() if kind == TYPES[1] else pa.binary())
    column = pa.Array.from_buffers(kind, 2, raw.buffers())
    out = np.empty(2, dtype=np.int32)
    assert UsualValues(column).find(column, out)
    assert out.tolist() == [0, 1]


def test_strings_that_no_place_tells_apart_are_left_to_arrow() -> None:
    """Whoever names models must not make reading slow: one hash for all would be a search through all."""
    # They differ where the table looks at neither of them.
    texts = [f"{'x' * 160}{number:08}{'y' * 8}" for number in range(50)]
    usual = usual_values(texts, pa.string())
    assert usual._words is None
    out = np.empty(50, dtype=np.int32)
    assert usual.find(usual.values, out)
    assert out.tolist() == list(range(50))


def test_only_few_distinct_strings_are_usual() -> None:
    assert UsualValues.of(pa.chunked_array([pa.array(range(9))])) is None
    assert UsualValues.of(pa.chunked_array([pa.array([f"{number}" for number in range(20_000)])])) is None
    assert UsualValues.of(pa.chunked_array([pa.nulls(9, pa.string())])) is None
    found = UsualValues.of(pa.chunked_array([["b", None], ["a", "b"]], pa.string()))
    assert found is not None
    assert found.values.to_pylist() == ["a", "b"]
