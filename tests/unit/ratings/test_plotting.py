import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from ratings import InvalidComparisonsError, InvalidOptionError, leaderboard
from ratings.plotting import plot_ratings
from tests.unit.ratings.tables import battles, random_battles

ROOT = Path(__file__).parents[3]


def board(models: int = 6) -> pd.DataFrame:
    return leaderboard(random_battles(80, models=models, rows=40 * models)).table


def test_svg_names_every_model_and_gives_the_same_bytes(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    table = board()
    plot_ratings(table, tmp_path / "a.svg", title="Fruit & roots", caption="95 % intervals")
    plot_ratings(table, tmp_path / "b.svg", title="Fruit & roots", caption="95 % intervals")
    first = (tmp_path / "a.svg").read_text()
    assert first == (tmp_path / "b.svg").read_text()
    assert "<dc:date>" not in first
    for text in [*table.model, "Fruit &amp; roots", "95 % intervals", f"{table.rating[0]:.1f} ± "]:
        assert f"<!-- {text}" in first


def test_the_settings_of_the_user_change_nothing(tmp_path: Path) -> None:
    matplotlib = pytest.importorskip("matplotlib")
    plot_ratings(board(), tmp_path / "a.svg")
    with matplotlib.rc_context({"font.size": 20, "svg.hashsalt": "other", "lines.linewidth": 9}):
        plot_ratings(board(), tmp_path / "b.svg")
    assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.svg").read_bytes()
    assert "matplotlib.pyplot" not in sys.modules


def test_png_is_transparent_and_grows_with_the_models(tmp_path: Path) -> None:
    image = pytest.importorskip("matplotlib.image")
    plot_ratings(board(), tmp_path / "few.png")
    few = image.imread(tmp_path / "few.png")
    many_models = pd.concat([board()] * 10, ignore_index=True)
    plot_ratings(many_models, tmp_path / "many.png")
    many = image.imread(tmp_path / "many.png")
    assert few.shape[1] == many.shape[1] == 1200
    assert many.shape[0] - few.shape[0] == pytest.approx(54 * 0.21 * 150, abs=0.3 * 150)
    assert few[0, 0, 3] == 0
    assert (few[..., 3] > 0).mean() > 0.01


def test_a_wild_or_missing_interval_does_not_squeeze_the_others(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    table = board().assign(
        lower=lambda t: t.lower.where(t.index != 2), upper=lambda t: t.upper.where(t.index != 2)
    )
    table.loc[1, ["lower", "upper"]] = [-1e6, 1e6]
    table.loc[3, "model"] = "costs $5 or $6 " + "x" * 80
    plot_ratings(table, tmp_path / "a.svg")
    text = (tmp_path / "a.svg").read_text()
    assert "<!-- −1000000" not in text
    assert "<!-- 1000 -->" in text
    assert "<!-- costs $5 or $6 xxxx" in text
    assert "x" * 40 not in text


def test_models_without_a_rating_are_left_out(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    cycle = [("a", "b", "model_a"), ("b", "c", "model_a"), ("c", "a", "model_a"), ("top", "a", "model_a")]
    plot_ratings(leaderboard(battles(*cycle)).table, tmp_path / "a.svg")
    assert "<!-- a -->" in (tmp_path / "a.svg").read_text()
    assert "<!-- top -->" not in (tmp_path / "a.svg").read_text()
    with pytest.raises(InvalidComparisonsError, match="nothing to plot"):
        plot_ratings(leaderboard(battles(("a", "b", "model_a"))).table, tmp_path / "b.svg")


def test_another_ending_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidOptionError, match="does not end in .svg or .png"):
        plot_ratings(board(), tmp_path / "a.pdf")


def test_without_matplotlib_the_error_says_what_to_install(tmp_path: Path) -> None:
    program = (
        "import sys; sys.modules['matplotlib'] = None\n"
        "import pandas as pd, ratings.plotting as p\n"
        "table = pd.DataFrame({'model': ['a'], 'rating': [1.0], 'lower': [0.0], 'upper': [2.0]})\n"
        "try:\n    p.plot_ratings(table, 'a.svg')\n"
        "except p.InvalidOptionError as error:\n    print(error)\n"
    )
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=ROOT)
    assert "Plots need the package matplotlib: pip install matplotlib" in run.stdout, run.stderr


def test_a_single_model_row_has_an_axis(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    table = pd.DataFrame({"model": ["a"], "rating": [1000.0], "lower": [np.nan], "upper": [np.nan]})
    plot_ratings(table, tmp_path / "a.svg")
    assert "<!-- 1000.0 -->" in (tmp_path / "a.svg").read_text()


def test_letters_that_the_font_lacks_make_one_note(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    names = {"m0": "\u4e2d\u6587", "m1": "\u6587\u5b57"}
    (note,) = plot_ratings(board().replace({"model": names}), tmp_path / "a.png")
    assert note == "The plot shows boxes for 3 letters that its font DejaVu Sans lacks."
    assert plot_ratings(board(), tmp_path / "b.png") == ()


def test_nothing_is_clipped_and_long_names_stay_different(tmp_path: Path) -> None:
    image = pytest.importorskip("matplotlib.image")
    table = board()
    names = {f"m{n}": "W" * 60 + f"-{n}-" + "M" * 60 for n in range(6)}
    table = table.replace({"model": names}).assign(rating=table.rating + 1e6, lower=0.0, upper=2e6)
    plot_ratings(table, tmp_path / "a.png", title="long " * 60, caption="a caption of many words " * 12)
    drawn = image.imread(tmp_path / "a.png")[..., 3] > 0
    assert not drawn[:, :6].any()
    assert not drawn[:, -6:].any()
    assert not drawn[-3:].any()
    plot_ratings(table, tmp_path / "a.svg")
    text = (tmp_path / "a.svg").read_text()
    assert all(f"<!-- …{n}-M" in text for n in range(6))
