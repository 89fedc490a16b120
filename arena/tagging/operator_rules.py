"""An operator's own rule: which conversations get the tag `operator:NAME`."""

import hashlib
import unicodedata
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from re import Pattern

from arena.tagging.patterns import LONGEST_SEARCHED
from arena.tagging.version import RULES_VERSION


@dataclass(frozen=True, kw_only=True)
class OperatorRule:
    """What must hold together; `words` and `pattern` are searched in each prompt, the rest in the other tags."""

    name: str
    words: Pattern[str] | None = None
    pattern: Pattern[str] | None = None
    requires: frozenset[str] = frozenset()
    excludes: frozenset[str] = frozenset()

    @property
    def tag(self) -> str:
        """The tag that this rule gives."""
        return f"operator:{self.name}"

    def holds(self, prompts: Sequence[str], tags: Collection[str]) -> bool:
        """Whether a conversation with these prompts, tagged so already, falls under the rule."""
        if not self.requires <= set(tags) or self.excludes & set(tags):
            return False
        searched = [unicodedata.normalize("NFKC", prompt[:LONGEST_SEARCHED]) for prompt in prompts]
        return all(
            any(pattern.search(text[:LONGEST_SEARCHED]) for text in searched)
            for pattern in (self.words, self.pattern)
            if pattern is not None
        )


def rules_version(rules: Sequence[OperatorRule] = ()) -> str:
    """The version to store with tags: of the program's rules, and of the operator's where there are any."""
    if not rules:
        return RULES_VERSION
    said = sorted(
        (
            rule.name,
            *(pattern.pattern if pattern else "" for pattern in (rule.words, rule.pattern)),
            " ".join(sorted(rule.requires)),
            " ".join(sorted(rule.excludes)),
        )
        for rule in rules
    )
    return f"{RULES_VERSION}+{hashlib.blake2b(repr(said).encode(), digest_size=6).hexdigest()}"
