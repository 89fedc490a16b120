"""A prompt → the tags of what it asks for."""

from typing import Final

from arena.tagging.classifier import classify

CRITERIA: Final = frozenset(
    {
        "specificity",
        "domain-knowledge",
        "complexity",
        "problem-solving",
        "creativity",
        "technical-accuracy",
        "real-world",
    }
)
HARD_CRITERIA: Final = 6
"""Of the seven criteria, as many make a prompt hard."""


def tag_prompt(prompt: str, labels: frozenset[str] | None = None) -> frozenset[str]:
    """The tags that the text of one prompt decides alone; `labels` of someone else stand for the classifiers'."""
    labels = classify(prompt) if labels is None else labels
    return labels | {"hard-prompt"} if len(labels & CRITERIA) >= HARD_CRITERIA else labels
