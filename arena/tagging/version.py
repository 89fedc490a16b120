"""The version of all rules together: a digest of their source and weights, so that none can change unseen."""

import hashlib
from importlib import resources
from typing import Final

_READ: Final = {
    "arena.tagging": (
        "classifier.py",
        "conversations.py",
        "digests.py",
        "lexicon.py",
        "operator_rules.py",
        "patterns.py",
        "prompts.py",
        "refusals.py",
        "samples.py",
        "signals.py",
        "topics.py",
        "weights.npz",
    ),
    "arena": ("languages.py",),
    "ratings": ("text_features.py",),
}
"""Every file that decides a tag, a style count or a digest."""


def _digest() -> str:
    digest = hashlib.blake2b(digest_size=6)
    for package, names in _READ.items():
        for name in names:
            content = resources.files(package).joinpath(name).read_bytes()
            digest.update(f"{package}/{name}\0{len(content)}\0".encode())
            digest.update(content)
    return digest.hexdigest()


RULES_VERSION: Final = _digest()
