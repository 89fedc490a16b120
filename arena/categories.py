"""Categories: named subsets of battles, selected by the tags that `arena/tagging/` gave them and by the winner."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from arena.language_names import LANGUAGE_NAMES
from arena.tagging.accuracy import Accuracy, measured_accuracy
from ratings.arrays import BoolArray, CodeArray, IntArray, SmallCodeArray

DECISIVE: Final = frozenset({"model_a", "model_b"})


@dataclass(frozen=True, kw_only=True)
class Category:
    """Which battles a leaderboard counts; `winners` None keeps every verdict, `accuracy` is of the tag's rule."""

    name: str
    title: str
    about: str
    requires: frozenset[str] = frozenset()
    excludes: frozenset[str] = frozenset()
    winners: frozenset[str] | None = None
    accuracy: Accuracy | None = None

    def selects_tags(self, tags: Collection[str]) -> bool:
        """Whether battles with these tags belong, whatever the verdict."""
        return self.requires.issubset(tags) and self.excludes.isdisjoint(tags)

    def selects(self, tags: Collection[str], winner: str) -> bool:
        """Whether a battle with these tags and this verdict belongs."""
        return (self.winners is None or winner in self.winners) and self.selects_tags(tags)

    def selects_rows(
        self,
        tag_sets: Sequence[Collection[str]],
        tag_codes: IntArray | CodeArray | SmallCodeArray,
        winner_names: Sequence[str],
        winner_codes: IntArray | CodeArray | SmallCodeArray,
    ) -> BoolArray:
        """The same for many battles, whose tag sets and verdicts are coded as places in two short lists."""
        chosen: BoolArray = np.array([self.selects_tags(tags) for tags in tag_sets], dtype=bool)[tag_codes]
        if self.winners is not None:
            chosen &= np.array([name in self.winners for name in winner_names], dtype=bool)[winner_codes]
        return chosen


def _tagged(name: str, title: str, about: str, tag: str | None = None) -> Category:
    tag = tag or name
    return Category(
        name=name, title=title, about=about, requires=frozenset({tag}), accuracy=measured_accuracy(tag)
    )


CATEGORIES: Final = (
    _tagged("code", "Code", "A prompt asks to write, explain, mend or discuss program code."),
    _tagged("math", "Math", "A prompt asks for a calculation, a proof or a mathematical explanation."),
    _tagged(
        "creative-writing",
        "Creative writing",
        "A prompt asks for a text of the imagination: a story, a poem, lyrics, a scene, a joke.",
    ),
    _tagged(
        "instruction-following",
        "Instruction following",
        "A prompt sets conditions that an answer can be checked against: form, length, words to use or to avoid.",
    ),
    _tagged(
        "hard-prompts",
        "Hard prompts",
        "A prompt meets at least six of seven criteria: specificity, domain knowledge, complexity, problem-solving, "
        "creativity, technical accuracy, real-world use.",
        "hard-prompt",
    ),
    _tagged("long-prompt", "Long prompt", "A prompt has more than 500 tokens."),
    _tagged("short-prompt", "Short prompt", "Every prompt has fewer than 5 tokens."),
    _tagged("multi-turn", "Multi-turn", "The battle has more than one turn."),
    Category(
        name="no-refusals",
        title="Refusals excluded",
        about="No answer of either side declines to do what was asked.",
        excludes=frozenset({"refusal"}),
        accuracy=measured_accuracy("refusal"),
    ),
    Category(
        name="no-ties",
        title="No ties",
        about="Only votes that prefer one answer: neither ties nor both bad.",
        winners=DECISIVE,
    ),
)

TAGS: Final = frozenset(
    {
        *("code", "math", "creative-writing", "instruction-following", "hard-prompt", "long-prompt"),
        *("short-prompt", "multi-turn", "refusal", "sample-prompt", "specificity", "domain-knowledge"),
        *("complexity", "problem-solving", "creativity", "technical-accuracy", "real-world"),
    }
)
"""Every tag but `language:…` and `operator:…`."""


def language_category(language: str) -> Category | None:
    """The category of prompts in a language, by its tag `de`; None where we know no English name."""
    name = LANGUAGE_NAMES.get(language)
    if name is None:
        return None
    return Category(
        name=name.lower().replace(" ", "-"),
        title=name,
        about=f"The first prompt is in {name}.",
        requires=frozenset({f"language:{language}"}),
        accuracy=measured_accuracy(f"language:{language}"),
    )


def categories_of(tags: Iterable[str], operators: Sequence[Category] = ()) -> tuple[Category, ...]:
    """All categories of battles that carry these tags: the fixed ones, one for each language, the operator's own."""
    languages = sorted({tag.partition(":")[2] for tag in tags if tag.startswith("language:")})
    found = (language_category(language) for language in languages)
    return (*CATEGORIES, *(category for category in found if category), *operators)
