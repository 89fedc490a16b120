"""JSON Schemas of the feed's files: what programs may rely on."""

from typing import Any

from arena.web.schemas_changes import BADGE, CHANGES, FEED, HISTORY, INDEX
from arena.web.schemas_fields import (
    COUNT,
    DIGEST,
    INSTANT,
    MAYBE_NUMBER,
    MAYBE_RANK,
    MAYBE_TEXT,
    MAYBE_TRUTH,
    RATE,
    TEXT,
    described,
)

DIALECT = "https://json-schema.org/draft/2020-12/schema"
ENTRY = described(
    {
        "model": TEXT,
        "organization": MAYBE_TEXT,
        "license": MAYBE_TEXT,
        "open_weights": MAYBE_TRUTH,
        "parameters_billions": MAYBE_NUMBER,
        "status": {"enum": ["active", "retired", None]},
        "retired_on": {"type": ["string", "null"], "format": "date"},
        "rating": MAYBE_NUMBER | {"description": "400/ln 10 points per natural log-odds, centred at 1000."},
        "lower": MAYBE_NUMBER,
        "upper": MAYBE_NUMBER,
        "rank_lower": MAYBE_RANK
        | {"description": "Best rank that the votes allow, for all models together."},
        "rank_upper": MAYBE_RANK | {"description": "Worst rank that the votes allow, likewise."},
        "votes": COUNT,
        "battles": COUNT,
        "win_rate": MAYBE_NUMBER | {"description": "Share of votes won, a tie or both bad as half."},
        "preliminary": {"type": "boolean", "description": "Too few votes to rely on."},
    }
)
COEFFICIENT = described(
    {"name": TEXT, "coefficient": MAYBE_NUMBER, "lower": MAYBE_NUMBER, "upper": MAYBE_NUMBER}
)
ACCURACY = described({"precision": RATE, "recall": RATE, "labelled": COUNT})
LEADERBOARD = described(
    {
        "$schema": TEXT,
        "snapshot": DIGEST,
        "generated_at": INSTANT,
        "category": TEXT,
        "title": TEXT,
        "kind": {"enum": ["people", "demo", "simulated", "imported"]},
        "about": TEXT,
        "origin": MAYBE_TEXT,
        "license": MAYBE_TEXT,
        "population": TEXT,
        "style_control": {"type": "boolean"},
        "votes": COUNT,
        "left_out": {"type": "object", "additionalProperties": COUNT},
        "accuracy": {"anyOf": [ACCURACY, {"type": "null"}]},
        "code_version": TEXT,
        "coefficients": {"anyOf": [{"type": "array", "items": COEFFICIENT}, {"type": "null"}]},
        "method": described({"name": TEXT, "version": TEXT, "parameters": {"type": "object"}}),
        "entries": {"type": "array", "items": ENTRY},
        "unrated": {"type": "object", "additionalProperties": TEXT},
    }
)
PAIR = described(
    {
        "model_a": TEXT | {"description": "The better one on the board."},
        "model_b": TEXT,
        "wins": COUNT | {"description": "Votes that model_a won."},
        "losses": COUNT,
        "ties": COUNT,
        "both_bad": COUNT,
        "votes": COUNT,
        "win_rate": RATE | {"description": "Share that model_a won, a tie or both bad as half."},
        "expected": RATE | {"description": "The same by the ratings; null where one of the two has none."},
        "difference": MAYBE_NUMBER | {"description": "Rating of model_a less that of model_b."},
        "difference_lower": MAYBE_NUMBER
        | {"description": "Interval of the difference, for this pair alone; null where votes give none."},
        "difference_upper": MAYBE_NUMBER,
        "certain": {
            "type": "boolean",
            "description": "Whether model_a is better for certain, by the rule of the ranks: all such claims hold"
            " together. Not in snapshots of earlier versions.",
        },
    }
)
PAIR["required"].remove("certain")
PAIRS = described(
    {
        "$schema": TEXT,
        "snapshot": DIGEST,
        "generated_at": INSTANT,
        "category": TEXT,
        "models": {"type": "array", "items": TEXT},
        "pairs": {"type": "array", "items": PAIR},
    }
)
RANK = {"type": "integer", "minimum": 1}
RANGE = {
    "rank_lower": RANK | {"description": "Best rank that the votes allow, likewise."},
    "rank_upper": RANK,
}
MAYBE_COUNT = {"type": ["integer", "null"], "minimum": 0}
PLACE = described(
    {"rating": {"type": "number"}, "rank": RANK, "rank_lower": MAYBE_RANK, "rank_upper": MAYBE_RANK}
)
MAYBE_PLACE = {"anyOf": [PLACE, {"type": "null"}]}
NEIGHBOURS = described(
    {
        "rank": RANK | {"description": "Of the better one among the rated models."},
        "better": TEXT,
        "worse": TEXT,
        "difference": {"type": "number", "description": "Rating of the better less that of the worse."},
        "drops": MAYBE_COUNT | {"description": "Fewest votes without which the two swap."},
        "drops_share": RATE,
        "flips": MAYBE_COUNT | {"description": "Fewest votes that, turned to the other side, swap them."},
        "flips_share": RATE,
        "adds": MAYBE_COUNT | {"description": "Fewest new votes that swap them."},
        "adds_share": {"type": ["number", "null"], "minimum": 0},
        "voters": MAYBE_COUNT | {"description": "Fewest voters without whose votes the two swap."},
        "voters_share": RATE,
    }
)
BAND = described(
    {
        "model": TEXT,
        "rating_lowest": {"type": "number", "description": "Over all methods."},
        "rating_highest": {"type": "number"},
        "rank_best": RANK | {"description": "By the ratings alone, over all methods."},
        "rank_worst": RANK,
        **RANGE,
        "by_method": {"type": "object", "additionalProperties": MAYBE_PLACE},
    }
)
ROBUSTNESS = described(
    {
        "$schema": TEXT,
        "snapshot": DIGEST,
        "generated_at": INSTANT,
        "category": TEXT,
        "votes": COUNT,
        "voters": COUNT,
        "parameters": {"type": "object", "additionalProperties": COUNT},
        "neighbours": {"type": "array", "items": NEIGHBOURS},
        "unknown": {"type": "object", "additionalProperties": TEXT},
        "methods": {"type": "object", "additionalProperties": TEXT},
        "models": {"type": "array", "items": BAND},
    }
)
SCHEMAS: dict[str, dict[str, Any]] = {
    name: {"$schema": DIALECT, "$id": f"/feed/v1/schema/{name}.json", **schema}
    for name, schema in {
        "index": INDEX,
        "leaderboard": LEADERBOARD,
        "pairs": PAIRS,
        "robustness": ROBUSTNESS,
        "history": HISTORY,
        "changes": CHANGES,
        "feed": FEED,
        "badge": BADGE,
    }.items()
}
