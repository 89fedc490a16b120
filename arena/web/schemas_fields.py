"""What the JSON Schemas of the feed are built from."""

from typing import Any

TEXT = {"type": "string"}
MAYBE_TEXT = {"type": ["string", "null"]}
MAYBE_NUMBER = {"type": ["number", "null"]}
COUNT = {"type": "integer", "minimum": 0}
MAYBE_TRUTH = {"type": ["boolean", "null"]}
RATE = {"type": ["number", "null"], "minimum": 0, "maximum": 1}
MAYBE_RANK = {"type": ["integer", "null"], "minimum": 1}
DIGEST = {"type": "string", "pattern": "^[0-9a-f]{64}$"}
INSTANT = {"type": "string", "format": "date-time"}
MAYBE_INSTANT = {"type": ["string", "null"], "format": "date-time"}


def described(properties: dict[str, Any], **more: Any) -> dict[str, Any]:
    """An object with all of these, and maybe with fields that are not known yet."""
    return {"type": "object", "properties": properties, "required": list(properties), **more}
