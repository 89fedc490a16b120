import time
import unicodedata

import pandas as pd
import pytest

from ratings import InvalidComparisonsError, InvalidOptionError
from ratings.text_features import TEXT_FEATURES, add_style_columns, count_tokens, text_features


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", {}),
        ("# One\n## Two\n###### Six\n#\n", {"headers": 4}),
        ("#tag and ####### seven\n    # code\nC# is # not", {}),
        ("- one\n* two\n+ three\n  - four\n1. five\n12) six\n", {"lists": 6}),
        ("-one\n- \n---\n* * *\n- - -\n1.5 litres\n2024.\n", {}),
        ("**one** and __two__ and ***three***, **f*ou*r**", {"bold": 4}),
        ("2 ** 3 ** 4, ** not **, **open\nnext**, snake__case__name, `**code**`", {}),
        ("a\n```python\n# no\n- no **no** 😀\n```\n# yes\n", {"code_blocks": 1, "headers": 1}),
        ("````\n```\n# no\n```\n````\n- yes\n", {"code_blocks": 1, "lists": 1}),
        ("1. x\n   ~~~\n   **no**\n   ~~~\n```\nnever closed\n# no", {"code_blocks": 2, "lists": 1}),
        ("```inline``` is no block\n# yes", {"headers": 1}),
        ("# yes\r\n- yes\r```\r\n# no\r\n```\r\n", {"headers": 1, "lists": 1, "code_blocks": 1}),
        ("😀👍🏽👨‍👩‍👧🇫🇷❤️1️⃣✅", {"emoji": 7}),
        ("✓ → © 1 # ❤ ★", {}),
    ],
)
def test_counts_markdown(text: str, found: dict[str, int]) -> None:
    counts = text_features(text)
    assert tuple(counts) == TEXT_FEATURES
    assert {name: count for name, count in counts.items() if count and name != "tokens"} == found


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("", 0),
        ("  \n\t", 0),
        ("Don't stop.", 5),
        ("naïve café 42", 3),
        ("f(x) = x**2", 9),
        ("我喜欢猫。", 5),
        ("ねこ cat", 3),
        ("고양이", 3),
        ("снег идёт", 2),
        ("nai\u0308ve cafe\u0301 42", 3),
        ("नमस्ते दुनिया!", 3),
        ("สวัสดี", 4),
        ("می\u200cخواهم", 1),
        (unicodedata.normalize("NFD", "고양이"), 3),
        ("❤\ufe0f 👨\u200d👩\u200d👧", 4),
    ],
)
def test_counts_tokens(text: str, tokens: int) -> None:
    assert count_tokens(text) == tokens
    assert text_features(text)["tokens"] == tokens


def test_tokens_may_be_counted_by_the_caller() -> None:
    assert text_features("# a b c", tokens=len)["tokens"] == 7
    table = add_style_columns(pd.DataFrame({"x": [1]}), ["ab"], ["abc"], features=["tokens"], tokens=len)
    assert table[["tokens_a", "tokens_b"]].values.tolist() == [[2, 3]]


@pytest.mark.parametrize(
    "text",
    [
        "**a " * 20_000,
        "__a " * 20_000,
        "`" * 80_000,
        "``` a\n" * 20_000,
        "- " * 40_000,
        " " * 80_000,
        "\t\n" * 40_000,
        "**" * 40_000,
        "*" + "a*" * 40_000,
        "👨\u200d" * 40_000,
        "~~~`" * 20_000,
        "".join(map(chr, range(0x300, 0x370))) * 1000,
    ],
)
def test_no_text_takes_long(text: str) -> None:
    start = time.process_time()
    text_features(text)
    assert time.process_time() - start < 1.0


def test_adds_two_columns_for_each_feature() -> None:
    battles = pd.DataFrame(
        {"model_a": ["x", "x"], "model_b": ["y", "y"], "winner": ["tie", "tie"]}, index=[5, 9]
    )
    table = add_style_columns(battles, pd.Series(["# A", "b"]), ["**c**", "# A"])
    assert table.index.tolist() == [5, 9]
    assert table.columns.tolist()[3:5] == ["tokens_a", "tokens_b"]
    assert len(table.columns) == 3 + 2 * len(TEXT_FEATURES)
    assert table.headers_a.tolist() == [1, 0]
    assert table.headers_b.tolist() == [0, 1]
    assert table.bold_b.tolist() == [1, 0]
    assert "tokens_a" not in battles.columns


def test_wrong_answers_are_named() -> None:
    battles = pd.DataFrame({"model_a": ["x", "x"]})
    with pytest.raises(InvalidComparisonsError, match="answers_a has 1 texts for 2 battles"):
        add_style_columns(battles, ["one"], ["one", "two"])
    with pytest.raises(InvalidComparisonsError, match="Row 1 of answers_b is None"):
        add_style_columns(battles, ["one", "two"], ["one", None])  # type: ignore[list-item]
    with pytest.raises(InvalidOptionError, match="no text feature 'length'"):
        add_style_columns(battles, ["one", "two"], ["one", "two"], features=["length"])
