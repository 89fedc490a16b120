"""JSON Schemas of the feed's files about time, and of those in shapes that others defined."""

from typing import Any

from arena.web.schemas_fields import (
    COUNT,
    DIGEST,
    INSTANT,
    MAYBE_INSTANT,
    MAYBE_NUMBER,
    MAYBE_RANK,
    MAYBE_TEXT,
    TEXT,
    described,
)

DAY = {"type": "string", "format": "date"}
NAMES = {"type": "array", "items": TEXT}
ANYTHING: dict[str, Any] = {}
POINT = described(
    {
        "model": TEXT,
        "rating": MAYBE_NUMBER,
        "lower": MAYBE_NUMBER,
        "upper": MAYBE_NUMBER,
        "rank_lower": MAYBE_RANK,
        "rank_upper": MAYBE_RANK,
        "votes": COUNT,
    }
)
HISTORY = described(
    {
        "$schema": TEXT,
        "category": TEXT,
        "style_control": {"type": "boolean"},
        "days": {
            "type": "array",
            "items": described(
                {
                    "date": DAY,
                    "snapshot": DIGEST,
                    "generated_at": INSTANT,
                    "entries": {"type": "array", "items": POINT},
                }
            ),
        },
    }
)
DIFFERENCE = {"name": TEXT, "before": ANYTHING, "after": ANYTHING}
RANKS = {"type": "array", "items": MAYBE_RANK, "minItems": 2, "maxItems": 2}
BOARD_CHANGES = described(
    {
        "models_added": NAMES,
        "models_left": NAMES,
        "models_retired": NAMES,
        "models_returned": NAMES,
        "ranks": {
            "type": "array",
            "items": described({"model": TEXT, "before": RANKS, "after": RANKS}),
        },
        "corrections": {"type": "array", "items": described({"model": TEXT, **DIFFERENCE})},
    }
)
CHANGES = described(
    {
        "$schema": TEXT,
        "generated_at": INSTANT,
        "changes": {
            "type": "array",
            "items": described(
                {
                    "date": DAY,
                    "since": DAY | {"description": "The day compared with: the last before with a snapshot."},
                    "snapshot": DIGEST,
                    "snapshot_before": DIGEST,
                    "generated_at": INSTANT,
                    "boards_added": NAMES,
                    "boards_left": NAMES,
                    "boards": {"type": "object", "additionalProperties": BOARD_CHANGES},
                    "method": {"type": "array", "items": described(DIFFERENCE)},
                    "code_version": {"type": "array", "items": described(DIFFERENCE)},
                    "summary": {"type": "array", "items": TEXT, "minItems": 1},
                }
            ),
        },
    }
)
FEED = described(
    {
        "version": {"const": "https://jsonfeed.org/version/1.1"},
        "title": TEXT,
        "home_page_url": {"type": "string", "format": "uri"},
        "feed_url": {"type": "string", "format": "uri"},
        "language": TEXT,
        "authors": {"type": "array", "items": described({"name": TEXT, "url": TEXT})},
        "items": {
            "type": "array",
            "items": described(
                {
                    "id": TEXT,
                    "url": {"type": "string", "format": "uri"},
                    "title": TEXT,
                    "content_html": TEXT,
                    "content_text": TEXT,
                    "date_published": INSTANT,
                    "date_modified": INSTANT,
                }
            ),
        },
    }
)
BADGE = described(
    {
        "schemaVersion": {"const": 1},
        "label": TEXT,
        "message": TEXT | {"description": "Rating with its interval, ranks, and whether it is preliminary."},
        "color": {"type": "string", "pattern": "^[0-9a-f]{6}$"},
    }
)
ADDRESSES = {"type": "object", "additionalProperties": TEXT}
INDEX = described(
    {
        "$schema": TEXT,
        "snapshot": DIGEST,
        "generated_at": INSTANT,
        "stale_since": MAYBE_INSTANT
        | {"description": "Since when a newer snapshot cannot be computed; null while it can."},
        "license": MAYBE_TEXT,
        "files": ADDRESSES,
        "leaderboards": ADDRESSES,
        "style_control": ADDRESSES | {"description": "Of the boards that have enough votes for it."},
        "csv": ADDRESSES,
        "pairs": ADDRESSES,
        "robustness": ADDRESSES | {"description": "Of the main boards."},
        "history": ADDRESSES,
        "embeds": ADDRESSES,
        "days": {
            "type": "object",
            "additionalProperties": DIGEST,
            "description": "Each day with a snapshot, and which.",
        },
        "templates": ADDRESSES | {"description": "URI templates (RFC 6570)."},
        "schemas": ADDRESSES,
    }
)
