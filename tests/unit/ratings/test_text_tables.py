import pandas as pd

from ratings.board_text import wrap_words
from ratings.text_tables import Column, decimals, format_table, shorten, shorten_all, whole, wrap


def test_columns_are_aligned_and_missing_values_dashed() -> None:
    table = pd.DataFrame({"name": ["a", "longer"], "points": [1.25, None], "votes": [1234567, 2]})
    columns = {
        "name": Column(heading="model", left=True),
        "points": Column(heading="points", write=decimals(1, signed=True)),
        "votes": Column(heading="n", write=whole),
    }
    assert format_table(table, columns, width=80).splitlines() == [
        "model   points          n",
        "a         +1.2  1,234,567",
        "longer       -          2",
    ]


def test_only_the_flexible_column_is_cut() -> None:
    table = pd.DataFrame({"name": ["provider/model-large-2024-08-06"], "votes": [12]})
    columns = {"name": Column(heading="model", left=True), "votes": Column(heading="votes", write=whole)}
    lines = format_table(table, columns, width=24, flexible="name").splitlines()
    assert lines == ["model              votes", "provider…24-08-06     12"]
    assert len(format_table(table, columns, width=5, flexible="name").splitlines()[1]) == 12 + 2 + 5


def test_texts_are_shortened_in_the_middle_and_wrapped() -> None:
    assert shorten("abcdefgh", 8) == "abcdefgh"
    assert shorten("abcdefghi", 8) == "abcd…ghi"
    assert wrap(["one", "two", "three"], width=12) == "  one, two,\n  three"
    assert wrap_words("a long sentence in lines", width=10) == ["a long", "sentence", "in lines"]


def test_different_texts_stay_different_when_cut() -> None:
    names = [f"provider/some-model-{size}b-instruct-chat" for size in (7, 70, 8)]
    cut = shorten_all([*names, "short", names[0]], 16)
    assert len(set(cut)) == 4
    assert max(map(len, cut)) <= 16
    assert cut[0] == cut[4]
    assert "8b" in cut[2]
    far = [f"x{'-' * 40}{middle}{'-' * 40}y" for middle in ("abc", "abd", "zbd")]
    assert len(set(shorten_all(far, 12))) == 3
    endless = ["a" * 100, "a" * 101]
    assert shorten_all(endless, 12) == endless
    table = pd.DataFrame({"name": names, "votes": [1, 2, 3]})
    columns = {"name": Column(heading="model", left=True), "votes": Column(heading="votes", write=whole)}
    lines = format_table(table, columns, width=24, flexible="name").splitlines()
    assert max(map(len, lines)) <= 24
    assert len({line.split()[0] for line in lines}) == 4
