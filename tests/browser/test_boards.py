"""The pages of boards in a browser: with and without script, on a phone and on a desk, in both themes, by axe."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from uuid import UUID

import pytest
from playwright.sync_api import Browser, Page, expect

from arena.voters import COOKIE, Signer
from tests.browser.stage import FILLED_SECRET
from tests.browser.test_accessibility import assert_accessible_in_every_look
from tests.filled_arena import NEWCOMER, STRENGTHS

BEST, SECOND, THIRD = list(STRENGTHS)[:3]
SOMEBODY = UUID(int=1)  # who has cast enough votes for a board of their own
PATHS = (
    "/leaderboard",
    "/leaderboard?weights=open&sort=-votes&status=nothing",
    "/leaderboard?q=emu",
    "/leaderboard/code",
    "/leaderboard/overall/{today}",
    "/plot/overall",
    "/pairs/overall",
    "/robustness/overall",
    "/history/overall",
    "/history/overall/diff",
    "/compare",
    f"/compare?a={BEST}&b={SECOND}",
    f"/models/{BEST}",
    "/leaderboard/coed",
    "/me/board",
    "/topic?q=python+function",
    "/topic?q=astrophysics",
    "/data",
)


@pytest.fixture
def visitor(browser: Browser, filled_url: str) -> Iterator[Page]:
    """A voter's page for axe, which has to bring its own script: our policy forbids that."""
    context = browser.new_context(base_url=filled_url, bypass_csp=True, reduced_motion="reduce")
    cookie = Signer(FILLED_SECRET).cookie(SOMEBODY)
    context.add_cookies([{"name": COOKIE, "value": cookie, "url": filled_url}])
    yield context.new_page()
    context.close()


@pytest.fixture(params=["with script", "without script"])
def page(request: pytest.FixtureRequest, browser: Browser, filled_url: str) -> Iterator[Page]:
    """A new visitor of the filled arena."""
    context = browser.new_context(base_url=filled_url, java_script_enabled=request.param == "with script")
    yield context.new_page()
    context.close()


@pytest.fixture
def phone(browser: Browser, filled_url: str) -> Iterator[Page]:
    """A phone of 320 pixels without script."""
    context = browser.new_context(
        base_url=filled_url, viewport={"width": 320, "height": 640}, java_script_enabled=False
    )
    yield context.new_page()
    context.close()


@pytest.mark.parametrize("path", PATHS)
def test_every_page_of_the_boards_is_accessible_and_fits(visitor: Page, path: str) -> None:
    visitor.goto(path.format(today=datetime.now(UTC).date()))
    visitor.evaluate("() => document.querySelectorAll('details').forEach((each) => { each.open = true; })")
    assert_accessible_in_every_look(visitor)


# Reads every text of a page, with what is folded, and gives the matches of a pattern that stand on more than one line.
BROKEN = """(pattern) => {
    document.querySelectorAll("details").forEach((each) => { each.open = true; });
    const texts = document.createTreeWalker(document.querySelector("main"), NodeFilter.SHOW_TEXT), broken = [];
    while (texts.nextNode()) {
        const text = texts.currentNode;
        if (text.parentElement.closest("svg, pre, code, .visually-hidden")) continue;
        for (const match of text.data.matchAll(new RegExp(pattern, "gu"))) {
            const range = document.createRange();
            range.setStart(text, match.index);
            range.setEnd(text, match.index + match[0].length);
            const lines = new Set([...range.getClientRects()].map((box) => Math.round(box.top)));
            if (lines.size > 1) broken.push(`${match[0]} in ${text.data}`);
        }
    }
    return broken;
}"""
DATE = r"\d{4}-\d\d-\d\d|\d{1,2}\s\p{L}{3,9}\s\d{4}"
WORD = r"\p{L}{2,12}"


@pytest.mark.parametrize("path", [*PATHS, "/integrity", "/policy", "/embed/leaderboard/overall"])
def test_no_line_ends_within_a_date_or_a_word_on_a_phone(visitor: Page, path: str) -> None:
    visitor.set_viewport_size({"width": 320, "height": 640})
    visitor.goto(path.format(today=datetime.now(UTC).date()))
    assert visitor.evaluate(BROKEN, f"{DATE}|{WORD}") == []


def test_periods_of_a_model_stand_below_each_other_on_a_phone(phone: Page) -> None:
    phone.goto(f"/models/{BEST}")
    cells = phone.locator(".stacked tbody tr").first.locator("th, td")
    places = cells.evaluate_all("(cells) => cells.map((cell) => cell.getBoundingClientRect().left)")
    assert len(places) == 7
    assert len(set(places)) == 1


def test_record_against_each_model_adds_up_on_a_phone(phone: Page) -> None:
    phone.goto(f"/models/{BEST}")
    rows = phone.get_by_role("region", name="Against each other model").locator("tbody tr").all()
    assert len(rows) == len(STRENGTHS) - 1
    for row in rows:
        wins, losses, share = map(
            int, re.findall(r"\d+", " ".join(row.locator("td:visible").all_inner_texts()))
        )
        ties, both_bad = map(int, re.findall(r"\d+", row.locator("th .facts:visible").inner_text()))
        half = (ties + both_bad) / 2
        assert share == round(100 * (wins + half) / (wins + losses + 2 * half))
    expect(phone.get_by_text("In the share won, a tie or both bad counts as half.")).to_be_visible()


def test_a_narrow_table_fills_its_frame(page: Page) -> None:
    page.goto(f"/models/{BEST}")
    frame = page.get_by_role("region", name="How its answers are written")
    assert frame.evaluate("(frame) => frame.clientWidth - frame.firstElementChild.offsetWidth") == 0


def expect_names(page: Page, expected: list[str]) -> None:
    """A click is over before the page that it leads to is read: wait for it."""
    expect(page.locator(".board tbody th a")).to_have_text(expected)


def test_sorting_and_filtering_by_links_and_a_form(page: Page) -> None:
    page.goto("/leaderboard")
    expect(page.locator(".board tbody th a")).to_have_count(len(STRENGTHS))
    page.get_by_role("link", name="Model", exact=True).click()
    expect(page).to_have_url(re.compile(r"\?sort=model$"))
    expect_names(page, sorted(STRENGTHS))
    expect(page.locator("th[aria-sort=ascending]")).to_have_text(re.compile("Model"))
    page.get_by_role("link", name=re.compile("^Model")).click()
    expect_names(page, sorted(STRENGTHS, reverse=True))
    page.get_by_text("Filter", exact=True).click()
    page.get_by_label("Licence").select_option("MIT")
    page.get_by_label("Name contains").fill("SEV")
    page.get_by_role("button", name="Apply").click()
    expect(page.get_by_text("No model on this board fits these filters")).to_be_visible()
    page.get_by_role("link", name="Clear the filters").click()
    expect(page.locator(".board tbody th a")).to_have_count(len(STRENGTHS))


def test_open_data_lists_releases_and_how_to_get_them(page: Page) -> None:
    page.goto("/leaderboard")
    page.get_by_role("contentinfo").get_by_role("link", name="Open data").click()
    rows = page.get_by_role("region", name="Releases").locator("tbody tr")
    expect(rows).to_have_count(2)
    expect(rows.nth(0)).to_contain_text("1.2 GB")
    expect(page.get_by_role("link", name="dataset repository")).to_have_attribute(
        "href", "https://huggingface.co/datasets/birds/arena/tree/2026-11"
    )
    expect(page.get_by_text("5,204 no consent, 12 private test").first).to_be_visible()
    page.get_by_text("2026-10 in detail").click()
    expect(page.get_by_text("not public yet")).to_be_visible()
    expect(page.locator("#get-release")).to_contain_text("curl -f --create-dirs -o 2026-11/SHA256SUMS http")


def test_from_board_to_board_and_view_to_view(page: Page) -> None:
    page.goto("/leaderboard")
    boards = page.get_by_role("navigation", name="Leaderboards")
    boards.get_by_role("link", name=re.compile("^Code")).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Code")
    expect(boards.get_by_role("link", name=re.compile("^Code"))).to_have_attribute("aria-current", "page")
    views = page.get_by_role("navigation", name="Views of this board")
    for name in ("Picture", "Pairs", "History"):
        views.get_by_role("link", name=name).click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Code")
        expect(page.locator("figure.plot").first.get_by_role("img").first).to_be_visible()
    page.get_by_role("button", name="Show what changed").click()
    expect(page.get_by_role("row").filter(has_text=NEWCOMER)).to_contain_text("New")


def test_two_models_are_compared_by_a_form(page: Page) -> None:
    page.goto("/leaderboard")
    page.get_by_role("link", name="Compare two").click()
    page.get_by_label("First model").select_option(BEST)
    page.get_by_label("Second model").select_option(THIRD)
    page.get_by_role("button", name="Compare").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(f"{BEST} or {THIRD}?")
    expect(page.get_by_text("In a vote on both")).to_contain_text("of the time")
    page.get_by_role("link", name="Math").click()
    expect(page).to_have_url(re.compile("board=math"))


def test_a_phone_chooses_the_board_from_a_list(phone: Page) -> None:
    phone.goto("/leaderboard?license=MIT")
    expect(phone.get_by_role("navigation", name="Leaderboards")).to_be_hidden()
    phone.get_by_label("Board", exact=True).select_option("math")
    phone.get_by_role("button", name="Show").click()
    expect(phone.get_by_role("heading", level=1)).to_have_text("Math")


def test_two_clicks_from_the_front_page_to_how_and_how_to_recompute(page: Page) -> None:
    page.goto("/")
    page.get_by_role("navigation", name="Site").get_by_role("link", name="Leaderboard").click()
    page.get_by_role("link", name="How the numbers are made").click()
    expect(page.get_by_role("heading", name="Methodology", level=1)).to_be_visible()
    page.go_back()
    page.get_by_role("link", name="Recompute them").click()
    expect(page.get_by_text("arena leaderboard verify")).to_be_in_viewport()


def test_own_board_and_topic_without_script(phone: Page) -> None:
    cookie = Signer(FILLED_SECRET).cookie(SOMEBODY)
    phone.goto("/me/board")
    phone.context.add_cookies([{"name": COOKIE, "value": cookie, "url": phone.url}])
    phone.goto("/me/board")
    expect(phone.get_by_role("columnheader", name="Your place")).to_be_visible()
    phone.goto("/leaderboard")
    phone.get_by_role("link", name="Your topic").click()
    phone.get_by_label("Topic", exact=True).fill("python function")
    phone.get_by_role("button", name="Show").click()
    expect(phone.get_by_text("Effective number of votes")).to_be_visible()
    expect(phone.get_by_role("link", name=BEST)).to_be_visible()
