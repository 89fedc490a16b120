"""Prompts by the words they share: which battles are like a topic, by their first prompts alone, offline."""

import re
import zlib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.sparse import csr_array, diags_array

from arena.topic_words import STOP_WORDS
from ratings.arrays import FloatArray, IntArray

FEATURES: Final = 2**18
GRAM: Final = 4
VOTERS_LEAST: Final = 3
"""What fewer people wrote has no part in any likeness, so that no board can tell that one person wrote it."""

LEAST_ALIKE: Final = 0.1
_ROWS_AT_ONCE: Final = 4096
_WORD: Final = re.compile(r"\w+")
_UNSPACED: Final = re.compile("[\u0e00-\u0eff\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]")


def topic_words(text: str) -> list[str]:
    """The words of a text that say what it is about; scripts without spaces give two characters at a time."""
    found = []
    for word in _WORD.findall(text.casefold()):
        if _UNSPACED.search(word):
            found += [word[place : place + 2] for place in range(max(len(word) - 1, 1))]
        elif len(word) > 1 and word not in STOP_WORDS:
            found.append(word)
    return found


def word_features(word: str) -> list[int]:
    """Places of the hashed word itself and of its runs of four characters, so that `cook` is like `cooking`."""
    bounded = f"<{word}>"
    grams = (bounded[place : place + GRAM] for place in range(len(bounded) - GRAM + 1))
    return [zlib.crc32(part.encode(errors="replace")) % FEATURES for part in (f"word {word}", *grams)]


@dataclass(frozen=True, kw_only=True, eq=False)
class TopicIndex:
    """Prompts as counts of words, words as hashed features, and how much each feature tells.

    A prompt's features are those of its words, so they are never stored: similarity to a topic is words times
    (features times topic), which costs one product over the words of all prompts.
    """

    words: csr_array  # prompts x vocabulary: 1 + ln(count)
    features: csr_array  # vocabulary x features
    weights: FloatArray  # of each feature, shape (FEATURES,): inverse frequency among voters, 0 for rare ones
    norms: FloatArray  # of each prompt's weighted features

    @classmethod
    def build(cls, prompts: Sequence[str], voters: IntArray) -> "TopicIndex":
        """Index the prompts, each of one voter."""
        vocabulary: dict[str, int] = {}
        words = _word_counts(prompts, vocabulary)
        features = _feature_matrix(vocabulary)
        weights = _weights(words, features, voters)
        return cls(words=words, features=features, weights=weights, norms=_norms(words, features, weights))

    def similarities(self, topic: str) -> FloatArray:
        """The cosine between a topic and each prompt, from 0 to 1."""
        features = np.zeros(FEATURES)
        for word, count in Counter(topic_words(topic)).items():
            np.add.at(features, word_features(word), 1 + np.log(count))
        features *= self.weights
        norm = float(np.linalg.norm(features))
        if not norm:
            return np.zeros(len(self.norms))
        products: FloatArray = self.words @ (self.features @ (self.weights * features))
        known = self.norms > 0
        cosines = np.divide(products, self.norms * norm, out=np.zeros(len(self.norms)), where=known)
        return np.asarray(np.clip(cosines, 0, 1), dtype=np.float64)


def topic_weights(similarities: FloatArray) -> FloatArray:
    """What each battle counts: its cosine, or nothing below 0.1, where likeness is that of any two texts."""
    return np.where(similarities < LEAST_ALIKE, 0.0, similarities)


def effective_number(weights: FloatArray) -> float:
    """How many equally weighted ones would tell as much (Kish): the squared sum over the sum of squares."""
    squares = float((weights**2).sum())
    return float(weights.sum()) ** 2 / squares if squares else 0.0


def effective_voters(weights: FloatArray, voters: IntArray) -> float:
    """The same of the people behind the votes, each with the sum of their weights."""
    _, place = np.unique(voters, return_inverse=True)
    return effective_number(np.bincount(place, weights=weights).astype(np.float64)) if len(voters) else 0.0


def _word_counts(prompts: Iterable[str], vocabulary: dict[str, int]) -> csr_array:
    values: list[int] = []
    columns: list[int] = []
    ends = [0]
    for prompt in prompts:
        counts = Counter(topic_words(prompt))
        columns += [vocabulary.setdefault(word, len(vocabulary)) for word in counts]
        values += counts.values()
        ends.append(len(columns))
    shape = (len(ends) - 1, len(vocabulary))
    return csr_array((1 + np.log(values, dtype=np.float32), columns, ends), shape=shape)


def _feature_matrix(vocabulary: Iterable[str]) -> csr_array:
    columns: list[int] = []
    ends = [0]
    for word in vocabulary:
        columns += word_features(word)
        ends.append(len(columns))
    values = np.ones(len(columns), dtype=np.float32)
    return csr_array((values, columns, ends), shape=(len(ends) - 1, FEATURES))


def _weights(words: csr_array, features: csr_array, voters: IntArray) -> FloatArray:
    """ln((1 + voters) / (1 + voters who used it)) + 1 of each feature, 0 where they are too few to be nobody's own."""
    people, place = np.unique(voters, return_inverse=True)
    rows = np.arange(len(place))
    own = csr_array((np.ones(len(place), dtype=np.float32), (place, rows)), shape=(len(people), len(place)))
    used = np.zeros(FEATURES, dtype=np.int64)
    by_voter = (own @ words).tocsr()
    for start in range(0, len(people), _ROWS_AT_ONCE):
        part = by_voter[start : start + _ROWS_AT_ONCE] @ features
        used += np.bincount(part.indices, minlength=FEATURES)
    return np.where(used < VOTERS_LEAST, 0.0, np.log((1 + len(people)) / (1 + used)) + 1)


def _norms(words: csr_array, features: csr_array, weights: FloatArray) -> FloatArray:
    weighted = (features @ diags_array(weights.astype(np.float32))).tocsr()
    found = [np.zeros(0)]
    for start in range(0, words.shape[0], _ROWS_AT_ONCE):
        part = words[start : start + _ROWS_AT_ONCE] @ weighted
        found.append(np.sqrt(np.asarray(part.multiply(part).sum(axis=1), dtype=np.float64)))
    return np.concatenate(found)
