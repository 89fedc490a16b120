"""Dots, whiskers and ranks of a board stand where the numbers say."""

import pytest

from arena.web.plots.figure import LAYOUTS
from arena.web.plots.ratings import RatedModel, RatingsPlot, draw_ratings
from tests.unit.plots.drawn import COMPACT, WIDE, number, of_class, picture, points, rows, texts
from tests.unit.plots.examples import rated_models

MODELS = [
    RatedModel(model="heron", rating=1200, lower=1180, upper=1220, rank_lower=1, rank_upper=1),
    RatedModel(model="wren", rating=1000, lower=960, upper=1040, rank_lower=2, rank_upper=3, controlled=1100),
    RatedModel(model="tern", rating=900, lower=100, upper=980, rank_lower=2, rank_upper=3, preliminary=True),
    RatedModel(model="lark", rating=None),
]
PLOT = RatingsPlot(id="board", title="Board", models=MODELS)


@pytest.mark.parametrize("which", [WIDE, COMPACT])
def test_whiskers_end_where_the_intervals_do(which: int) -> None:
    """Two known points, the dots of the first two models, fix the scale; the ends must lie on it."""
    drawn = rows(picture(draw_ratings(PLOT), which))
    dots = {name: number(of_class(row, "plot-dot")[0], "cx") for name, row in drawn.items()}
    pixels = (dots["heron"] - dots["wren"]) / 200
    assert pixels > 0
    for model in MODELS[:2]:
        line, *caps = of_class(drawn[model.model], "plot-whisker")
        ends = [dots["heron"] + (end - 1200) * pixels for end in (model.lower, model.upper)]
        assert [number(line, "x1"), number(line, "x2")] == pytest.approx(ends, abs=0.02)
        assert [number(cap, "x1") for cap in caps] == pytest.approx(ends, abs=0.02)
    diamond = points(of_class(drawn["wren"], "plot-controlled")[0].get("d", ""))[0]
    assert diamond[1][0] == pytest.approx(dots["heron"] - 100 * pixels, abs=0.02)
    change = of_class(drawn["wren"], "plot-change")[0]
    assert (number(change, "x1"), number(change, "x2")) == (dots["wren"], diamond[1][0])


def test_rows_stand_in_board_order() -> None:
    heights = [number(it, "cy") for it in of_class(picture(draw_ratings(PLOT)), "plot-dot")]
    assert len(heights) == 3
    assert heights == sorted(heights)


def test_preliminary_models_are_hollow_and_may_leave_the_scale() -> None:
    drawn = rows(picture(draw_ratings(PLOT)))
    assert [name for name, row in drawn.items() if of_class(row, "plot-hollow")] == ["tern"]
    line, arrow, cap = of_class(drawn["tern"], "plot-whisker")
    tip = points(arrow.get("d", ""))[0][1]
    assert tip[0] == number(line, "x1") < number(of_class(drawn["tern"], "plot-dot")[0], "cx")
    assert cap.tag == "line"


def test_a_board_of_preliminary_models_alone_shows_whole_intervals() -> None:
    drawn = picture(draw_ratings(RatingsPlot(id="board", title="Board", models=[MODELS[2]])))
    assert [it.tag for it in of_class(drawn, "plot-whisker")] == ["line", "line", "line"]


def test_ratings_and_ranks_stand_beside_the_rows() -> None:
    drawn = rows(picture(draw_ratings(PLOT)))
    assert list(texts(drawn["heron"])) == ["heron", "1200", "1"]
    assert list(texts(drawn["wren"])) == ["wren", "1000", "2–3"]


def test_the_table_holds_the_same_numbers_and_the_unrated() -> None:
    table = draw_ratings(PLOT).table
    assert [column.label for column in table.columns] == [
        "Model", "Rating", "95% interval", "Rank", "With style control", "Change"
    ]  # fmt: skip
    assert table.rows == (
        ("heron", "1200", "1180 to 1220", "1", "–", "–"),
        ("wren", "1000", "960 to 1040", "2–3", "1100", "+100"),
        ("tern (preliminary)", "900", "100 to 980", "2–3", "–", "–"),
        ("lark", "–", "–", "–", "–", "–"),
    )


def test_the_change_is_that_between_the_whole_numbers_shown() -> None:
    model = RatedModel(model="heron", rating=1007.4, controlled=1009.6)
    assert draw_ratings(RatingsPlot(id="board", title="Board", models=[model])).table.rows[0][-3:] == (
        "–", "1010", "+3"
    )  # fmt: skip


def test_without_style_control_there_is_no_column_for_it() -> None:
    figure = draw_ratings(RatingsPlot(id="board", title="Board", models=[MODELS[0]]))
    assert all("." not in (it.text or "") for it in of_class(picture(figure), "plot-tick"))
    assert figure.table.rows == (("heron", "1200", "1180 to 1220", "1"),)
    assert [key.text for key in figure.legend] == ["Rating", "95% interval"]


def test_the_legend_names_what_is_drawn() -> None:
    assert [key.text for key in draw_ratings(PLOT).legend] == [
        "Rating", "95% interval", "Preliminary: too few votes to rely on", "With style control"
    ]  # fmt: skip


def test_a_board_without_ratings_says_so() -> None:
    figure = draw_ratings(RatingsPlot(id="board", title="Board", models=[MODELS[3]]))
    assert (figure.pictures, figure.nothing) == ("", "No model is rated yet.")
    assert figure.table.rows == (("lark", "–", "–", "–"),)


def test_the_height_grows_with_the_models_and_names_fit() -> None:
    heights = []
    for count in (20, 50, 200):
        drawn = picture(draw_ratings(RatingsPlot(id="board", title="Board", models=rated_models(count))))
        heights.append(number(drawn, "height"))
        assert len(of_class(drawn, "plot-dot")) == count
        assert number(of_class(drawn, "plot-dot")[-1], "cy") < heights[-1]
    assert heights == sorted(heights)
    assert LAYOUTS[0].width == 760
