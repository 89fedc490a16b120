"""JSON Schemas of the feed's files: what programs may rely on."""

from typing import Any

DIALECT = "https://json-schema.org/draft/2020-12/schema"
TEXT = {"type": "string"}
MAYBE_TEXT = {"type": ["string", "null"]}
MAYBE_NUMBER = {"type": ["number", "null"]}
COUNT = {"type": "integer", "minimum": 0}
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
        "votes": COUNT,
        "method": _object({"name": TEXT, "version": TEXT, "parameters": {"type": "object"}}),
        "entries": {"type": "array", "items": ENTRY},
        "unrated": {"type": "object", "additionalProperties": TEXT},
    }
)
INDEX = _object(
    {
        "$schema": TEXT,
        "snapshot": DIGEST,
        "generated_at": INSTANT,
        "leaderboards": {"type": "object", "additionalProperties": TEXT},
        "schemas": {"type": "object", "additionalProperties": TEXT},
    }
)
SCHEMAS: dict[str, dict[str, Any]] = {
    name: {"$schema": DIALECT, "$id": f"/feed/v1/schema/{name}.json", **schema}
    for name, schema in {"leaderboard": LEADERBOARD, "index": INDEX}.items()
}
