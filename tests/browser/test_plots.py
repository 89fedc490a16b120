"""The plots in a real browser: everything written stays inside and apart, in both themes, at both widths."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

from tests.browser.test_accessibility import RULES
from tests.unit.plots.gallery import figures, gallery

SLACK = 1.5  # pixels that a letter may lean over its box
APART = 3  # pixels at least between texts on one line
# Boxes of all that is written in the visible pictures, and of the pictures.
BOXES = """() => [...document.querySelectorAll("figure.plot")].map((figure) => {
  const box = ({ left, right, top, bottom }) => ({ left, right, top, bottom });
  const shown = [...figure.querySelectorAll("svg.plot-picture")].filter((svg) => svg.getClientRects().length);
  return {
    id: figure.id,
    pictures: shown.map((svg) => box(svg.getBoundingClientRect())),
    texts: shown.flatMap((svg) => [...svg.querySelectorAll("text")])
      .map((text) => ({ written: text.textContent, ...box(text.getBoundingClientRect()) })),
  };
})"""

SMALLEST = """() => Math.min(...[...document.querySelectorAll("svg.plot-picture")]
  .filter((svg) => svg.getClientRects().length)
  .flatMap((svg) => [...svg.querySelectorAll(".plot-tick, .plot-name, .plot-end-label")].map((text) =>
    parseFloat(getComputedStyle(text).fontSize) * svg.getBoundingClientRect().width / svg.viewBox.baseVal.width)))"""


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> str:
    page = tmp_path_factory.mktemp("plots") / "gallery.html"
    page.write_text(gallery(figures()), encoding="utf-8")
    return Path(page).as_uri()


@pytest.fixture(params=["light-320", "dark-320", "light-704", "dark-1280", "forced-1280"])
def viewer(request: pytest.FixtureRequest, browser: Browser, address: str) -> Iterator[Page]:
    """The gallery in one theme and width; it fails when the browser refuses a style or reports an error."""
    theme, width = request.param.split("-")
    context = browser.new_context(
        color_scheme="dark" if theme == "dark" else "light",
        forced_colors="active" if theme == "forced" else "none",
        viewport={"width": int(width), "height": 900},
        bypass_csp=False,
    )
    page, said = context.new_page(), []
    page.on("console", lambda message: said.append(message.text))
    page.goto(address)
    yield page
    context.close()
    assert said == []


def overlap(one: dict[str, float], other: dict[str, float]) -> bool:
    return (
        min(one["right"], other["right"]) - max(one["left"], other["left"]) > -APART
        # Line boxes are higher than letters.
        and min(one["bottom"], other["bottom"]) - max(one["top"], other["top"]) > 4 * SLACK
    )


def test_everything_written_is_readable(viewer: Page) -> None:
    """Inside, apart, and not too small after scaling; only numbers in cells may be smaller."""
    assert viewer.evaluate(SMALLEST) >= 9
    width = viewer.viewport_size["width"] if viewer.viewport_size else 0
    assert viewer.evaluate("document.documentElement.scrollWidth") <= width
    figures = viewer.evaluate(BOXES)
    assert len(figures) > 10
    for figure in figures:
        texts = figure["texts"]
        if figure["id"] == "nothing":
            assert figure["pictures"] == texts == []
            continue
        (picture,) = figure["pictures"]
        outside = [
            text["written"]
            for text in texts
            if text["left"] < picture["left"] - SLACK or text["right"] > picture["right"] + SLACK
        ]
        assert outside == [], figure["id"]
        touching = [
            (one["written"], other["written"])
            for place, one in enumerate(texts)
            for other in texts[place + 1 :]
            if overlap(one, other)
        ]
        assert touching == [], figure["id"]


@pytest.mark.parametrize(("theme", "width"), [("light", 1280), ("dark", 320)])
def test_plots_are_accessible(browser: Browser, address: str, theme: str, width: int) -> None:
    context = browser.new_context(
        color_scheme=theme,  # type: ignore[arg-type]
        viewport={"width": width, "height": 900},
        bypass_csp=True,  # axe has to bring its own script
    )
    page = context.new_page()
    page.goto(address)
    page.locator("#bars summary").click()
    results = Axe().run(page, options=RULES)
    assert results.violations_count == 0, results.generate_report()
    context.close()


def test_paper_shows_dark_letters_even_from_the_dark_theme(browser: Browser, address: str) -> None:
    context = browser.new_context(color_scheme="dark")
    page = context.new_page()
    page.goto(address)
    colour = "() => getComputedStyle(document.querySelector('#bars .plot-name')).fill"
    assert page.evaluate(colour) == "rgb(232, 234, 237)"
    page.emulate_media(media="print")
    assert page.evaluate(colour) == "rgb(29, 33, 39)"
    context.close()
