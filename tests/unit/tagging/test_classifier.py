"""The classifiers: clear prompts in many languages, weights that come from the training file, and their cost."""

import json
import random
from pathlib import Path
from time import process_time

import numpy as np
import pytest

from arena.tagging import Conversation, tag_conversation
from arena.tagging.classifier import LABELS, classify, shipped_weights
from arena.tagging.prompts import CRITERIA, tag_prompt
from arena.tagging.train import fit_all, shipped_design
from tests.unit.tagging.test_measure import PROMPTS


@pytest.mark.parametrize(
    ("prompt", "label"),
    [
        ("Write a function in Python that counts vowels.", "code"),
        ("Schreibe eine Funktion in C, die eine Liste umkehrt.", "code"),
        ("用Java写一个工厂模式的例子。", "code"),
        ("What is the integral of cos(x) from 0 to pi?", "math"),
        ("Реши уравнение x^2 - 4x + 3 = 0", "math"),
        ("Write a poem about the moon.", "creative-writing"),
        ("Écris une histoire sur un chat pirate.", "creative-writing"),
        (
            "Answer in exactly three bullet points of at most ten words each: why do we sleep?",
            "instruction-following",
        ),
    ],
)
def test_clear_prompts(prompt: str, label: str) -> None:
    assert label in classify(prompt)


@pytest.mark.parametrize(
    ("prompt", "label"),
    [
        ("Write a poem about functions.", "code"),
        ("Explain the rhyme scheme of this sonnet.", "creative-writing"),
        ("How much is a train ticket to Rome?", "math"),
        ("Hello, how are you?", "instruction-following"),
        ("", "code"),
    ],
)
def test_what_only_looks_like_it(prompt: str, label: str) -> None:
    assert label not in classify(prompt)


def test_hard_prompts_meet_six_criteria() -> None:
    prompts = [json.loads(line)["prompt"] for line in PROMPTS.read_text(encoding="utf-8").splitlines()]
    tagged = [tag_prompt(prompt) for prompt in prompts]
    assert all(("hard-prompt" in tags) == (len(tags & CRITERIA) >= 6) for tags in tagged)
    assert 5 < sum("hard-prompt" in tags for tags in tagged) < len(tagged) / 2


def test_the_weights_are_those_of_the_training_file() -> None:
    design = shipped_design()
    weights, shipped = fit_all(design), shipped_weights()
    assert len(design.labels) >= 700
    assert weights.shape[0] == len(LABELS)
    np.testing.assert_allclose(shipped.signals, weights[:, : design.signals], atol=0.05)
    quantum = np.abs(weights[:, design.signals :]).max(axis=1, keepdims=True) / 127
    assert (np.abs(shipped.buckets - weights[:, design.signals :]) <= quantum + 0.02).all()


def test_no_prompt_is_both_trained_on_and_measured() -> None:
    trained = Path(__file__).resolve().parents[3] / "arena" / "tagging" / "training_prompts.jsonl"
    both = [
        {
            " ".join(json.loads(line)["prompt"].lower().split())
            for line in path.read_text("utf-8").splitlines()
        }
        for path in (trained, PROMPTS)
    ]
    assert not both[0] & both[1]


def test_real_prompts(real_data: Path) -> None:
    kinds: dict[str, list[frozenset[str]]] = {}
    for line in (real_data / "llmfao" / "prompts.jsonl").read_text(encoding="utf-8").splitlines():
        prompt = json.loads(line)
        kinds.setdefault(prompt["type"], []).append(tag_prompt(prompt["text"]))
    assert all("code" in tags for tags in kinds["code"])
    assert not any("code" in tags or "math" in tags for tags in kinds["knowledge"])
    assert sum("instruction-following" in tags for tags in kinds["instruct"]) >= len(kinds["instruct"]) / 2


def test_tagging_takes_about_a_millisecond() -> None:
    prompts = [json.loads(line)["prompt"] for line in PROMPTS.read_text(encoding="utf-8").splitlines()]
    answer = "Here is **the answer**:\n\n- one thing\n- another thing, with more words around it\n\n" * 12
    random.Random(1).shuffle(prompts)
    conversations = [
        Conversation(prompts=[prompt], answers_a=[answer], answers_b=[answer], language="en")
        for prompt in prompts
    ]
    tag_conversation(conversations[0])
    started = process_time()
    for conversation in conversations:
        tag_conversation(conversation)
    assert (process_time() - started) / len(conversations) < 0.004
