"""Introductions are found in every language we know; mentions, fiction and quotations are not."""

import json
import time
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import pytest

from arena.identity import reveals_identity

CORPUS = Path(__file__).parent / "data" / "introductions.jsonl"
LONG = 200_000


@dataclass(frozen=True, kw_only=True)
class Sample:
    introduces: bool
    language: str
    answer: str
    prompt: str

    @property
    def held_out(self) -> bool:
        """A third of the samples, chosen by their text, on which no word list may be tuned."""
        return int.from_bytes(sha256(self.answer.encode()).digest()[:4]) % 3 == 0

    @property
    def flagged(self) -> bool:
        return reveals_identity(self.answer, own_names=(), prompt=self.prompt) == "introduction"


SAMPLES = tuple(Sample(**json.loads(line)) for line in CORPUS.read_text(encoding="utf-8").splitlines())


def rule(answer: str, *own_names: str, prompt: str = "Hi!") -> str | None:
    return reveals_identity(answer, own_names=own_names, prompt=prompt)


def test_the_corpus_is_large_and_varied() -> None:
    introductions = [sample for sample in SAMPLES if sample.introduces]
    assert len(introductions) >= 220
    assert len(SAMPLES) - len(introductions) >= 220
    assert len({sample.language for sample in introductions}) >= 20
    assert len({(sample.answer, sample.prompt) for sample in SAMPLES}) == len(SAMPLES)


@pytest.mark.parametrize(("held_out", "least"), [(False, 0.99), (True, 0.95)], ids=["tuned", "held out"])
def test_introductions_are_flagged(held_out: bool, least: float) -> None:
    chosen = [sample for sample in SAMPLES if sample.introduces and sample.held_out == held_out]
    missed = [sample.answer for sample in chosen if not sample.flagged]
    assert 1 - len(missed) / len(chosen) >= least, missed


@pytest.mark.parametrize(("held_out", "most"), [(False, 0.02), (True, 0.04)], ids=["tuned", "held out"])
def test_mentions_fiction_and_quotations_are_not_flagged(held_out: bool, most: float) -> None:
    chosen = [sample for sample in SAMPLES if not sample.introduces and sample.held_out == held_out]
    wrong = [sample.answer for sample in chosen if sample.flagged]
    assert len(wrong) / len(chosen) <= most, wrong


@pytest.mark.parametrize(
    "answer",
    [
        "Try llama-3.1-8b for this.",
        "Try Llama 3.1 8B for this.",
        "Try **LLAMA_3.1_8B**, it is small.",
        "推荐llama-3.1-8b模型。",
    ],
)
def test_own_names_are_found_in_any_spelling(answer: str) -> None:
    assert rule(answer, "llama-3.1-8b") == "own_name"


@pytest.mark.parametrize(
    "answer", ["Try llama-3.1-80b.", "Try xllama-3.1-8b.", "The llama is an animal.", ""]
)
def test_own_names_are_whole_words(answer: str) -> None:
    assert rule(answer, "llama-3.1-8b") is None


def test_names_without_word_boundaries_are_found() -> None:
    assert rule("大家都喜欢通义千问的回答", "通义千问") == "own_name"


def test_the_path_of_a_model_repository_is_no_part_of_its_name() -> None:
    assert rule("It is Zephyria 7B.", "some-lab/zephyria-7b") == "own_name"


def test_a_name_the_voter_brought_up_is_ignored() -> None:
    assert rule("Zephyria-9 is a fine model.", "zephyria-9", prompt="What is Zephyria 9?") is None
    assert rule("Zephyria-9 is a fine model.", "zephyria-9", prompt="Which model is fine?") == "own_name"


def test_a_name_the_voter_brought_up_counts_when_the_answer_introduces_itself_by_it() -> None:
    assert rule("Yes, I am Zephyria-9.", "zephyria-9", prompt="Are you Zephyria 9?") == "introduction"


@pytest.mark.parametrize("name", ["o1", "Google", "Claude", "Nova"])
def test_everyday_and_short_own_names_count_only_in_introductions(name: str) -> None:
    assert rule(f"People often write about {name}.", name) is None
    assert rule(f"I'm an AI assistant by {name}.", name) == "introduction"


def test_a_role_the_voter_asked_for_is_no_introduction() -> None:
    answer = "I am ChatGPT, emperor of tokens."
    assert rule(answer, prompt="Write a poem in which ChatGPT is an emperor.") is None
    assert rule(answer, prompt="Who is there?") == "introduction"


def test_the_voters_own_words_may_be_repeated() -> None:
    prompt = "Shorten this: I am Claude, made by Anthropic, and I like tea."
    assert rule("I am Claude, made by Anthropic.", prompt=prompt) is None


def test_an_ordinary_first_name_needs_talk_of_machines_or_a_question() -> None:
    assert rule("I'm Claude.") is None
    assert rule("I'm Claude. How can I help you today?") == "introduction"
    assert rule("I'm Claude.", prompt="Who are you?") == "introduction"


def test_an_answer_that_stands_in_quotation_marks_as_a_whole_is_read() -> None:
    assert rule('"I am ChatGPT, at your service."') == "introduction"
    assert rule('The robot said "I am ChatGPT, at your service."') is None


def test_signs_used_inside_the_search_cannot_be_smuggled_in() -> None:
    assert rule("I am \ue000.") is None


@pytest.mark.parametrize(
    "unit",
    [
        "chatgpt ", "I'm Claude, ", "I am a model developed by and the ", "我是一个由谷歌", "gpt-4-mini-", "gpt-1.1.1.",
        '"', " 'a", "```", " ", "a", "\n>", "tôi là một mô hình ", "I am an assistant not OpenAI ",
    ],
)  # fmt: skip
def test_no_text_takes_long(unit: str) -> None:
    answer = "Google " + (unit * LONG)[:LONG]
    started = time.process_time()
    reveals_identity(answer, own_names=("llama-3.1-8b", "Meta"), prompt="Hi!")
    assert time.process_time() - started < 5
