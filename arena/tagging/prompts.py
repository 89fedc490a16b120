"""A prompt → the tags of what it asks for."""

from collections.abc import Iterator
from typing import Final

from arena.tagging import signals
from arena.tagging.topics import code_points, math_points

SURE_POINTS: Final = 2.0


def tag_prompt(prompt: str) -> Iterator[str]:
    """The tags that the text of one prompt decides alone."""
    read = signals.excerpt(prompt)
    text = signals.plain(read)
    concepts = signals.count_concepts(text, signals.words_of(text))
    if code_points(read, text, concepts) >= SURE_POINTS:
        yield "code"
    if math_points(read, text, concepts) >= SURE_POINTS:
        yield "math"
