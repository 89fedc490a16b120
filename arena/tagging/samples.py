"""The prompts that the site itself suggests: votes on them are many and alike, so they are marked."""

from typing import Final

from arena.tagging.digests import prompt_digest

SAMPLE_PROMPTS: Final = (
    "Explain recursion to a beginner.",
    "Write a Python function that checks whether a number is prime.",
    "How does TCP differ from UDP?",
    "Write a haiku about autumn.",
    "Translate 'good morning' into French, German and Spanish.",
    "State the quadratic formula and say what it is for.",
)
_DIGESTS: Final = frozenset(map(prompt_digest, SAMPLE_PROMPTS))
_LONGEST: Final = 2 * max(map(len, SAMPLE_PROMPTS))


def is_sample(prompt: str) -> bool:
    """Whether the prompt is one of the suggestions, but for case, spaces and punctuation."""
    return len(prompt) <= _LONGEST and prompt_digest(prompt) in _DIGESTS
