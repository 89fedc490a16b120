"""axe finds nothing on any page, in both themes, on a phone and on a desk."""

from collections.abc import Iterator
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from tests.browser.test_reading import PATHS, start

RULES: dict[str, Any] = {
    "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    "resultTypes": ["violations"],
}


CONTRAST = {"runOnly": {"type": "rule", "values": ["color-contrast"]}, "resultTypes": ["violations"]}
# Of these four a theme changes only the colours: the structure is looked at once at each width.
LOOKS = (("light", 320, RULES), ("dark", 320, CONTRAST), ("dark", 1280, RULES), ("light", 1280, CONTRAST))


@pytest.fixture
def visitor(browser: Browser, base_url: str) -> Iterator[Page]:
    """A page for axe, which has to bring its own script: our policy forbids that."""
    context = browser.new_context(base_url=base_url, bypass_csp=True, reduced_motion="reduce")
    yield context.new_page()
    context.close()


def assert_accessible(page: Page, rules: dict[str, Any] = RULES) -> None:
    results = Axe().run(page, options=rules)
    assert results.violations_count == 0, f"{page.url}\n{results.generate_report()}"


def assert_accessible_in_every_look(page: Page) -> None:
    for theme, width, rules in LOOKS:
        page.emulate_media(color_scheme=theme)
        page.set_viewport_size({"width": width, "height": 900})
        page.evaluate("() => new Promise(requestAnimationFrame)")  # scripts hear of the new size before that
        overhang = page.evaluate("() => document.documentElement.scrollWidth - window.innerWidth")
        assert overhang <= 0, f"{page.url} scrolls sideways at {width} pixels"
        assert_accessible(page, rules)


def test_a_battle_is_accessible_until_its_reveal(visitor: Page) -> None:
    start(visitor, "rich")
    assert_accessible_in_every_look(visitor)
    visitor.get_by_text("Say why").click()
    visitor.get_by_label("Clear", exact=True).check()
    assert_accessible_in_every_look(visitor)
    visitor.get_by_role("button", name="B is better").click()
    expect(visitor.locator("#reveal")).to_be_visible()
    assert_accessible_in_every_look(visitor)
    visitor.goto("/me")
    assert_accessible_in_every_look(visitor)


@pytest.mark.parametrize("path", PATHS)
def test_every_page_is_accessible(visitor: Page, path: str) -> None:
    visitor.goto(path)
    assert_accessible_in_every_look(visitor)


def test_a_refused_prompt_is_accessible(visitor: Page) -> None:
    visitor.goto("/")
    visitor.get_by_role("button", name="Ask both models").click()
    expect(visitor.get_by_role("alert")).to_contain_text("Empty prompt")
    assert_accessible_in_every_look(visitor)
