"""Answers that real models once gave, replayed over the same wire."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from arena.gateway.openai_chat import Message

NO_RECORDING = "There is no recorded answer to this prompt."


@dataclass(frozen=True, kw_only=True)
class RecordedModel:
    """Repeats recorded answers, found by the exact text of the last prompt."""

    name: str
    organization: str
    answers: Mapping[str, str]
    tokens_per_second: float = 50
    first_token_milliseconds: float = 300

    def reply(self, messages: Sequence[Message], seed: int | None) -> str:
        prompts = [message.content for message in messages if message.role == "user"]
        return self.answers.get(prompts[-1].strip(), NO_RECORDING) if prompts else NO_RECORDING


def load_recordings(results: Path, prompts: Path) -> dict[str, RecordedModel]:
    """Read two JSON-lines files: prompts (id, text), and results (name, org, rate, prompt, result)."""
    texts = {row["id"]: row["text"].strip() for row in _rows(prompts, ("id", "text"))}
    rows_of: dict[str, list[dict[str, Any]]] = {}
    for row in _rows(results, ("name", "org", "rate", "prompt", "result")):
        if row["prompt"] not in texts:
            raise ValueError(f"{results}: prompt {row['prompt']!r} is not in {prompts}")
        rows_of.setdefault(row["name"], []).append(row)
    return {name: _recorded(name, rows, texts) for name, rows in rows_of.items()}


def _recorded(name: str, rows: list[dict[str, Any]], texts: Mapping[Any, str]) -> RecordedModel:
    rates = sorted(row["rate"] for row in rows)
    return RecordedModel(
        name=name,
        organization=rows[0]["org"],
        answers={texts[row["prompt"]]: row["result"].strip() or NO_RECORDING for row in rows},
        tokens_per_second=max(1.0, rates[len(rates) // 2]),
    )


def _rows(path: Path, required: Sequence[str]) -> Iterator[dict[str, Any]]:
    for number, line in enumerate(path.read_bytes().splitlines(), start=1):
        try:
            row = orjson.loads(line)
        except orjson.JSONDecodeError as error:
            raise ValueError(f"{path}, line {number}: not JSON ({error})") from None
        missing = [name for name in required if name not in row]
        if missing:
            raise ValueError(f"{path}, line {number}: without {', '.join(missing)}")
        yield row
