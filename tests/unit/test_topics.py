"""Topics: battles like what was typed are those that share its words."""

import numpy as np
import pytest

from arena.topics import (
    LEAST_ALIKE,
    VOTERS_LEAST,
    TopicIndex,
    effective_number,
    effective_voters,
    topic_weights,
    topic_words,
)

COOKING = (
    "How long should I cook lentil soup?",
    "A recipe for tomato soup with basil",
    "What can I cook with chickpeas and tomatoes?",
    "Cooking rice: how much water do I need?",
    "Best recipe for a vegetarian lasagna, and the oven temperature",
    "My soup is too salty, what now? I followed the recipe.",
)
CODE = (
    "Write a Python function that reverses a string",
    "Why does my Python loop never end?",
    "Refactor this JavaScript function into a class",
    "SQL query that joins two tables and counts rows",
    "Python: sort a list of dictionaries by a key",
    "Explain the difference between a class and a function in JavaScript",
)
PROMPTS = (*COOKING, *CODE)


def index(prompts: tuple[str, ...] = PROMPTS) -> TopicIndex:
    return TopicIndex.build(prompts, np.arange(len(prompts)))


@pytest.mark.parametrize("topic", ["cooking", "a recipe for soup", "recipes, cooking and soups"])
def test_cooking_finds_cooking_before_code(topic: str) -> None:
    similar = index().similarities(topic)
    cooking, code = similar[: len(COOKING)], similar[len(COOKING) :]
    assert np.sort(cooking)[-3] > code.max()
    assert topic_weights(code).sum() < 0.1 * topic_weights(cooking).sum()


def test_code_finds_code_before_cooking() -> None:
    similar = index().similarities("python functions")
    assert np.sort(similar[len(COOKING) :])[-3] > similar[: len(COOKING)].max()


def test_similarity_is_the_cosine_of_weighted_features() -> None:
    """The product that is never formed, formed."""
    built = index()
    rows = (built.words @ built.features).toarray() * built.weights
    assert built.norms == pytest.approx(np.linalg.norm(rows, axis=1), rel=1e-5)
    topic = "soup recipe"
    alone = TopicIndex.build([topic], np.zeros(1, dtype=np.int64))
    query = (alone.words @ alone.features).toarray()[0] * built.weights
    lengths = np.where(built.norms, built.norms, 1) * np.linalg.norm(query)
    expected = rows @ query / lengths
    assert built.similarities(topic) == pytest.approx(expected, abs=1e-6)
    same = index((*PROMPTS, PROMPTS[1])).similarities(PROMPTS[1])
    assert same[1] == pytest.approx(1, abs=1e-6)


def test_what_one_person_wrote_is_in_no_likeness() -> None:
    """A board must not tell that somebody's own secret is among the prompts."""
    prompts = (*PROMPTS, *["Dossier Xylokarp"] * 5)
    voters = np.array([*range(len(PROMPTS)), *[99] * 5])
    assert not TopicIndex.build(prompts, voters).similarities("xylokarp").any()
    shared = np.array([*range(len(PROMPTS)), *range(100, 105)])
    assert TopicIndex.build(prompts, shared).similarities("xylokarp")[-1] > LEAST_ALIKE
    assert VOTERS_LEAST == 3


def test_words_of_a_topic() -> None:
    assert topic_words("Please tell me about THE cooking!") == ["cooking"]
    assert topic_words("what is it?") == []
    assert topic_words("写一首诗") == ["写一", "一首", "首诗"]
    assert topic_words("") == []


def test_weights_are_the_likeness_above_a_floor() -> None:
    assert topic_weights(np.array([0.0, LEAST_ALIKE / 2, LEAST_ALIKE, 0.7])).tolist() == [
        0,
        0,
        LEAST_ALIKE,
        0.7,
    ]


def test_effective_numbers_by_hand() -> None:
    assert effective_number(np.array([1.0, 1.0, 1.0])) == pytest.approx(3)
    assert effective_number(np.array([1.0, 0.5, 0.0])) == pytest.approx(2.25 / 1.25)
    assert effective_number(np.zeros(4)) == 0
    assert effective_voters(np.array([0.5, 0.5, 1.0]), np.array([7, 7, 9])) == pytest.approx(2)


def test_no_prompts_make_an_empty_index() -> None:
    assert index(()).similarities("cooking").shape == (0,)
