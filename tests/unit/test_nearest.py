"""Names that somebody may have meant."""

import pytest

from arena.nearest import nearest_names, nearest_or_first

NAMES = ["overall", "demo", "simulated", "code", "math", "GPT-4o", "english"]


@pytest.mark.parametrize(
    ("asked", "near"),
    [("overal", ["overall"]), ("gpt-4", ["GPT-4o"]), ("simul", ["simulated"]), ("chess", []), ("", [])],
)
def test_only_what_is_near_is_named(asked: str, near: list[str]) -> None:
    assert nearest_names(asked, NAMES) == near


def test_what_is_not_near_is_not_called_so() -> None:
    assert nearest_or_first("cod", NAMES) == "The nearest are: code."
    assert nearest_or_first("chess", NAMES) == "There are: overall, demo, simulated, code, math and 2 more."
    assert nearest_or_first("chess", NAMES[:2]) == "There are: overall, demo."
    assert nearest_or_first("chess", []) == "There are none yet."
