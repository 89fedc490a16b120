"""JSON Schemas of the files about the arena itself: models, private tests, policy, draws, integrity."""

from typing import Any

from arena.web.schemas import ACCURACY, DIALECT, SCHEMAS
from arena.web.schemas_fields import (
    COUNT,
    INSTANT,
    MAYBE_INSTANT,
    MAYBE_NUMBER,
    MAYBE_TEXT,
    MAYBE_TRUTH,
    TEXT,
)

TRUTH = {"type": "boolean"}
NUMBER = {"type": "number"}
SHARE = {"type": "number", "minimum": 0, "maximum": 1}
MAYBE_SHARE = {"type": ["number", "null"], "minimum": 0, "maximum": 1}
DAY = {"type": "string", "format": "date"}
MAYBE_DAY = {"type": ["string", "null"], "format": "date"}
TEXTS = {"type": "array", "items": TEXT}
ANYTHING = {"type": "object"}


def object_of(properties: dict[str, Any]) -> dict[str, Any]:
    """An object with all of these."""
    return {"type": "object", "properties": properties, "required": list(properties)}


def by_name(each: dict[str, Any]) -> dict[str, Any]:
    """An object of such values."""
    return {"type": "object", "additionalProperties": each}


def list_of(each: dict[str, Any]) -> dict[str, Any]:
    """An array of such values."""
    return {"type": "array", "items": each}


VERSION = object_of(
    {
        "name": TEXT | {"description": "What it went by: its name, or the codename of a private test."},
        "organization": TEXT,
        "license": MAYBE_TEXT,
        "open_weights": MAYBE_TRUTH,
        "aliases": TEXTS,
        "endpoints": list_of({"enum": ["hosted", "self-hosted", "demo"]}),
        "served_models": {"type": ["array", "null"], "items": TEXT}
        | {"description": "What these were asked for, of a file its name alone; null where not recorded."},
        "decoding": ANYTHING | {"description": "What every request was sent with."},
        "first_day": DAY,
        "last_day": MAYBE_DAY | {"description": "Null while it is served."},
        "reason": MAYBE_TEXT | {"description": "Why the period ended."},
    }
)
PAST_RETIREMENT = object_of(
    {
        "retired_at": MAYBE_INSTANT,
        "listed_again_at": INSTANT | {"description": "It takes part in battles again from here on."},
        "reason": MAYBE_TEXT,
    }
)
RECORD = {
    "model": TEXT,
    "organization": TEXT,
    "license": MAYBE_TEXT,
    "open_weights": MAYBE_TRUTH,
    "parameters_billions": MAYBE_NUMBER,
    "link": MAYBE_TEXT,
    "description": TEXT,
    "aliases": TEXTS,
    "demo": TRUTH,
    "status": {"enum": ["active", "retired"]},
    "listed_at": INSTANT | {"description": "Battles count from here on; of a private test, its release."},
    "retired_at": MAYBE_INSTANT,
    "retired_reason": MAYBE_TEXT,
    "past_retirements": list_of(PAST_RETIREMENT),
    "codename": MAYBE_TEXT | {"description": "What it went by as a private test."},
    "private_since": MAYBE_INSTANT,
    "versions": list_of(VERSION),
}
RESULT = object_of(
    {
        "codename": TEXT,
        "model": MAYBE_TEXT | {"description": "Null for a test that ended without a release."},
        "organization": TEXT,
        "began_at": INSTANT,
        "ended_at": INSTANT,
        "released": TRUTH,
        "votes": COUNT,
        "opponents": COUNT,
        "rating": MAYBE_NUMBER,
        "lower": MAYBE_NUMBER,
        "upper": MAYBE_NUMBER,
        "unrated": MAYBE_TEXT,
        "variants": COUNT,
        "selection_bias": MAYBE_NUMBER
        | {"description": "Points that choosing the best of so many equal variants adds on average."},
        "method_version": TEXT,
        "published_at": INSTANT,
    }
)
CATEGORY = object_of(
    {"name": TEXT, "title": TEXT, "about": TEXT, "accuracy": {"anyOf": [ACCURACY, {"type": "null"}]}}
)
RULE = {"rule": TEXT}
REALISED = object_of(
    {
        "date": DAY | {"description": "The newest day of the rates."},
        "battles": COUNT,
        "models": COUNT | {"description": "Models drawn on that day that may be named."},
        "least_share": MAYBE_SHARE | {"description": "Of all sides, those of the model drawn least."},
        "greatest_share": MAYBE_SHARE,
        "max_min_ratio": MAYBE_NUMBER
        | {"description": "Among models that could be drawn all day: most drawn over least drawn."},
    }
)
POLICY = object_of(
    {
        "$schema": TEXT,
        "code_version": TEXT,
        "method_version": TEXT,
        "matchmaking": object_of(
            RULE
            | {
                "tries_of_a_failed_side": COUNT,
                "rates": TEXT | {"description": "Address of the realised draws by day."},
                "realised": {"anyOf": [REALISED, {"type": "null"}]},
            }
        ),
        "decoding": ANYTHING,
        "release": object_of(RULE | {"policy": TEXT, "interval_milliseconds": COUNT, "characters": COUNT}),
        "limits": by_name(COUNT),
        "not_counted": by_name(TEXT),
        "preliminary": object_of(RULE | {"votes": COUNT}),
        "deduplication": object_of(RULE | {"quantile": SHARE, "least": COUNT}),
        "categories": list_of(CATEGORY),
        "category_votes": by_name(COUNT),
        "ranks": object_of(RULE | {"about": TEXT}),
        "style": object_of({"features": TEXTS, "side_bias": TRUTH}),
        "private_tests": object_of(RULE | {"at_once": COUNT, "unreleased_days": COUNT}),
        "retirement": object_of(RULE | {"votes": COUNT, "lowest_share": SHARE}),
        "alarm": object_of(
            RULE | {"level": SHARE, "days_compared": COUNT, "votes": COUNT, "by_design": TEXTS}
        ),
        "snapshots": object_of(
            {"all_kept_hours": COUNT, "last_of_each_hour_kept_hours": COUNT, "last_of_each_day": TEXT}
        ),
        "data_license": TEXT,
    }
)
DRAWN = by_name(object_of({"battles": COUNT, "share": SHARE}))
DRAWS = object_of(
    {
        "date": DAY,
        "battles": COUNT,
        "models": DRAWN | {"description": "Private tests are in their organisation's count only."},
        "organizations": DRAWN,
        "served_all_day": COUNT | {"description": "Models that could be drawn all day."},
        "max_min_ratio": MAYBE_NUMBER
        | {"description": "Of these, battles of the most drawn over those of the least drawn."},
    }
)
RATES = object_of(
    {
        "$schema": TEXT,
        "generated_at": INSTANT,
        "days": list_of(DRAWS) | {"description": "Days that are over."},
    }
)
ALARM = object_of(
    {
        "date": DAY,
        "spoiled": COUNT,
        "votes": COUNT,
        "spoiled_before": COUNT,
        "votes_before": COUNT,
        "share": SHARE,
        "share_before": SHARE,
        "p_value": SHARE,
    }
)
GRAPH = object_of(
    {
        "models": COUNT,
        "connected": TRUTH,
        "components": COUNT,
        "pairs_met": COUNT,
        "pairs_possible": COUNT,
        "smallest_pair_votes": COUNT,
        "second_eigenvalue": MAYBE_NUMBER | {"description": "Of the normalised Laplacian; 0 to M / (M - 1)."},
    }
)
COUNTED_DAY = object_of(
    {
        "date": DAY,
        "votes": COUNT,
        "counted": COUNT,
        "not_counted": by_name(COUNT)
        | {"description": "By reason; votes never meant to count under that, also if spoiled or withdrawn."},
        "spoiled_share": MAYBE_SHARE | {"description": "Of the votes that were meant to count."},
    }
)
INTEGRITY = object_of(
    {
        "$schema": TEXT,
        "generated_at": INSTANT,
        "snapshot": MAYBE_TEXT,
        "days": list_of(COUNTED_DAY),
        "alarm": object_of(
            RULE | {"active": TRUTH, "level": SHARE, "by_design": TEXTS, "days": list_of(ALARM)}
        ),
        "boards": by_name(GRAPH),
        "last_battles": by_name(DAY) | {"description": "Of the days that are over."},
        "retirable": by_name(TEXT) | {"description": "Models that meet the retirement rule, by class."},
        "private_tests": by_name(COUNT),
    }
)
PRIVATE_TESTS = object_of(
    {
        "$schema": TEXT,
        "at_once": COUNT,
        "unreleased_days": COUNT,
        "running": by_name(COUNT),
        "results": list_of(RESULT),
    }
)
TRUST: dict[str, dict[str, Any]] = {
    "models": object_of({"$schema": TEXT, "models": list_of(object_of(RECORD))}),
    "model": object_of({"$schema": TEXT} | RECORD),
    "private-tests": PRIVATE_TESTS,
    "policy": POLICY,
    "rates": RATES,
    "integrity": INTEGRITY,
}
# Into the one list that the feed serves its schemas from.
SCHEMAS.update(
    {
        name: {"$schema": DIALECT, "$id": f"/feed/v1/schema/{name}.json", **schema}
        for name, schema in TRUST.items()
    }
)
