"""What holds for every plot: well-formed, escaped, without style and script, the same bytes in every process."""

import hashlib
import os
import re
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from html.parser import HTMLParser
from itertools import product
from xml.etree import ElementTree

import numpy as np
import pytest

from arena.web.plots.figure import Figure, Plot
from arena.web.plots.pair_matrix import PairMatrixPlot, draw_pair_matrix
from arena.web.plots.ratings import draw_ratings
from arena.web.rendering import STATIC, TEMPLATES, environment
from tests.conftest import ROOT
from tests.unit.plots.drawn import picture
from tests.unit.plots.examples import HOSTILE, pair_matrix_plot, ratings_plot
from tests.unit.plots.gallery import figures, gallery, large_figures

FIGURES = figures() + large_figures()
DRAWN = [figure for figure in FIGURES if figure.pictures]
SHEET = (STATIC / "plots.css").read_text(encoding="utf-8")
READABLE = 4.5  # contrast of text, WCAG 2.2, 1.4.3
VISIBLE = 3.0  # contrast of what carries meaning, 1.4.11
by_id = pytest.mark.parametrize("figure", DRAWN, ids=lambda figure: figure.id)


def render(figure: Figure) -> str:
    return environment.get_template("_plot_figure.html").render(plot=figure)


@by_id
def test_pictures_are_well_formed_and_named(figure: Figure) -> None:
    for which in (0, 1):
        root = picture(figure, which)
        assert (root.tag, root.get("role")) == ("svg", "img")
        named = {it.get("id"): it.text for it in root if it.get("id")}
        title, description = (named[name] for name in root.get("aria-labelledby", "").split())
        assert title == figure.title
        assert description


@by_id
def test_pictures_have_no_style_script_or_address(figure: Figure) -> None:
    for which in (0, 1):
        for it in picture(figure, which).iter():
            assert it.tag not in ("style", "script", "a", "image", "foreignObject")
            assert not {name for name in it.attrib if name in ("style", "href") or name.startswith("on")}


@by_id
def test_coordinates_have_at_most_two_decimals(figure: Figure) -> None:
    for which in (0, 1):
        values = [
            value
            for it in picture(figure, which).iter()
            for name, value in it.attrib.items()
            if name not in ("class", "id", "transform", "aria-labelledby")
        ]
        assert [value for value in values if re.search(r"\.\d{3}|\bnan\b|\binf\b|\de-\d", value)] == []


def test_ids_are_unique_on_the_page() -> None:
    ids = Counter(re.findall(r'\bid="([^"]+)"', gallery(FIGURES)))
    assert {name: times for name, times in ids.items() if times > 1} == {}


def test_every_class_that_is_drawn_has_a_rule_and_every_rule_a_use() -> None:
    templates = "".join(path.read_text("utf-8") for path in TEMPLATES.glob("_plot_*.html"))
    drawn = templates + "".join(render(figure) for figure in FIGURES)
    used = {name for names in re.findall(r'class="([^"]+)"', drawn) for name in names.split()}
    used = {name for name in used if name.startswith("plot-")} - {"plot-row", "plot-name"}
    ruled = set(re.findall(r"\.(plot-[\w-]+)", SHEET)) - {"plot-row"}
    assert used - ruled == set()
    assert ruled - used - {f"plot-series-{it}" for it in range(1, 9)} == set()


class Cells(HTMLParser):
    """The cells of the tables of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.cells: list[str] = []
        self.inside = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in ("td", "th"):
            self.inside = True
            self.cells.append("")

    def handle_endtag(self, tag: str) -> None:
        self.inside = self.inside and tag not in ("td", "th")

    def handle_data(self, data: str) -> None:
        if self.inside:
            self.cells[-1] += data


@by_id
def test_the_table_stands_under_the_picture_whole(figure: Figure) -> None:
    page = render(figure)
    assert page.index("<svg") < page.index("<table")
    reader = Cells()
    reader.feed(page)
    heads = [column.label for column in figure.table.columns]
    assert reader.cells == [*heads, *(cell for row in figure.table.rows for cell in row)]
    assert all(len(row) == len(heads) for row in figure.table.rows)


def test_hostile_names_stay_text_everywhere() -> None:
    board, pairs = ratings_plot(3), pair_matrix_plot(3, met=1.0)
    names = [HOSTILE, *pairs.models[1:]]
    renamed = dict(zip(pairs.models, names, strict=True))
    hostile = [
        draw_ratings(
            replace(
                board,
                title=HOSTILE,
                about=HOSTILE,
                models=[replace(it, model=HOSTILE) for it in board.models],
            )
        ),
        draw_pair_matrix(
            PairMatrixPlot(
                id="pairs",
                title=HOSTILE,
                models=names,
                pairs=[
                    replace(it, model_a=renamed[it.model_a], model_b=renamed[it.model_b])
                    for it in pairs.pairs
                ],
            )
        ),
    ]
    for figure in hostile:
        assert "<script" not in render(figure)
        assert picture(figure).findtext("title", "").startswith("<script>alert(1)</script>")


@pytest.mark.parametrize("name", ["", "Ratings", "a b", "1st", 'x" onload="', "ä"])
def test_an_id_that_would_break_the_page_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="cannot be the id of a plot: use a to z, 0 to 9 and hyphens"):
        Plot(id=name, title="Plot")


def test_without_data_the_figure_says_so() -> None:
    page = render(next(figure for figure in FIGURES if not figure.pictures))
    assert "No model is rated yet." in page
    assert "<svg" not in page
    assert "<table" not in page


def test_the_same_data_give_the_same_bytes_in_every_process() -> None:
    code = "from tests.unit.plots.gallery import figures, gallery; import sys; sys.stdout.write(gallery(figures()))"
    pages = {
        hashlib.sha256(
            subprocess.run(
                [sys.executable, "-c", code],
                cwd=ROOT,
                env=os.environ | {"PYTHONHASHSEED": seed, "PYTHONIOENCODING": "utf-8:surrogatepass"},
                capture_output=True,
                check=True,
            ).stdout
        ).hexdigest()
        for seed in ("1", "2")
    }
    assert len(pages) == 1


# Colours


def colours(theme: int) -> dict[str, str]:
    """The variables of the site and the plots in one theme: 0 is light, 1 is dark."""
    sheets = (STATIC / "arena.css").read_text(encoding="utf-8") + SHEET
    pairs = re.findall(r"(--[\w-]+): light-dark\((#\w{6}), (#\w{6})\)", sheets)
    return {name: values[theme] for name, *values in pairs}


def linear_rgb(colour: str) -> np.ndarray:
    channels = np.array([int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)])
    return np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)


def contrast(one: str, other: str) -> float:
    low, high = sorted(float(linear_rgb(colour) @ (0.2126, 0.7152, 0.0722)) for colour in (one, other))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("theme", [0, 1])
def test_labels_of_lines_are_readable_on_paper_and_on_cards(theme: int) -> None:
    palette = colours(theme)
    for place, ground in product(range(1, 9), ("--paper", "--surface")):
        assert contrast(palette[f"--plot-series-{place}"], palette[ground]) >= READABLE, (place, ground)


@pytest.mark.parametrize("theme", [0, 1])
def test_numbers_in_cells_are_readable(theme: int) -> None:
    palette = colours(theme)
    for side, strength in product(("win", "loss"), range(1, 6)):
        ink = palette["--plot-on-strong" if strength > 3 else "--ink"]
        assert contrast(ink, palette[f"--plot-{side}-{strength}"]) >= READABLE, (side, strength)
    assert contrast(palette["--ink"], palette["--plot-even"]) >= READABLE


# Linear RGB as eyes without one kind of cone see it (Machado, Oliveira and Fernandes 2009, severity 1).
BLINDNESS = {
    "protanopia": (
        (0.152286, 1.052583, -0.204868),
        (0.114503, 0.786281, 0.099216),
        (-0.003882, -0.048116, 1.051998),
    ),
    "deuteranopia": (
        (0.367322, 0.860646, -0.227968),
        (0.280085, 0.672501, 0.047413),
        (-0.01182, 0.04294, 0.968881),
    ),
}
TO_XYZ = ((0.4124, 0.3576, 0.1805), (0.2126, 0.7152, 0.0722), (0.0193, 0.1192, 0.9505))
WHITE = (0.9505, 1.0, 1.089)
PLAIN = 12.0  # a CIE76 distance that nobody overlooks; 2.3 can just be seen


def seen(colour: str, blindness: str) -> np.ndarray:
    """A colour in CIELAB as such eyes see it."""
    linear = np.clip(np.array(BLINDNESS[blindness]) @ linear_rgb(colour), 0, 1)
    x, y, z = np.cbrt(np.maximum(np.array(TO_XYZ) @ linear / WHITE, 0.008856))
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


@pytest.mark.parametrize("theme", [0, 1])
@pytest.mark.parametrize("blindness", list(BLINDNESS))
def test_wins_and_losses_differ_for_colour_blind_eyes(theme: int, blindness: str) -> None:
    palette = colours(theme)
    pairs = [(f"--plot-win-{it}", f"--plot-loss-{it}") for it in range(1, 6)] + [
        ("--plot-wins", "--plot-losses")
    ]
    for win, loss in pairs:
        distance = np.linalg.norm(seen(palette[win], blindness) - seen(palette[loss], blindness))
        assert distance > PLAIN, (win, distance)


@pytest.mark.parametrize("theme", [0, 1])
def test_the_further_from_even_the_more_a_cell_stands_out(theme: int) -> None:
    palette = colours(theme)
    for side in ("win", "loss"):
        steps = [palette["--plot-even"], *(palette[f"--plot-{side}-{it}"] for it in range(1, 6))]
        outstanding = [contrast(step, palette["--paper"]) for step in steps]
        assert outstanding == sorted(outstanding)


@pytest.mark.parametrize("theme", [0, 1])
@pytest.mark.parametrize("name", ["--accent", "--alert", "--line-strong", "--plot-wins", "--plot-losses"])
def test_marks_are_visible_on_paper(theme: int, name: str) -> None:
    palette = colours(theme)
    assert contrast(palette[name], palette["--paper"]) >= VISIBLE


def test_pictures_parse_as_documents_too() -> None:
    """For whoever saves one: the markup is XML, not merely HTML."""
    for figure in DRAWN:
        ElementTree.fromstring(f"<div>{figure.pictures}</div>")
