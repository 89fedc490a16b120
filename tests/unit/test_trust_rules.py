"""Policy, retirement rule, graph health and changelog: what is published about the arena is what it runs by."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from arena import integrity, retirement
from arena.ballots import FREQUENT_LEAST
from arena.categories import CATEGORIES
from arena.draws import newest_draws
from arena.graph_health import graph_health
from arena.method_changes import method_changes
from arena.operator_categories import OperatorCategories, read_operator_categories
from arena.policy import RANKS_RULES, RELEASE_POLICIES, policy_of
from arena.settings import Settings
from arena.votes import NOT_COUNTED
from arena.web.schemas_trust import TRUST
from ratings.board_files import PRELIMINARY_VOTES, RANKS
from ratings.leaderboard import METHOD_VERSION

ROOT = Path(__file__).resolve().parents[2]


def policy(**changes: Any) -> dict[str, Any]:
    return policy_of(Settings(secret_key="k" * 32, **changes), OperatorCategories())


def test_policy_says_what_the_program_runs_by() -> None:
    said = policy(temperature=0.25, battles_per_hour=7, private_tests_max=5, release_policy="together")
    assert said["decoding"]["temperature"] == 0.25
    assert said["limits"]["prompts_per_voter_and_hour"] == 7
    assert said["private_tests"]["at_once"] == 5
    assert said["release"]["rule"] == RELEASE_POLICIES["together"]
    assert said["not_counted"] == NOT_COUNTED
    assert said["preliminary"]["votes"] == PRELIMINARY_VOTES
    assert said["deduplication"]["least"] == FREQUENT_LEAST
    assert said["ranks"] == {"rule": RANKS, "about": RANKS_RULES[RANKS]}
    assert said["alarm"]["level"] == integrity.LEVEL
    assert said["method_version"] == METHOD_VERSION
    drawn = {"matchmaking": said["matchmaking"] | {"realised": newest_draws([])}}
    jsonschema.validate(said | drawn, TRUST["policy"])


def test_policy_lists_every_category_with_its_measured_accuracy() -> None:
    operators = read_operator_categories(ROOT / "docs" / "examples" / "categories.toml")
    said = policy_of(Settings(secret_key="k" * 32), operators)["categories"]
    names = [category["name"] for category in said]
    assert names[: len(CATEGORIES)] == [category.name for category in CATEGORIES]
    assert {category.name for category in operators.categories} <= set(names)
    for category, stated in zip(CATEGORIES, said, strict=False):
        assert stated["accuracy"] == (asdict(category.accuracy) if category.accuracy else None)


def entry(model: str, rating: float | None, votes: int, **more: Any) -> dict[str, Any]:
    return {"model": model, "rating": rating, "votes": votes, "open_weights": True, "status": "active"} | more


def test_retirement_looks_at_the_lowest_of_each_class() -> None:
    enough = retirement.VOTES_LEAST
    open_models = [entry(f"open-{number}", 900.0 + number, enough) for number in range(10)]
    closed = [entry(f"closed-{number}", 1200.0 + number, enough, open_weights=False) for number in range(4)]
    assert retirement.retirable([*open_models, *closed]) == {
        "open-0": "open weights",
        "open-1": "open weights",
        "open-2": "open weights",
        "closed-0": "proprietary",
    }
    unstated = [model | {"open_weights": None} for model in closed]
    assert retirement.retirable(unstated) == {"closed-0": "proprietary"}


def test_retirement_asks_for_enough_votes_and_leaves_out_who_is_retired_or_unrated() -> None:
    few = retirement.VOTES_LEAST - 1
    field = [entry(f"m{number}", 1000.0 + number, 10_000) for number in range(4)]
    assert retirement.retirable([entry("low", 800.0, few), *field]) == {}
    assert retirement.retirable([entry("low", 800.0, few + 1), *field]) == {"low": "open weights"}
    gone = [entry("gone", 700.0, 10_000, status="retired"), entry("new", None, 10_000)]
    assert retirement.retirable([*gone, *field]) == {"m0": "open weights"}


def pairs(*met: tuple[str, str, int]) -> dict[str, Any]:
    models = sorted({name for one, other, _ in met for name in (one, other)})
    return {
        "models": models,
        "pairs": [{"model_a": one, "model_b": other, "votes": votes} for one, other, votes in met],
    }


def test_graph_of_equal_pairs_has_the_largest_eigenvalue() -> None:
    health = graph_health(
        pairs(("a", "b", 5), ("b", "c", 5), ("a", "c", 5), ("a", "d", 5), ("b", "d", 5), ("c", "d", 5))
    )
    assert health["connected"]
    assert health["second_eigenvalue"] == pytest.approx(4 / 3, abs=1e-6)
    assert (health["pairs_met"], health["pairs_possible"], health["smallest_pair_votes"]) == (6, 6, 5)


def test_graph_that_falls_apart_says_so() -> None:
    health = graph_health(pairs(("a", "b", 9), ("c", "d", 3)))
    assert (health["connected"], health["components"]) == (False, 2)
    assert health["second_eigenvalue"] == 0
    assert health["smallest_pair_votes"] == 0, "some pairs never met"


def test_a_bridge_of_few_votes_makes_a_small_eigenvalue() -> None:
    thick = [
        ("a", "b", 1000),
        ("b", "c", 1000),
        ("a", "c", 1000),
        ("d", "e", 1000),
        ("e", "f", 1000),
        ("d", "f", 1000),
    ]
    health = graph_health(pairs(*thick, ("c", "d", 1)))
    assert health["connected"]
    assert 0 < health["second_eigenvalue"] < 0.001


def test_empty_board_has_no_graph() -> None:
    health = graph_health({"models": [], "pairs": []})
    assert (health["connected"], health["second_eigenvalue"]) == (False, None)


def test_newest_change_is_the_method_of_today() -> None:
    changes = method_changes()
    assert changes[0].version == METHOD_VERSION, (
        "say in arena/method_changes.toml what changed, why, to what effect"
    )
    assert [change.date for change in changes] == sorted((change.date for change in changes), reverse=True)
    assert len({change.version for change in changes}) == len(changes)
