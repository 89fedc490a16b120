"""A page with a plot of each kind, for eyes: `python -m tests.unit.plots.gallery PAGE.html`."""

import sys
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import quote

from arena.web.plots.badge import Badge, draw_badge
from arena.web.plots.bars import draw_bars
from arena.web.plots.convergence import draw_convergence
from arena.web.plots.figure import Figure
from arena.web.plots.history import draw_history
from arena.web.plots.pair_matrix import draw_pair_matrix
from arena.web.plots.ratings import RatingsPlot, draw_ratings
from arena.web.plots.stacked_days import draw_stacked_days
from arena.web.plots.win_loss_by_week import draw_win_loss_by_week
from arena.web.rendering import STATIC, environment
from tests.unit.plots import examples

PAGE = """\
<!doctype html>
<html lang="en" data-theme="{theme}">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'self' file:; img-src data:">
<title>Plots</title>{sheets}</head>
<body class="boards"><main><h1>Plots</h1>{figures}{badges}</main></body></html>
"""


def figures() -> list[Figure]:
    """A plot of each kind, in more than one size where size matters."""
    return [
        draw_ratings(examples.ratings_plot(24)),
        draw_ratings(examples.ratings_plot(12, controlled=True)),
        draw_history(examples.history_plot()),
        draw_history(examples.history_plot(14, models=5, highlighted=5)),
        draw_history(examples.history_plot(1, models=4, highlighted=3)),
        draw_convergence(examples.convergence_plot()),
        draw_pair_matrix(examples.pair_matrix_plot(8, met=0.8)),
        draw_pair_matrix(examples.pair_matrix_plot(25)),
        draw_win_loss_by_week(examples.win_loss_plot()),
        draw_win_loss_by_week(examples.win_loss_plot(5)),
        draw_bars(examples.bars_plot()),
        draw_stacked_days(examples.vote_days_plot()),
        draw_ratings(RatingsPlot(id="nothing", title="A board without ratings", models=[])),
    ]


def large_figures() -> list[Figure]:
    """As many models and days as a plot has to hold."""
    return [
        draw_stacked_days(examples.vote_days_plot(365)),
        draw_pair_matrix(examples.pair_matrix_plot(200, met=0.5)),
        draw_ratings(examples.ratings_plot(200)),
    ]


def badges() -> list[Badge]:
    """Settled, lopsided, preliminary and unrated."""
    known = {"model": "heron", "rating": 1287.3, "rank_lower": 1, "rank_upper": 3}
    return [
        Badge(**known, lower=1275.2, upper=1299.4),
        Badge(**known, lower=1270.0, upper=1301.0),
        Badge(**known, lower=1100.0, upper=1475.0, preliminary=True),
        Badge(model="wren", rating=None),
    ]


def gallery(shown: Iterable[Figure], theme: str = "auto") -> str:
    """A page of plots, with the style sheets of the site and their policy."""
    template = environment.get_template("_plot_figure.html")
    sheets = "".join(
        f'<link rel="stylesheet" href="{(STATIC / name).as_uri()}">'
        for name in ("arena.css", "board.css", "plots.css")
    )
    return PAGE.format(
        theme=theme,
        sheets=sheets,
        figures="".join(template.render(plot=figure) for figure in shown),
        badges="".join(
            f'<p><img alt="" src="data:image/svg+xml,{quote(draw_badge(badge))}"></p>' for badge in badges()
        ),
    )


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(gallery(figures() + large_figures()), encoding="utf-8")
