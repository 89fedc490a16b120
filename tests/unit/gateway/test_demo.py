from __future__ import annotations

import re
from collections.abc import Iterator
from time import process_time

import pytest

from arena.gateway.demo import DEMO_MODELS, DemoModel
from arena.gateway.demo_arithmetic import find_conversion, find_sum, show
from arena.gateway.demo_knowledge import knowledge
from arena.gateway.openai_chat import Message

LETTERS = {
    "ja": r"[\u3040-\u30ff]", "zh": r"[\u4e00-\u9fff]", "ar": r"[\u0600-\u06ff]", "he": r"[\u0590-\u05ff]",
    "hi": r"[\u0900-\u097f]", "de": r"\b(Am|Da|Schreiben)\b", "fr": r"\b(question|dépend)\b",
    "es": r"\b(pregunta|Depende)\b",
}  # fmt: skip
BY_NAME = {model.name: model for model in DEMO_MODELS}


def say(model: DemoModel, *prompts: str, seed: int | None = 1) -> str:
    return model.reply([Message(role="user", content=prompt) for prompt in prompts], seed)


def many_prompts() -> Iterator[str]:
    for a in range(11, 111):
        yield f"What is {a} * {a + 7}?"
        yield f"convert {a} miles to km"
    for country in knowledge().capitals:
        yield f"What is the capital of {country.title()}?"
    for kind in ("Explain {} to a child", "Why does {} matter?", "Give two arguments against {}"):
        for topic in knowledge().topics:
            yield kind.format(topic.title)
    for entry in knowledge().code:
        yield f"Write a Python function: {entry.title}"
    for thing in ("autumn", "my cat", "the sea", "Monday"):
        yield f"Write a haiku about {thing}"
        yield f"Write a short story about {thing}"
        yield f"Give me ideas for {thing}"
        yield f"Compare {thing} vs tea"
    yield from (
        "",
        "?",
        "hello",
        "who are you?",
        "Are you demo-salad by Arena demo?",
        "Tell me a joke",
        "\ud7ff",
        "x" * 5000,
    )
    yield from (f"Please say: demo-parrot number {n} is the best demo" for n in range(140))


def test_there_are_at_least_eight_and_they_differ() -> None:
    assert len(DEMO_MODELS) >= 8
    assert len(BY_NAME) == len(DEMO_MODELS)
    assert all(name.startswith("demo-") for name in BY_NAME)
    assert {model.organization for model in DEMO_MODELS} == {"Arena demo"}
    answers = {say(model, "Explain photosynthesis") for model in DEMO_MODELS}
    assert len(answers) == len(DEMO_MODELS)
    assert max(m.tokens_per_second for m in DEMO_MODELS) >= 10 * min(m.tokens_per_second for m in DEMO_MODELS)
    assert len({model.ability for model in DEMO_MODELS}) == len(DEMO_MODELS)


def test_no_answer_names_its_author() -> None:
    prompts = list(many_prompts())
    assert len(prompts) >= 500
    ours = re.compile(r"\bdemo\b|demo-|arena demo", re.IGNORECASE)
    for model in DEMO_MODELS:
        for prompt in prompts:
            answer = say(model, prompt)
            assert answer.strip(), (model.name, prompt)
            assert not ours.search(answer), (model.name, prompt)


def test_the_same_conversation_and_seed_give_the_same_answer() -> None:
    for model in DEMO_MODELS:
        assert say(model, "Why is the sky blue?", seed=5) == say(model, "Why is the sky blue?", seed=5)
    salads = {say(BY_NAME["demo-salad"], "Why is the sky blue?", seed=seed) for seed in (None, 1, 2, 3)}
    assert len(salads) == 4


def test_the_abler_a_model_the_more_often_it_is_right() -> None:
    sums = [(f"What is {a} * {b}?", a * b) for a in range(101, 121) for b in range(31, 46)]

    def share_right(model: DemoModel) -> float:
        right = sum(bool(re.search(rf"= {product}\b", say(model, prompt))) for prompt, product in sums)
        return right / len(sums)

    shares = {model.name: share_right(model) for model in DEMO_MODELS}
    by_ability = sorted(DEMO_MODELS, key=lambda model: model.ability)
    for worse, better in zip(by_ability, by_ability[2:], strict=False):
        assert shares[worse.name] < shares[better.name]
    for model in DEMO_MODELS:
        assert shares[model.name] == pytest.approx(model.ability, abs=0.08)


@pytest.mark.parametrize(
    ("code", "prompt"),
    [
        ("ja", "プログラミングはどうやって学べばいいですか？"),
        ("zh", "怎样学习编程？"),
        ("ar", "كيف أتعلم البرمجة؟"),
        ("he", "איך לומדים תכנות?"),
        ("hi", "मैं प्रोग्रामिंग कैसे सीखूँ?"),
        ("de", "Wie kann ich am besten kochen lernen?"),
        ("fr", "Comment est-ce que je peux apprendre la cuisine ?"),
        ("es", "¿Cómo puedo aprender a cocinar para una familia?"),
    ],
)
def test_prompts_are_answered_in_their_language(code: str, prompt: str) -> None:
    for model in DEMO_MODELS:
        if model.name in ("demo-parrot", "demo-salad"):  # they repeat the prompt whatever they know
            continue
        answer = say(model, prompt)
        assert re.search(LETTERS[code], answer), (model.name, answer)
        assert not re.search(r"\b(the|and|question is|please)\b", answer), (model.name, answer)


def test_a_follow_up_refers_to_the_turn_before() -> None:
    scholar = BY_NAME["demo-scholar"]
    assert "Kubernetes" in say(scholar, "Explain Kubernetes", "tell me more")
    assert "Canberra" in say(scholar, "What is the capital of Australia?", "are you sure?")
    assert (
        len(say(scholar, "Explain Kubernetes", "shorter please"))
        < len(say(scholar, "Explain Kubernetes")) / 2
    )


def test_styles_show() -> None:
    prompt = "Explain photosynthesis"
    assert say(BY_NAME["demo-scholar"], prompt).startswith("## ")
    assert "\n|" in say(BY_NAME["demo-tabula"], prompt)
    assert "\n- " in say(BY_NAME["demo-lister"], prompt)
    assert f"> {prompt}" in say(BY_NAME["demo-parrot"], prompt)
    assert len(say(BY_NAME["demo-telegraph"], prompt)) < 150


@pytest.mark.parametrize(
    ("prompt", "value"),
    [
        ("What is 17 * 23?", "391"),
        ("2 + 3 * 4", "14"),
        ("what's (2+3)*4", "20"),
        ("15% of 240", "36"),
        ("12 plus 30 times 2", "72"),
        ("7 x 8 please", "56"),
        ("1,200 divided by 7", "171.4286"),
        ("2^10", "1024"),
        ("square root of 144", "12"),
        ("-3 - 4", "-7"),
    ],
)
def test_sums(prompt: str, value: str) -> None:
    found = find_sum(prompt)
    assert found
    assert show(found[1]) == value


@pytest.mark.parametrize(
    "prompt",
    ["on 2024-05-06", "9**9**9**9", "1/0", "call 555", "2**9999", "1" * 200 + "+1", "hello", "(" * 300],
)
def test_what_is_no_sum_or_too_large_is_left_alone(prompt: str) -> None:
    assert find_sum(prompt) is None


@pytest.mark.parametrize(
    ("prompt", "value"),
    [
        ("10 miles to km", "16.0934"),
        ("100 °F in celsius", "37.7778"),
        ("0 celsius to kelvin", "273.15"),
        ("How many feet are in a mile?", "5280"),
        ("convert 2 kg to lbs", "4.4092"),
    ],
)
def test_conversions(prompt: str, value: str) -> None:
    found = find_conversion(prompt, knowledge().units, knowledge().unit_names)
    assert found
    assert show(found[1]) == value


def test_units_of_different_kinds_are_not_converted() -> None:
    assert find_conversion("10 miles to kg", knowledge().units, knowledge().unit_names) is None


def test_the_right_python_code_runs() -> None:
    for entry in knowledge().code:
        if entry.language == "python":
            compile(entry.code, entry.title, "exec")
    scope: dict[str, object] = {}
    exec(next(entry.code for entry in knowledge().code if entry.title == "Fibonacci numbers"), scope)
    assert scope["fibonacci"](10) == 55  # type: ignore[operator]


LONGEST_PROMPT = 12_000
HOSTILE_PROMPTS = {
    "two long numbers": f"What is {'9' * 5900} * {'9' * 5900}",
    "digits": "7" * LONGEST_PROMPT,
    "spaced digits": "1 " * (LONGEST_PROMPT // 2),
    "decimals": "1." * (LONGEST_PROMPT // 2),
    "percentages": "5 % " * (LONGEST_PROMPT // 4),
    "brackets": "(" * LONGEST_PROMPT,
    "minus signs": "-" * LONGEST_PROMPT + "1",
    "bracketed minus signs": "1" + "-(" * (LONGEST_PROMPT // 2),
    "a short sum of brackets": "(" * 50 + "1+1" + ")" * 50,
    "a root of a negative number": "(-2)**0.5",
    "spaces": "a" + " " * (LONGEST_PROMPT - 2) + "b",
    "newlines": "\n" * LONGEST_PROMPT,
    "double quotes": '"' * LONGEST_PROMPT,
    "single quotes": "'a" * (LONGEST_PROMPT // 2),
    "a long unit": "1" + "a" * LONGEST_PROMPT,
    "many units": "how many feet in " * (LONGEST_PROMPT // 17),
    "more feet than a float can count": f"how many feet are in {'9' * 400} miles",
    "summaries of nothing": "summary " * (LONGEST_PROMPT // 8),
    "a summary of one word": "summary:" + "x" * LONGEST_PROMPT,
    "a summary of spaces": "summary:" + " " * LONGEST_PROMPT + "x",
    "a summary of full stops": "summary:" + ". " * (LONGEST_PROMPT // 2),
    "a summary of hyphens": "summary:" + "a-" * (LONGEST_PROMPT // 2),
    "leading words": "please " * (LONGEST_PROMPT // 7),
    "our names": "arena demo-" * (LONGEST_PROMPT // 11),
}


# An ordinary answer takes a millisecond; without limits on what is read, some of these took eight seconds.
@pytest.mark.timeout(60)
@pytest.mark.parametrize("prompt", HOSTILE_PROMPTS.values(), ids=HOSTILE_PROMPTS.keys())
def test_no_prompt_is_much_work(prompt: str) -> None:
    began_at = process_time()
    answers = [say(model, prompt) for model in DEMO_MODELS]
    seconds_each = (process_time() - began_at) / len(DEMO_MODELS)
    assert all(answers)
    assert max(map(len, answers)) < 20_000
    assert seconds_each < 0.2


def test_a_summary_reads_further_than_the_other_skills() -> None:
    sentences = [f"Sentence number {number} says a little." for number in range(60)]
    prompt = f"Summarise this: {' '.join(sentences)} And this last one is by far the longest of all."
    assert "by far the longest" in say(BY_NAME["demo-lister"], prompt)


def test_a_long_number_is_not_taken_for_its_first_digits() -> None:
    assert find_sum(f"{'1' * 20}% of 240") is None
    assert find_sum(f"15% of {'2' * 20}") is None
    assert find_sum(f"{'3' * 20} + 1") is None
