"""JSON Schemas of the feed's files: what programs may rely on."""

from typing import Any

DIALECT = "https://json-schema.org/draft/2020-12/schema"
TEXT = {"type": "string"}
MAYBE_TEXT = {"type": ["string", "null"]}
MAYBE_NUMBER = {"type": ["number", "null"]}
COUNT = {"type": "integer", "minimum": 0}
MAYBE_TRUTH = {"type": ["boolean", "null"]}
RATE = {"type": ["number", "null"], "minimum": 0, "maximum": 1}
MAYBE_RANK = {"type": ["integer", "null"], "minimum": 1}
DIGEST = {"type": "string", "pattern": "^[0-9a-f]{64}$"}
INSTANT = {"type": "string", "format": "date-time"}


def _object(properties: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(properties), **more}


ENTRY = _object(
    {
        "model": TEXT,
        "organization": MAYBE_TEXT,
        "license": MAYBE_TEXT,
        "open_weights": MAYBE_TRUTH,
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
COEFFICIENT = _object(
    {"name": TEXT, "coefficient": MAYBE_NUMBER, "lower": MAYBE_NUMBER, "upper": MAYBE_NUMBER}
)
ACCURACY = _object({"precision": RATE, "recall": RATE, "labelled": COUNT})
LEADERBOARD = _object(
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
        "method": _object({"name": TEXT, "version": TEXT, "parameters": {"type": "object"}}),
        "entries": {"type": "array", "items": ENTRY},
        "unrated": {"type": "object", "additionalProperties": TEXT},
    }
)
PAIR = _object(
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
    }
)
PAIRS = _object(
    {
        "$schema": TEXT,
        "snapshot": DIGEST,
        "generated_at": INSTANT,
        "category": TEXT,
        "models": {"type": "array", "items": TEXT},
        "pairs": {"type": "array", "items": PAIR},
    }
)
INDEX = _object(
    {
        "$schema": TEXT,
        "snapshot": DIGEST,
        "generated_at": INSTANT,
        "leaderboards": {"type": "object", "additionalProperties": TEXT},
        "pairs": {"type": "object", "additionalProperties": TEXT},
        "schemas": {"type": "object", "additionalProperties": TEXT},
    }
)
SCHEMAS: dict[str, dict[str, Any]] = {
    name: {"$schema": DIALECT, "$id": f"/feed/v1/schema/{name}.json", **schema}
    for name, schema in {"leaderboard": LEADERBOARD, "pairs": PAIRS, "index": INDEX}.items()
}
