"""What rules cannot see: linear classifiers over words, their neighbours and the signals of a prompt.

Trained by `train.py` on prompts written for it; here the weights are only applied.
"""

import re
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from itertools import pairwise
from math import log1p
from typing import Final
from zlib import crc32

import numpy as np

from arena.tagging import signals
from arena.tagging.lexicon import CONCEPTS
from arena.tagging.topics import code_points, math_points
from ratings.arrays import FloatArray, IntArray

WEIGHTS_FILE: Final = "weights.npz"
BUCKETS: Final = 1 << 13
MOST_WORDS: Final = 300
"""Words of a prompt that are hashed; the rest of a long prompt is mostly material."""

LABELS: Final = (
    "code",
    "math",
    "creative-writing",
    "instruction-following",
    "specificity",
    "domain-knowledge",
    "complexity",
    "problem-solving",
    "creativity",
    "technical-accuracy",
    "real-world",
)
PAIRS: Final = (
    ("write", "creative form"),
    ("analyse", "creative form"),
    ("fact", "creative form"),
    ("real world", "creative form"),
    ("write", "story stuff"),
    ("write", "code"),
    ("write", "code noun"),
    ("fact", "code noun"),
    ("analyse", "code"),
    ("problem", "code"),
    ("write", "real world"),
    ("how many", "real world"),
    ("write", "limit"),
    ("problem", "plan"),
    ("write", "plan"),
    ("how many", "arithmetic story"),
)
"""Concepts that say more together: the first near the beginning of the prompt, the second anywhere."""
_PAIRED: Final = tuple((CONCEPTS.index(first), CONCEPTS.index(second)) for first, second in PAIRS)
_OPENING: Final = 60
_DIGITS: Final = re.compile(r"\d+")


@dataclass(frozen=True)
class Features:
    """A prompt as numbers: few signals with a value each, and many hashed words, each there or not."""

    signals: FloatArray
    buckets: IntArray


@dataclass(frozen=True)
class Weights:
    """One row a label."""

    signals: FloatArray
    buckets: FloatArray
    thresholds: FloatArray


def features_of(prompt: str) -> Features:
    """Everything that the classifiers know about a prompt."""
    read = signals.excerpt(prompt)
    text = signals.plain(read)
    words = signals.words_of(text)
    concepts = signals.count_concepts(text, words)
    opening = signals.count_concepts(text[:_OPENING], signals.words_of(text[:_OPENING]))
    values = [
        1.0,
        *(log1p(count) for count in concepts),
        *(float(count > 0) for count in opening),
        *(float(opening[first] > 0 and concepts[second] > 0) for first, second in _PAIRED),
        *signals.measure_form(read, words),
        code_points(read, text, concepts) / 2,
        math_points(read, text, concepts) / 2,
    ]
    hashed = {bucket for word in words[:MOST_WORDS] for bucket in _buckets_of(word)}
    hashed |= {_bucket(f"{first} {second}") for first, second in pairwise(["^", *words[:MOST_WORDS]])}
    return Features(np.array(values), np.array(sorted(hashed), dtype=np.int64))


@lru_cache(maxsize=20_000)
def _buckets_of(word: str) -> tuple[int, ...]:
    if signals.is_unspaced(word):
        return tuple(
            _bucket(word[place : place + size])
            for size in (1, 2, 3)
            for place in range(min(len(word), MOST_WORDS) - size + 1)
        )
    plain = _DIGITS.sub("0", word)
    return (_bucket(plain), _bucket(f"{plain[:5]}*")) if len(plain) > 5 else (_bucket(plain),)


def _bucket(feature: str) -> int:
    return crc32(feature.encode("utf-8", "replace")) % BUCKETS


def scores(features: Features, weights: Weights) -> FloatArray:
    """Log odds of each label."""
    hashed = weights.buckets[:, features.buckets].sum(axis=1) / np.sqrt(max(len(features.buckets), 1))
    found: FloatArray = weights.signals @ features.signals + hashed
    return found


@lru_cache(maxsize=1)
def shipped_weights() -> Weights:
    """The weights that come with the program."""
    with (
        resources.as_file(resources.files("arena.tagging").joinpath(WEIGHTS_FILE)) as path,
        np.load(path) as stored,
    ):
        return Weights(
            signals=stored["signals"].astype(np.float64),
            buckets=stored["buckets"] * stored["scale"][:, None].astype(np.float64),
            thresholds=stored["thresholds"].astype(np.float64),
        )


def classify(prompt: str) -> frozenset[str]:
    """The labels whose score passes their threshold."""
    weights = shipped_weights()
    passed = scores(features_of(prompt), weights) > weights.thresholds
    return frozenset(label for label, yes in zip(LABELS, passed, strict=True) if yes)
