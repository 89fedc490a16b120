"""What a reader sees: directions, themes, small windows, and nothing from hostile answers."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, expect

from tests.browser.conftest import Ask
from tests.browser.scripts import hostile_answers

OWN_SCRIPTS = 2  # the preferences and the battle
FORBIDDEN = """() => [...document.querySelectorAll("main *")].filter((element) =>
    element.matches("img, script, iframe, object, embed, style, link, base, meta, video, audio, svg, [style]")
    || [...element.attributes].some(({ name }) => name.startsWith("on"))).map((element) => element.outerHTML)"""
PATHS = (
    "/",
    "/leaderboard",
    "/me",
    "/me/board",
    "/me/erase",
    "/about",
    "/about/problems",
    "/policy",
    "/methodology",
    "/changelog",
    "/integrity",
    "/data",
    "/models/heron-one",
    "/topic",
    "/topic?q=cooking",
    "/nothing-here",
)


@pytest.fixture
def narrow(browser: Browser, base_url: str) -> Iterator[Page]:
    """A phone of 320 pixels, or a wide window at 400 %."""
    context = browser.new_context(base_url=base_url, viewport={"width": 320, "height": 640})
    yield context.new_page()
    context.close()


def start(page: Page, prompt: str) -> None:
    page.goto("/")
    page.get_by_label("Your question or task").fill(prompt)
    page.get_by_role("button", name="Ask both models").click()
    expect(page.get_by_role("status")).to_contain_text("Both answers are ready")


def assert_no_sideways_scroll(page: Page) -> None:
    assert page.evaluate("() => document.documentElement.scrollWidth") <= 320, page.url


def test_nothing_scrolls_sideways_at_320_pixels(narrow: Page) -> None:
    start(narrow, "rich")
    assert_no_sideways_scroll(narrow)
    narrow.get_by_text("Say why").click()
    assert_no_sideways_scroll(narrow)
    narrow.get_by_role("button", name="A is better").click()
    expect(narrow.locator("#reveal")).to_be_visible()
    assert_no_sideways_scroll(narrow)
    for path in PATHS:
        narrow.goto(path)
        assert_no_sideways_scroll(narrow)


@pytest.mark.usefixtures("hurry")
def test_words_of_the_vote_bar_have_room_on_a_phone(narrow: Page) -> None:
    narrow.goto("/")
    narrow.get_by_label("Your question or task").fill("long")
    narrow.get_by_role("button", name="Ask both models").click()
    stop, why = narrow.get_by_role("button", name="Stop both"), narrow.locator(".why summary")
    expect(stop).to_be_visible()
    for _ in range(2):  # closed, then open
        left, right = why.bounding_box(), stop.bounding_box()
        assert left
        assert right
        assert left["x"] + left["width"] <= right["x"]
        assert left["height"] < 50, "on one line"
        why.click()
    why.click()
    narrow.get_by_label("Too long").scroll_into_view_if_needed()
    stop.click()  # nothing lies over it
    expect(narrow.get_by_text("Stopped here.")).to_have_count(2)
    why.click()  # and there is a way back
    expect(narrow.locator("details.why")).not_to_have_attribute("open", "")


def test_tabs_show_one_answer_after_the_other_on_a_phone(narrow: Page) -> None:
    start(narrow, "rich")
    a, b = narrow.locator("#answer-0-a"), narrow.locator("#answer-0-b")
    expect(narrow.get_by_role("link", name="Answer A")).to_have_attribute("aria-current", "true")
    expect(a).to_be_in_viewport(ratio=0.1)
    expect(b).not_to_be_in_viewport()
    narrow.get_by_role("link", name="Answer B").click()
    expect(b).to_be_in_viewport(ratio=0.1)
    expect(narrow.get_by_role("link", name="Answer B")).to_have_attribute("aria-current", "true")


def test_focus_is_never_behind_the_vote_bar(narrow: Page) -> None:
    start(narrow, "rich")
    narrow.keyboard.press("Home")
    hidden = """() => {
        const [focus, bar] = [document.activeElement, document.querySelector(".dock")];
        const [box, edge] = [focus.getBoundingClientRect(), bar.getBoundingClientRect()];
        const isCovered = box.top >= edge.top && box.bottom <= edge.bottom;
        return isCovered && !bar.contains(focus) && focus !== document.body;
    }"""
    seen = set()
    for _ in range(40):
        narrow.keyboard.press("Tab")
        seen.add(narrow.evaluate("() => document.activeElement.tagName"))
        assert not narrow.evaluate(hidden), narrow.evaluate("() => document.activeElement.outerHTML")
    assert {"PRE", "TEXTAREA", "SUMMARY"} <= seen


def test_right_to_left_answers(page: Page, ask: Ask) -> None:
    ask("right to left")
    arabic = page.locator(".answer[lang=ar]")
    expect(arabic).to_have_count(1)
    assert arabic.locator("p").first.evaluate("(paragraph) => getComputedStyle(paragraph).direction") == "rtl"
    assert arabic.locator("li").first.evaluate("(item) => getComputedStyle(item).direction") == "rtl"
    expect(page.locator(".answer[lang=ja]")).to_have_count(1)


def test_a_chosen_theme_is_there_before_the_first_paint(page: Page, stage: object) -> None:
    page.emulate_media(color_scheme="light")
    page.goto("/")
    with page.expect_response("**/preferences"):
        page.get_by_role("button", name="Dark").click()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    answer = page.goto("/about")
    assert answer is not None
    assert '<html lang="en" data-theme="dark">' in answer.text()
    red = page.evaluate(
        "() => Number(getComputedStyle(document.documentElement).backgroundColor.match(/\\d+/)[0])"
    )
    assert red < 60


def test_hostile_answers_run_nothing_and_fetch_nothing(page: Page, base_url: str) -> None:
    foreign: list[str] = []
    said: list[str] = []

    def hear(message: ConsoleMessage) -> None:
        if "Content Security Policy" in message.text:
            said.append(message.text)

    page.on(
        "request", lambda request: None if request.url.startswith(base_url) else foreign.append(request.url)
    )
    page.on("console", hear)
    page.on("dialog", lambda dialog: (said.append(dialog.message), dialog.dismiss()))
    starts = [
        page.request.post("/api/v1/battles", data={"prompt": name}).json() for name in hostile_answers()
    ]
    assert len(starts) > 10
    for battle in starts:  # the first ones while they stream, the later ones as finished pages
        page.goto(f"/b/{battle['id']}")
        expect(page.get_by_role("status")).to_contain_text("Both answers are ready")
        assert page.evaluate(FORBIDDEN) == []
        assert page.locator("script").count() == OWN_SCRIPTS
    assert foreign == []
    assert said == []
