"""Whole battles in a browser, by keyboard, with the script's conveniences, and when things go wrong."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Browser, Page, expect

from arena.gateway.demo_faults import Fault
from tests.browser.conftest import Ask
from tests.browser.scripts import LONG, NAMES

LAST_PARAGRAPH = "Paragraph 34."


def text_of(page: Page, side: str, turn: int = 0) -> str:
    return page.locator(f"#text-{turn}-{side}").inner_text()


def wait_for_some_text(page: Page) -> None:
    """Until both panes say something; of slow models, the long answer then still runs for most of a minute."""
    for side in "ab":
        expect(page.locator(f"#text-0-{side}")).to_contain_text("Paragraph 1.")


def test_whole_battle_by_keyboard(page: Page, stage: object) -> None:
    page.goto("/")
    expect(page.get_by_label("Your question or task")).to_be_focused()
    page.keyboard.type("Which is better?")
    page.keyboard.press("Shift+Enter")
    page.keyboard.type("A or B?")
    page.keyboard.press("Enter")
    page.wait_for_url("**/b/*")
    expect(page.locator(".prompt-text")).to_have_text("Which is better?\nA or B?")
    expect(page.get_by_role("status")).to_have_text("Both answers are ready. Vote with A, B, T or X.")
    assert not any(name in page.content() for name in NAMES)
    page.keyboard.press("b")
    expect(page.locator("#reveal")).to_be_focused()
    expect(page.locator("#reveal")).to_contain_text("You voted: B is better. Your vote counts.")
    assert all(name in page.locator("#reveal").inner_text() for name in NAMES)
    page.keyboard.press("n")
    expect(page).to_have_url(re.compile(r"/$"))


def test_every_control_is_reached_by_tab(page: Page, ask: Ask) -> None:
    ask("rich")
    page.reload()
    reached = set()
    for _ in range(60):
        page.keyboard.press("Tab")
        reached.add(page.evaluate("document.activeElement.innerText.split('\\n')[0].trim()"))
    assert {"A is better", "Tie", "Both bad", "B is better", "Can’t judge", "Say why"} <= {
        text.removesuffix(" (optional)") for text in reached
    }


@pytest.mark.parametrize(("key", "verdict"), [("a", "A is better"), ("t", "Tie"), ("x", "Both are bad")])
def test_keys_vote(page: Page, ask: Ask, key: str, verdict: str) -> None:
    ask("hello")
    page.keyboard.press(key)
    expect(page.locator(".verdict")).to_contain_text(f"You voted: {verdict}.")


def test_letters_typed_into_the_reply_do_not_vote(page: Page, ask: Ask) -> None:
    ask("hello")
    reply = page.get_by_label("Ask both models to go on")
    reply.press_sequentially("about a boat")
    expect(reply).to_have_value("about a boat")
    expect(page.locator("#reveal")).to_have_count(0)


def test_keys_can_be_switched_off(page: Page, ask: Ask) -> None:
    ask("hello")
    page.get_by_role("button", name="Switch keyboard shortcuts off").click()
    expect(page.get_by_role("button", name="Switch keyboard shortcuts on")).to_be_visible()
    page.keyboard.press("a")
    expect(page.get_by_role("button", name="A is better", exact=True)).to_be_enabled()
    expect(page.locator("[aria-keyshortcuts], kbd, #reveal")).to_have_count(0)


def test_reload_in_the_middle_of_an_answer_loses_nothing(
    page: Page, ask: Ask, hurry: Callable[[], None]
) -> None:
    ask("long", wait=False)
    wait_for_some_text(page)
    page.reload()
    expect(page.get_by_role("status")).to_have_text("Both models are answering.")
    hurry()
    expect(page.get_by_role("status")).to_contain_text("Both answers are ready")
    for side in "ab":
        assert " ".join(text_of(page, side).split()) == " ".join(LONG.split())


def test_a_second_tab_shows_the_same_battle(page: Page, ask: Ask, hurry: Callable[[], None]) -> None:
    ask("long", wait=False)
    wait_for_some_text(page)
    second = page.context.new_page()
    second.goto(page.url)
    wait_for_some_text(second)
    hurry()
    for tab in (page, second):
        expect(tab.get_by_role("status")).to_contain_text("Both answers are ready")
    assert [text_of(page, side) for side in "ab"] == [text_of(second, side) for side in "ab"]
    second.get_by_role("button", name="Tie").click()
    expect(second.locator("#reveal")).to_be_visible()
    page.get_by_role("button", name="A is better").click()
    expect(page.locator(".verdict")).to_contain_text("You voted: Tie.")
    expect(page.get_by_role("alert")).to_contain_text("Already voted")


@pytest.mark.usefixtures("hurry")
def test_stop_then_vote(page: Page, ask: Ask) -> None:
    ask("long", wait=False)
    wait_for_some_text(page)
    page.get_by_role("button", name="Stop both").click()
    expect(page.get_by_text("Stopped here.")).to_have_count(2)
    assert LAST_PARAGRAPH not in text_of(page, "a")
    page.get_by_role("button", name="A is better").click()
    expect(page.locator(".verdict")).to_contain_text("You voted: A is better before both had finished.")


@pytest.mark.usefixtures("hurry")
def test_voting_while_the_models_answer_stops_them(page: Page, ask: Ask) -> None:
    ask("long", wait=False)
    wait_for_some_text(page)
    page.keyboard.press("a")
    expect(page.locator(".verdict")).to_contain_text("You voted: A is better before both had finished.")
    expect(page.get_by_text("Stopped here.")).to_have_count(2)
    assert LAST_PARAGRAPH not in text_of(page, "b")


def test_a_failed_side_can_be_tried_again(
    page: Page, ask: Ask, failing: Callable[[Fault | None], None]
) -> None:
    failing(Fault.CUT)
    ask("Fail, please.", wait=False)
    expect(page.get_by_text("This answer could not be completed.")).to_be_visible()
    assert not any(name in page.content() for name in NAMES)
    failing(None)
    page.get_by_role("button", name="Try again").click()
    expect(page.get_by_role("status")).to_contain_text("Both answers are ready")
    expect(page.get_by_text("A short answer to a short question.")).to_have_count(2)
    page.get_by_role("button", name="B is better").click()
    expect(page.locator(".verdict")).to_contain_text("Your vote counts.")


def test_a_side_that_fails_twice_closes_the_battle(
    page: Page, ask: Ask, failing: Callable[[Fault | None], None]
) -> None:
    failing(Fault.CUT)
    ask("Fail twice, please.", wait=False)
    page.get_by_role("button", name="Try again").click()
    expect(page.get_by_text("This battle is closed: one of the models could not answer")).to_be_visible()
    expect(page.get_by_role("button", name="A is better")).to_have_count(0)


def test_going_on_after_the_reveal_is_marked(page: Page, ask: Ask) -> None:
    ask("hello")
    page.get_by_label("Ask both models to go on").fill("rich")
    page.get_by_role("button", name="Send to both").click()
    expect(page.locator("#text-1-a, #text-1-b").get_by_text("Sorting a list")).to_be_visible()
    expect(page.get_by_role("status")).to_contain_text("Both answers are ready")
    page.get_by_role("button", name="Both bad").click()
    page.get_by_label("Continue with the same two models").fill("And now?")
    page.keyboard.press("Control+Enter")
    expect(page.locator("#turn-2")).to_contain_text("No longer anonymous, not voted on")
    expect(page.locator("#text-2-b")).to_contain_text("A short answer")
    expect(page.get_by_role("button", name="A is better")).to_have_count(0)


def test_reasons_go_with_the_vote(page: Page, ask: Ask) -> None:
    ask("hello")
    page.get_by_text("Say why").click()
    page.get_by_label("Clear", exact=True).check()
    page.get_by_label("Too long").check()
    page.get_by_role("button", name="A is better").click()
    expect(page.locator(".verdict")).to_contain_text("(clear, too long)")


def test_a_battle_can_be_closed_without_a_vote(page: Page, ask: Ask) -> None:
    ask("hello")
    page.keyboard.press("s")
    expect(page.get_by_text("You closed this battle without a vote.")).to_be_visible()
    assert not any(name in page.content() for name in NAMES)


def test_same_prompt_with_new_models(page: Page, ask: Ask) -> None:
    ask("hello")
    first = page.url
    page.keyboard.press("t")
    page.get_by_role("button", name="Same prompt, new models").click()
    page.wait_for_url(lambda url: "/b/" in url and not url.startswith(first))
    expect(page.locator(".prompt-text")).to_have_text("hello")


def test_a_battle_is_seen_only_by_its_voter(page: Page, ask: Ask, browser: Browser, base_url: str) -> None:
    ask("hello")
    stranger = browser.new_context(base_url=base_url)
    answer = stranger.new_page().goto(page.url)
    assert answer is not None
    assert answer.status == 404
    stranger.close()


def test_a_prompt_too_long_comes_back(page: Page, stage: object) -> None:
    page.goto("/")
    prompt = page.get_by_label("Your question or task")
    prompt.fill("é" * 12_345)
    expect(page.locator("[data-counter]")).to_have_text("12,345 of 12,000 characters")
    page.get_by_role("button", name="Ask both models").click()
    expect(page.get_by_role("alert")).to_contain_text("Prompt too long. The prompt has 12,345 characters")
    expect(prompt).to_have_value("é" * 12_345)


def test_suggestions_fill_the_text_area(page: Page, stage: object) -> None:
    page.goto("/")
    page.get_by_role("button", name="Write a haiku about autumn.").click()
    expect(page.get_by_label("Your question or task")).to_have_value("Write a haiku about autumn.")
    expect(page.get_by_label("Your question or task")).to_be_focused()


def test_copy_gives_the_answer_as_the_model_wrote_it(page: Page, ask: Ask) -> None:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    ask("long")
    page.get_by_role("button", name="Copy answer B").click()
    expect(page.locator("#answer-0-b .copy")).to_have_text("Copied")
    assert page.evaluate("() => navigator.clipboard.readText()").strip() == LONG.strip()
