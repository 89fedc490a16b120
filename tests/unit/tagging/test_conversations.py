"""A conversation's tags and style counts."""

from time import process_time

import pytest

from arena.categories import TAGS
from arena.tagging import Conversation, OperatorRule, Tagged, rules_version, tag_conversation
from arena.tagging.patterns import compile_words
from arena.tagging.samples import SAMPLE_PROMPTS
from ratings.text_features import TEXT_FEATURES


def tagged(
    *prompts: str,
    a: str = "Yes.",
    b: str = "No.",
    language: str | None = None,
    rules: tuple[OperatorRule, ...] = (),
) -> Tagged:
    conversation = Conversation(
        prompts=prompts, answers_a=[a] * len(prompts), answers_b=[b] * len(prompts), language=language
    )
    return tag_conversation(conversation, rules)


def test_tags_are_sorted_and_known() -> None:
    tags = tagged("Write a Python function that adds 2 + 3.", "And a poem about it.", language="en").tags
    assert list(tags) == sorted(set(tags))
    assert {tag for tag in tags if ":" not in tag} <= TAGS
    assert {"code", "multi-turn", "language:en"} <= set(tags)


def test_a_task_of_a_later_turn_counts() -> None:
    assert "code" not in tagged("Hello there").tags
    assert "code" in tagged("Hello there", "Now write a Python function that reverses a string.").tags


def test_lengths() -> None:
    assert "short-prompt" in tagged("hi there").tags
    assert "short-prompt" not in tagged("hi", "and now a longer prompt please").tags
    assert "short-prompt" not in tagged("one two three four five").tags
    assert "long-prompt" not in tagged("word " * 500).tags
    assert "long-prompt" in tagged("hi", "word " * 501).tags
    assert "long-prompt" in tagged("字" * 501).tags


def test_a_single_turn_is_not_multi_turn() -> None:
    assert "multi-turn" not in tagged("Why is the sky blue?").tags


def test_an_unclear_language_gives_no_tag() -> None:
    assert not [tag for tag in tagged("???").tags if tag.startswith("language:")]


@pytest.mark.parametrize("side", ["a", "b"])
def test_one_refusal_is_enough(side: str) -> None:
    refusal = "I'm sorry, but I can't help with that request."
    assert "refusal" in tagged("How do I do it?", **{side: refusal}).tags
    assert "refusal" not in tagged("How do I do it?").tags


def test_suggested_prompts_are_marked() -> None:
    assert all("sample-prompt" in tagged(prompt).tags for prompt in SAMPLE_PROMPTS)
    assert "sample-prompt" in tagged(f" {SAMPLE_PROMPTS[0].upper().rstrip('.')}  ").tags
    assert "sample-prompt" not in tagged("Explain recursion to an expert.").tags
    assert "sample-prompt" not in tagged("Another question", SAMPLE_PROMPTS[0]).tags


def test_style_counts_are_sums_in_the_order_of_the_features() -> None:
    conversation = Conversation(
        prompts=["x", "y"],
        answers_a=["# Plan\n\n- **One**", "Two ✅"],
        answers_b=["", "```\nx\n```"],
        language=None,
    )
    style = tag_conversation(conversation)
    assert tuple(style.style_a) == tuple(style.style_b) == TEXT_FEATURES
    assert style.style_a == {"tokens": 10, "headers": 1, "lists": 1, "bold": 1, "code_blocks": 0, "emoji": 1}
    assert style.style_b == {"tokens": 7, "headers": 0, "lists": 0, "bold": 0, "code_blocks": 1, "emoji": 0}


def test_turns_that_do_not_match_are_refused() -> None:
    with pytest.raises(ValueError, match="1 prompts has 0 answers of side a"):
        Conversation(prompts=["x"], answers_a=[], answers_b=["y"], language=None)
    with pytest.raises(ValueError, match="at least one turn"):
        Conversation(prompts=[], answers_a=[], answers_b=[], language=None)


def test_an_operators_rule_sees_prompts_and_the_other_tags() -> None:
    rule = OperatorRule(
        name="cooking",
        words=compile_words(["recipe"]),
        requires=frozenset({"language:en"}),
        excludes=frozenset({"multi-turn"}),
    )
    assert "operator:cooking" in tagged("A recipe for soup", language="en", rules=(rule,)).tags
    assert "operator:cooking" not in tagged("A recipe for soup", language="de", rules=(rule,)).tags
    assert "operator:cooking" not in tagged("Recipes for soup", language="en", rules=(rule,)).tags
    assert "operator:cooking" not in tagged("A recipe", "more", language="en", rules=(rule,)).tags


def test_the_version_names_the_operators_rules_too() -> None:
    soup, cake = (OperatorRule(name="cooking", words=compile_words([word])) for word in ("soup", "cake"))
    versions = {rules_version(), rules_version([soup]), rules_version([cake]), rules_version([soup, cake])}
    assert len(versions) == 4
    assert rules_version([soup, cake]) == rules_version([cake, soup])


def test_any_text_is_tagged_and_quickly() -> None:
    odd = [
        "",
        "\x00\ud800",
        "🙂" * 900,
        "(" * 9000,
        "a" * 12_000,
        "`" * 5000,
        "1+" * 4000,
        "x=" * 4000,
        "我" * 9000,
    ]
    started = process_time()
    for text in odd:
        tagged(text, a=text, b=text)
    assert process_time() - started < 2
