"""The arena's rules in numbers, made from the constants and settings that it runs by, so that they cannot drift."""

from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

from arena import integrity, retirement
from arena.ballots import FREQUENT_LEAST, FREQUENT_QUANTILE
from arena.battles import TRIES, decoding_of
from arena.categories import CATEGORIES, Category, language_category
from arena.code_version import code_version
from arena.language_names import LANGUAGE_NAMES
from arena.leaderboards import LANGUAGE_VOTES
from arena.matchmaking import MATCHMAKING_RULE
from arena.operator_categories import OperatorCategories
from arena.settings import Settings
from arena.snapshots import ALL_KEPT_HOURS, KEPT_HOURS
from arena.votes import NOT_COUNTED
from ratings.board_files import PRELIMINARY_VOTES, RANKS, STYLE_FEATURES, STYLE_VOTES
from ratings.leaderboard import METHOD_VERSION

RELEASE_POLICIES = {
    "paced": "Both answers appear on one clock, however fast each model is.",
    "together": "Both answers appear at once, when the slower one is ready.",
    "raw": "Each answer appears as fast as its model writes it.",
}
RANKS_RULES = {
    "anytime": "All orders that the ranks of a board claim hold together, and for all looks at a board that is"
    " refreshed while votes arrive.",
    "simultaneous": "All orders that the ranks of a board claim hold together, for one look.",
    "intervals": "What the single intervals allow.",
}


def policy_of(settings: Settings, operators: OperatorCategories) -> dict[str, Any]:
    """Everything that decides who meets whom, what counts, and what is published."""
    return {
        "$schema": "/feed/v1/schema/policy.json",
        "code_version": code_version(),
        "method_version": METHOD_VERSION,
        "matchmaking": {
            "rule": MATCHMAKING_RULE,
            "tries_of_a_failed_side": TRIES,
            "rates": "/feed/v1/rates.json",
        },
        "decoding": decoding_of(settings),
        "release": {
            "policy": settings.release_policy,
            "rule": RELEASE_POLICIES[settings.release_policy],
            "interval_milliseconds": settings.release_interval_milliseconds,
            "characters": settings.release_characters,
        },
        "limits": {
            "prompts_per_voter_and_hour": settings.battles_per_hour,
            "prompts_per_address_and_hour": settings.address_battles_per_hour,
            "prompt_characters": settings.prompt_max_characters,
            "turns_of_a_battle": settings.turns_max,
        },
        "not_counted": NOT_COUNTED,
        "preliminary": {
            "votes": PRELIMINARY_VOTES,
            "rule": f"A model with fewer than {PRELIMINARY_VOTES:,} votes on a board, or without a rating, is"
            " preliminary there.",
        },
        "deduplication": {
            "quantile": FREQUENT_QUANTILE,
            "least": FREQUENT_LEAST,
            "rule": "Of a prompt asked more often than a limit only so many votes count, the earliest ones. The limit"
            f" is the {100 * FREQUENT_QUANTILE:g}th percentile of all prompts' counts, but at least {FREQUENT_LEAST}.",
        },
        "categories": [_category(category) for category in _categories(operators)],
        "category_votes": {"language": LANGUAGE_VOTES, "style_control": STYLE_VOTES},
        "ranks": {"rule": RANKS, "about": RANKS_RULES[RANKS]},
        "style": {"features": list(STYLE_FEATURES), "side_bias": True},
        "private_tests": {
            "at_once": settings.private_tests_max,
            "unreleased_days": settings.private_result_days,
            "rule": "How many private tests an organisation runs is public at once. Votes on them count on no board;"
            " after a release, battles that start from then on count. What the private votes came to is published at"
            " the release, or so many days after a test that ended without one, and is never taken back.",
        },
        "retirement": {
            "votes": retirement.VOTES_LEAST,
            "lowest_share": retirement.LOWEST_SHARE,
            "rule": retirement.RULE,
        },
        "alarm": {
            "rule": integrity.RULE,
            "level": integrity.LEVEL,
            "days_compared": integrity.DAYS_COMPARED,
            "votes": integrity.VOTES_LEAST,
            "by_design": sorted(integrity.BY_DESIGN),
        },
        "snapshots": {
            "all_kept_hours": ALL_KEPT_HOURS,
            "last_of_each_hour_kept_hours": KEPT_HOURS,
            "last_of_each_day": "for ever",
        },
        "data_license": settings.data_license,
    }


def _categories(operators: OperatorCategories) -> Iterable[Category]:
    languages = (language_category(tag) for tag in LANGUAGE_NAMES)
    measured = [category for category in languages if category and category.accuracy]
    return (*CATEGORIES, *operators.categories, *measured)


def _category(category: Category) -> dict[str, Any]:
    accuracy = asdict(category.accuracy) if category.accuracy else None
    return {
        "name": category.name,
        "title": category.title,
        "about": category.about,
        "accuracy": accuracy,
    }
