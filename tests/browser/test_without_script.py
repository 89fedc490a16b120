"""The whole site with JavaScript switched off."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect


@pytest.fixture
def page(browser: Browser, base_url: str) -> Iterator[Page]:
    context = browser.new_context(base_url=base_url, java_script_enabled=False)
    yield context.new_page()
    context.close()


def start(page: Page, prompt: str) -> None:
    page.goto("/")
    page.get_by_label("Your question or task").fill(prompt)
    page.get_by_role("button", name="Ask both models").click()


def wait_until_ready(page: Page) -> None:
    """The page refreshes itself every two seconds while the models answer."""
    expect(page.get_by_role("status")).to_contain_text("Both answers are ready")


def test_whole_battle(page: Page) -> None:
    start(page, "rich")
    wait_until_ready(page)
    expect(page.get_by_role("heading", name="Sorting a list")).to_be_visible()
    page.get_by_label("Ask both models to go on").fill("And now?")
    page.get_by_role("button", name="Send to both").click()
    wait_until_ready(page)
    page.get_by_text("Say why").click()
    page.get_by_label("Complete", exact=True).check()
    page.get_by_role("button", name="A is better").click()
    expect(page.locator("#reveal")).to_contain_text("You voted: A is better (complete). Your vote counts.")
    page.get_by_role("link", name="My votes").first.click()
    expect(page.get_by_role("listitem").filter(has_text="rich")).to_contain_text("A is better")
    page.get_by_role("button", name="Withdraw the vote on: rich").click()
    expect(page.get_by_text("You withdrew it.")).to_be_visible()


@pytest.mark.usefixtures("hurry")
def test_text_shows_while_it_grows_and_can_be_stopped(page: Page) -> None:
    start(page, "long")
    # The paragraph, not the pane: the driver reads no text through <noscript>.
    expect(page.locator("#text-0-a p").nth(1)).to_contain_text("Paragraph 1.")
    page.get_by_role("button", name="Stop both").click()
    expect(page.get_by_text("Stopped here.")).to_have_count(2)
    page.get_by_role("button", name="Can’t judge").click()
    expect(page.get_by_text("You closed this battle without a vote.")).to_be_visible()


def test_suggestions_fill_the_text_area(page: Page) -> None:
    page.goto("/")
    page.get_by_role("button", name="How does TCP differ from UDP?").click()
    expect(page.get_by_label("Your question or task")).to_have_value("How does TCP differ from UDP?")


def test_a_refused_prompt_comes_back_with_its_choice(page: Page) -> None:
    page.goto("/")
    page.get_by_label("Publish this battle").uncheck()
    page.get_by_label("Your question or task").fill("two\nlines" + "x" * 12_000)
    page.get_by_role("button", name="Ask both models").click()
    expect(page.get_by_role("alert")).to_contain_text("Prompt too long")
    expect(page.get_by_label("Your question or task")).to_have_value("two\nlines" + "x" * 12_000)
    expect(page.get_by_label("Publish this battle")).not_to_be_checked()


def test_a_refused_reply_comes_back(page: Page) -> None:
    start(page, "hello")
    wait_until_ready(page)
    page.get_by_label("Ask both models to go on").fill("y" * 12_001)
    page.get_by_role("button", name="Send to both").click()
    expect(page.get_by_role("alert")).to_contain_text("Prompt too long")
    expect(page.get_by_label("Ask both models to go on")).to_have_value("y" * 12_001)


def test_erasing_asks_first(page: Page) -> None:
    start(page, "hello")
    wait_until_ready(page)
    page.get_by_role("button", name="Tie").click()
    page.goto("/me")
    page.get_by_role("link", name="Erase everything").click()
    expect(page.get_by_text("1 vote")).to_be_visible()
    page.get_by_role("button", name="Erase everything").click()
    expect(page.get_by_role("status")).to_have_text("Everything was erased, and this browser was forgotten.")
    expect(page.get_by_text("No votes yet.")).to_be_visible()


def test_keyboard_shortcuts_are_not_spoken_of(page: Page) -> None:
    start(page, "hello")
    wait_until_ready(page)
    for said in (page.get_by_text("Vote with A, B, T or X."), page.locator("kbd").first):
        expect(said).to_be_hidden()
    expect(page.get_by_role("button", name="Switch keyboard shortcuts off")).to_be_hidden()


def test_theme_is_remembered(page: Page) -> None:
    page.goto("/about")
    page.get_by_role("button", name="Dark").click()
    expect(page).to_have_url(re.compile("/about$"))
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    page.goto("/leaderboard")
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
