"""The figures beside the categories are what the labelled files give, and good enough to show a board."""

from importlib import resources
from pathlib import Path

import pytest

from arena.categories import CATEGORIES, language_category
from arena.tagging.accuracy import measured_accuracy
from arena.tagging.classifier import LABELS
from arena.tagging.labelled import read_labelled_answers, read_labelled_prompts
from arena.tagging.measure import compare, measure, write

DATA = Path(__file__).resolve().parents[1] / "data"
PROMPTS, ANSWERS = DATA / "labelled_prompts.jsonl", DATA / "labelled_answers.jsonl"

FLOORS = {
    "code": (0.82, 0.70),
    "math": (0.84, 0.75),
    "creative-writing": (0.88, 0.66),
    "instruction-following": (0.85, 0.65),
    "specificity": (0.85, 0.90),
    "domain-knowledge": (0.80, 0.65),
    "complexity": (0.75, 0.75),
    "problem-solving": (0.80, 0.80),
    "creativity": (0.85, 0.60),
    "technical-accuracy": (0.85, 0.75),
    "real-world": (0.73, 0.80),
    "hard-prompt": (0.72, 0.60),
    "refusal": (0.90, 0.80),
}


def test_the_file_is_true() -> None:
    measured = measure(read_labelled_prompts(PROMPTS), read_labelled_answers(ANSWERS))
    kept = resources.files("arena.tagging").joinpath("accuracy.json").read_text(encoding="utf-8")
    remedy = (
        f"run python -m arena.tagging.measure {PROMPTS.name} {ANSWERS.name} on the files of tests/unit/data"
    )
    assert kept == write(measured), remedy


@pytest.mark.parametrize("tag", FLOORS)
def test_the_rules_are_good_enough(tag: str) -> None:
    accuracy, (precision, recall) = measured_accuracy(tag), FLOORS[tag]
    assert accuracy is not None
    assert accuracy.precision is not None
    assert accuracy.recall is not None
    assert accuracy.precision >= precision
    assert accuracy.recall >= recall


def test_the_labelled_files_are_large_and_varied() -> None:
    prompts, answers = read_labelled_prompts(PROMPTS), read_labelled_answers(ANSWERS)
    assert len(prompts) >= 400
    assert sum(prompt.unlike_training for prompt in prompts) >= 100
    assert len({prompt.prompt for prompt in prompts}) == len(prompts)
    assert len({prompt.language for prompt in prompts}) >= 15
    assert {label for prompt in prompts for label in prompt.labels} == set(LABELS)
    assert min(sum(answer.refusal == kind for answer in answers) for kind in (True, False)) >= 40


def test_categories_say_how_right_their_rule_is() -> None:
    judged = {category.name for category in CATEGORIES if category.accuracy}
    assert judged == {
        "code",
        "math",
        "creative-writing",
        "instruction-following",
        "hard-prompts",
        "no-refusals",
    }
    german, czech = language_category("de"), language_category("cs")
    assert german is not None
    assert german.accuracy is not None
    assert german.accuracy.positive >= 10
    assert czech is not None
    assert czech.accuracy is None


def test_precision_and_recall_are_counted_right() -> None:
    deserved = [frozenset({"code"}), frozenset({"code"}), frozenset({"code"}), frozenset[str]()]
    given = [frozenset({"code"}), frozenset({"code", "math"}), frozenset[str](), frozenset({"code"})]
    assert compare(deserved, given, "code") == {
        "precision": 0.667,
        "recall": 0.667,
        "labelled": 4,
        "positive": 3,
    }
    assert compare(deserved, given, "math") == {
        "precision": 0.0,
        "recall": None,
        "labelled": 4,
        "positive": 0,
    }
