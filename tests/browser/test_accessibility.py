"""axe finds nothing on any page, in both themes, on a phone and on a desk."""

from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from tests.browser.test_reading import PATHS, start

RULES = {
    "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    "resultTypes": ["violations"],
}


@pytest.fixture(params=["light-320", "dark-320", "light-1280", "dark-1280"])
def visitor(request: pytest.FixtureRequest, browser: Browser, base_url: str) -> Iterator[Page]:
    """A page in one theme and width; axe has to bring its own script, which our policy forbids."""
    theme, width = request.param.split("-")
    context = browser.new_context(
        base_url=base_url,
        color_scheme=theme,
        viewport={"width": int(width), "height": 900},
        bypass_csp=True,
        reduced_motion="reduce",
    )
    yield context.new_page()
    context.close()


def assert_accessible(page: Page) -> None:
    results = Axe().run(page, options=RULES)
    assert results.violations_count == 0, f"{page.url}\n{results.generate_report()}"


def test_every_page_is_accessible(visitor: Page) -> None:
    start(visitor, "rich")
    assert_accessible(visitor)
    visitor.get_by_text("Say why").click()
    visitor.get_by_label("Clear", exact=True).check()
    assert_accessible(visitor)
    visitor.get_by_role("button", name="B is better").click()
    expect(visitor.locator("#reveal")).to_be_visible()
    assert_accessible(visitor)
    for path in PATHS:
        visitor.goto(path)
        assert_accessible(visitor)


def test_a_refused_prompt_is_accessible(visitor: Page) -> None:
    visitor.goto("/")
    visitor.get_by_role("button", name="Ask both models").click()
    expect(visitor.get_by_role("alert")).to_contain_text("Empty prompt")
    assert_accessible(visitor)
