"""Models that answer offline: for the first run, for tests and for load.

All of them draft the same answer; they differ in how often they get it right, in style and in speed, so
that votes have something to find. Nothing in an answer says which of them gave it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from random import Random

import orjson

from arena.gateway import demo_styles as styles
from arena.gateway.demo_skills import CHARACTERS_READ, Draft, draft_answer
from arena.gateway.openai_chat import Message

ORGANIZATION = "Arena demo"
LICENSE = "Apache-2.0"
# A prompt may quote one of our names; an answer that repeats the prompt must not.
_OUR_NAMES = re.compile(r"\b(arena\s+)?demo(-\w+)*\b", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True)
class DemoModel:
    """A contestant made of rules; `ability` is the share of prompts it gets right."""

    name: str
    description: str
    ability: float
    tokens_per_second: float
    first_token_milliseconds: float
    style: Callable[[Draft, str, Random], str] = field(repr=False)
    organization: str = ORGANIZATION
    license: str = LICENSE

    def reply(self, messages: Sequence[Message], seed: int | None = None) -> str:
        """Answer the last prompt; the same conversation and seed give the same answer."""
        random = Random(_digest(self.name, messages, seed))
        draft = draft_answer(messages, random)
        if random.random() >= self.ability:
            draft = draft.flawed()
        prompt = next((message.content for message in reversed(messages) if message.role == "user"), "")
        answer = self.style(draft, prompt.strip()[:CHARACTERS_READ], random)
        return _OUR_NAMES.sub("sample", answer).strip()


def _digest(name: str, messages: Sequence[Message], seed: int | None) -> int:
    said = orjson.dumps([name, seed, [[message.role, message.content] for message in messages]])
    return int.from_bytes(sha256(said).digest()[:8], "big")


def _model(
    name: str,
    style: Callable[[Draft, str, Random], str],
    ability: float,
    tokens_per_second: float,
    first_token_milliseconds: float,
    description: str,
) -> DemoModel:
    return DemoModel(
        name=name,
        style=style,
        ability=ability,
        tokens_per_second=tokens_per_second,
        first_token_milliseconds=first_token_milliseconds,
        description=f"A demo model that runs offline on fixed rules. {description}",
    )


DEMO_MODELS: tuple[DemoModel, ...] = (
    _model("demo-scholar", styles.essay, 0.95, 110, 420, "Writes essays with headings; nearly always right."),
    _model("demo-telegraph", styles.brief, 0.92, 300, 60, "As brief as can be, and right."),
    _model("demo-tinker", styles.code_minded, 0.88, 190, 150, "Thinks in code and steps."),
    _model("demo-lister", styles.bullets, 0.82, 160, 200, "Bullet points for everything."),
    _model("demo-tabula", styles.table, 0.76, 130, 260, "Puts what it knows into tables."),
    _model("demo-maybe", styles.hesitant, 0.7, 60, 600, "Hesitant, slow and often right."),
    _model("demo-confetti", styles.emoji, 0.62, 240, 120, "Cheerful, with many emoji."),
    _model("demo-lyric", styles.verse, 0.5, 70, 350, "Says it in verse; facts come second."),
    _model("demo-parrot", styles.parrot, 0.35, 400, 30, "Repeats the question before it guesses."),
    _model("demo-salad", styles.word_salad, 0.04, 40, 500, "A salad of words."),
)
