"""A battle's texts → its tags and style counts. Pure: knows no database, no model and no clock."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from arena.tagging.operator_rules import OperatorRule
from arena.tagging.prompts import tag_prompt
from arena.tagging.refusals import is_refusal
from arena.tagging.samples import is_sample
from ratings.text_features import TEXT_FEATURES, count_tokens, text_features

LONG_PROMPT_TOKENS: Final = 500
SHORT_PROMPT_TOKENS: Final = 5


@dataclass(frozen=True, kw_only=True)
class Conversation:
    """The texts of a battle's answered turns, in order; `language` is that of the first prompt, None if unclear."""

    prompts: Sequence[str]
    answers_a: Sequence[str]
    answers_b: Sequence[str]
    language: str | None

    def __post_init__(self) -> None:
        turns = {len(self.prompts), len(self.answers_a), len(self.answers_b)}
        if len(turns) > 1 or not self.prompts:
            raise ValueError(
                f"A conversation of {len(self.prompts)} prompts has {len(self.answers_a)} answers of side a and "
                f"{len(self.answers_b)} of side b: give one of each for every answered turn, at least one turn."
            )


@dataclass(frozen=True, kw_only=True)
class Tagged:
    """What categories select on, and what style control reads."""

    tags: tuple[str, ...]
    style_a: dict[str, int]
    style_b: dict[str, int]


def tag_conversation(
    conversation: Conversation,
    rules: Sequence[OperatorRule] = (),
    labels: Sequence[frozenset[str] | None] | None = None,
) -> Tagged:
    """Tag a battle: a task counts when any of its prompts asks for it, a refusal when any answer is one.

    `rules` are the operator's own; they see the other tags, and not each other's. `labels` are what a model said of
    each prompt; where there are none, the classifiers decide.
    """
    tags = set(_tags_of_prompts(conversation, labels or [None] * len(conversation.prompts)))
    if any(map(is_refusal, (*conversation.answers_a, *conversation.answers_b))):
        tags.add("refusal")
    tags |= {rule.tag for rule in rules if rule.holds(conversation.prompts, tags)}
    return Tagged(
        tags=tuple(sorted(tags)),
        style_a=_style(conversation.answers_a),
        style_b=_style(conversation.answers_b),
    )


def _tags_of_prompts(conversation: Conversation, labels: Sequence[frozenset[str] | None]) -> Iterable[str]:
    prompts = conversation.prompts
    for prompt, known in zip(prompts, labels, strict=True):
        yield from tag_prompt(prompt, known)
    lengths = [count_tokens(prompt) for prompt in prompts]
    if max(lengths) > LONG_PROMPT_TOKENS:
        yield "long-prompt"
    if max(lengths) < SHORT_PROMPT_TOKENS:
        yield "short-prompt"
    if len(prompts) > 1:
        yield "multi-turn"
    if is_sample(prompts[0]):
        yield "sample-prompt"
    if conversation.language:
        yield f"language:{conversation.language}"


def _style(answers: Sequence[str]) -> dict[str, int]:
    counts = [text_features(answer) for answer in answers]
    return {name: sum(count[name] for count in counts) for name in TEXT_FEATURES}
