"""Cells of the matrix have the colour of their share, mirrored at the diagonal, at every size."""

import re
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arena.web.plots.pair_matrix import Pair, PairMatrixPlot, colour_of, draw_pair_matrix
from tests.unit.plots.drawn import COMPACT, WIDE, number, of_class, picture, texts
from tests.unit.plots.examples import pair_matrix_plot

PAIRS = [
    Pair(model_a="heron", model_b="wren", win_rate=0.62, votes=200),
    Pair(model_a="heron", model_b="tern", win_rate=0.97, votes=1),
    Pair(model_a="wren", model_b="tern", win_rate=0.5, votes=0),
]
PLOT = PairMatrixPlot(id="pairs", title="Pairs", models=["heron", "wren", "tern"], pairs=PAIRS)


@pytest.mark.parametrize(
    ("share", "colour"),
    [
        (0.5, 0),
        (0.549, 0),
        (0.55, 1),
        (0.45, -1),
        (0.6, 2),
        (0.4, -2),
        (0.7, 3),
        (0.89, 4),
        (0.9, 5),
        (1, 5),
        (0, -5),
    ],
)
def test_colours_change_at_round_shares(share: float, colour: int) -> None:
    assert colour_of(share) == colour


@given(st.floats(0, 1))
def test_colours_are_mirrored(share: float) -> None:
    assert colour_of(1 - share) == -colour_of(share)


def test_every_voted_pair_is_two_cells_with_both_shares() -> None:
    drawn = picture(draw_pair_matrix(PLOT))
    told = {
        it.findtext("title"): "".join(texts(it))
        for it in of_class(drawn, "plot-cell")
        if it.findtext("title")
    }
    assert told == {
        "heron wins 62.0% of 200 votes with wren": "62",
        "wren wins 38.0% of 200 votes with heron": "38",
        "heron wins 97.0% of 1 vote with tern": "97",
        "tern wins 3.0% of 1 vote with heron": "3",
    }


def test_cells_stand_in_row_and_column() -> None:
    drawn = picture(draw_pair_matrix(PLOT))
    cells = {
        it.findtext("title", "")[:5]: it
        for it in of_class(drawn, "plot-cell")
        if it.find("title") is not None
    }
    rect = next(cells["heron"].iter("rect"))
    mirrored = next(cells["tern "].iter("rect"))
    assert (number(rect, "x"), number(rect, "y")) == (number(mirrored, "y"), number(mirrored, "x"))
    assert number(rect, "x") > number(rect, "y")


def test_pairs_without_votes_are_hatched() -> None:
    drawn = picture(draw_pair_matrix(PLOT))
    pattern = next(drawn.iter("pattern")).get("id")
    assert [it.get("fill") for it in drawn.iter("rect") if it.get("fill")] == [f"url(#{pattern})"] * 2


def cells_of_runs(drawn: object) -> dict[tuple[int, int], str]:
    """Row and column to class, read back from the paths of a large matrix."""
    cells = {}
    for it in of_class(drawn, "plot-runs")[0]:  # type: ignore[arg-type]
        for column, row, length in re.findall(r"M(\d+) (\d+)h(\d+)", it.get("d", "")):
            for offset in range(int(length)):
                assert (int(row), int(column) + offset) not in cells
                cells[int(row), int(column) + offset] = it.get("class", "")
    return cells


@pytest.mark.parametrize("which", [WIDE, COMPACT])
def test_a_large_matrix_holds_the_same_cells_as_paths(which: int) -> None:
    plot = pair_matrix_plot(60, met=0.4)
    cells = cells_of_runs(picture(draw_pair_matrix(plot), which))
    shares = {(pair.model_a, pair.model_b): pair.win_rate for pair in plot.pairs}
    assert len(cells) == 60 + 2 * len(plot.pairs)
    for a, b in combinations(range(60), 2):
        share = shares.get((plot.models[a], plot.models[b]))
        if share is None:
            assert (a, b) not in cells
            assert (b, a) not in cells
        else:
            colour = colour_of(share)
            names = {0: "plot-even"} | {it: f"plot-win-{it}" for it in range(1, 6)}
            names |= {-it: f"plot-loss-{it}" for it in range(1, 6)}
            assert (cells[a, b], cells[b, a]) == (names[colour], names[-colour])


def test_two_hundred_models_stay_small_and_labelled() -> None:
    figure = draw_pair_matrix(pair_matrix_plot(200))
    assert len(figure.pictures) < 600_000
    for which in (WIDE, COMPACT):
        labels = [it.text or "" for it in of_class(picture(figure, which), "plot-name")]
        assert 8 <= len(labels) <= 60
        assert labels[0].startswith("1 heron")
        assert labels[-1].startswith("200 ")


@pytest.mark.parametrize("longest", ["birds/heron-one", "demo-telegraph", "demo-telegraph-of-the-harbour"])
def test_names_of_a_small_matrix_take_the_room_that_its_cells_leave(longest: str) -> None:
    models = [longest, "wren"]
    pair = Pair(model_a=models[0], model_b=models[1], win_rate=0.6, votes=5)
    figure = draw_pair_matrix(PairMatrixPlot(id="pairs", title="Pairs", models=models, pairs=[pair]))
    names = [it.text for it in of_class(picture(figure), "plot-name")]
    assert names == [f"1 {longest}", "2 wren"]


def test_numbers_stand_in_the_cells_up_to_twenty_five_models() -> None:
    counts = [
        sum(
            len(list(texts(it)))
            for it in of_class(picture(draw_pair_matrix(pair_matrix_plot(count))), "plot-cell")
        )
        for count in (25, 26)
    ]
    assert counts == [2 * len(pair_matrix_plot(25).pairs), 0]


def test_the_table_holds_each_voted_pair_once() -> None:
    table = draw_pair_matrix(PLOT).table
    assert table.rows == (("heron", "wren", "62.0%", "200"), ("heron", "tern", "97.0%", "1"))
    assert table.note == ""


def test_the_table_of_a_large_matrix_is_of_the_first_models_and_says_so() -> None:
    plot = pair_matrix_plot(60, met=1.0)
    table = draw_pair_matrix(plot).table
    assert len(table.rows) == 25 * 24 // 2
    assert {row[0] for row in table.rows} | {row[1] for row in table.rows} == set(plot.models[:25])
    assert table.note == "The pairs of the first 25 models; the feed has all pairs."


def test_a_pair_of_a_model_outside_is_refused() -> None:
    with pytest.raises(ValueError, match="the pair of heron and finch: finch is not in the matrix"):
        draw_pair_matrix(
            PairMatrixPlot(
                id="pairs",
                title="Pairs",
                models=["heron"],
                pairs=[Pair(model_a="heron", model_b="finch", win_rate=0.5, votes=3)],
            )
        )


def test_what_is_no_win_rate_is_refused() -> None:
    pairs = [Pair(model_a="heron", model_b="wren", win_rate=62, votes=3)]
    with pytest.raises(ValueError, match="heron against wren has the win rate 62; it lies from 0 to 1"):
        draw_pair_matrix(PairMatrixPlot(id="pairs", title="Pairs", models=["heron", "wren"], pairs=pairs))


def test_a_matrix_without_votes_says_so() -> None:
    figure = draw_pair_matrix(PairMatrixPlot(id="pairs", title="Pairs", models=["heron", "wren"], pairs=[]))
    assert (figure.pictures, figure.table.rows) == ("", ())
