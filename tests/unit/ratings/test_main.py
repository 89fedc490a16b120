import io
import json
import os
import pty
import subprocess
import sys
import time
from pathlib import Path
from uuid import UUID

import numpy as np
import pandas as pd
import pytest

from ratings import leaderboard
from ratings.__main__ import main
from ratings.progress import progress
from ratings.reading import read_votes
from ratings.simulate import simulate_battles, simulate_strengths
from tests.unit.ratings.tables import battles, random_battles

ROOT = Path(__file__).parents[3]
CYCLE = [("a", "b", "model_a"), ("b", "c", "model_a"), ("c", "a", "model_a")]
Printed = pytest.CaptureFixture[str]


@pytest.fixture
def votes(tmp_path: Path) -> Path:
    path = tmp_path / "votes.csv"
    battles(*CYCLE, ("top", "a", "model_a")).to_csv(path, index=False)
    return path


@pytest.fixture
def large(tmp_path: Path) -> Path:
    path = tmp_path / "large.parquet"
    rng = np.random.default_rng(90)
    strengths = {f"organisation/a-model-with-a-very-long-name-{n:02}-instruct": 0.4 * n for n in range(6)}
    table = simulate_battles(rng, strengths=strengths, battles=4000, dates=("2024-01-01", "2024-03-31"))
    table.to_parquet(path, index=False)
    return path


def run_module(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "ratings", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, cwd=ROOT)


def test_prints_a_table(votes: Path, capsys: Printed) -> None:
    assert main(["fit", str(votes)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("4 votes, 4 models; Bradley-Terry")
    header = [line.split() for line in lines].index(
        ["ranks", "model", "rating", "lower", "upper", "battles", "win_rate"]
    )
    assert lines[header + 1].split()[:3] == ["1-3", "a", "1000.0"]
    assert lines[header + 4].split() == ["-", "top", "-", "-", "-", "1", "1.000"]
    assert lines[-1] == "  top: never lost"


def test_the_table_fits_80_columns_and_keeps_the_ends_of_names(large: Path, capsys: Printed) -> None:
    assert main(["fit", str(large)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 80
    assert any("…" in line and "05-instruct" in line for line in lines)


def test_newcomers_that_widen_every_interval_are_told(large: Path, tmp_path: Path, capsys: Printed) -> None:
    table = pd.read_parquet(large)
    known = table.model_a.iloc[0]
    born = pd.DataFrame(
        {"model_a": ["born"] * 3, "model_b": [known] * 3, "winner": ["model_a", "tie", "model_b"]}
    )
    path = tmp_path / "born.csv"
    pd.concat([table[["model_a", "model_b", "winner"]], born]).to_csv(path, index=False)
    said = "born has fewer than 30 votes."
    assert main(["fit", str(path)]) == 0
    assert said in " ".join(capsys.readouterr().out.split())
    for arguments in ([str(path), "--anchor", f"{known}=1000"], [str(path), "--json"], [str(large)]):
        assert main(["fit", *arguments]) == 0
        assert "fewer than 30 votes" not in " ".join("".join(capsys.readouterr()).split())


def test_writes_the_board_as_json(votes: Path, tmp_path: Path, capsys: Printed) -> None:
    out = tmp_path / "board.json"
    assert main(["fit", str(votes), "--out", str(out), "--confidence", "0.9"]) == 0
    assert json.loads(out.read_text()) == leaderboard(read_votes(votes), confidence=0.9).as_dict()
    capsys.readouterr()
    assert main(["fit", str(votes), "--json", "--confidence", "0.9"]) == 0
    assert capsys.readouterr().out == out.read_text()


def test_notes_do_not_disturb_the_json(tmp_path: Path, capsys: Printed) -> None:
    rows = [(*row, True) for row in CYCLE] + [("a", "b", "tie", False)]
    table = pd.DataFrame(rows, columns=["left", "right", "winner", "anony"])
    table.to_csv(tmp_path / "v.csv", index=False)
    assert main(["fit", str(tmp_path / "v.csv"), "--json"]) == 0
    printed = capsys.readouterr()
    assert json.loads(printed.out)["votes"] == 3
    assert "left out 1 votes with anony = false" in printed.err
    assert main(["fit", str(tmp_path / "v.csv"), "--include-named"]) == 0
    assert "4 votes, 3 models" in capsys.readouterr().out


def test_csv_and_json_lines_give_the_same_board(tmp_path: Path) -> None:
    table = random_battles(70).replace({"model_a": {"m0": "NA"}, "model_b": {"m0": "NA"}})
    table.to_csv(tmp_path / "votes.csv", index=False)
    table.to_json(tmp_path / "votes.jsonl", orient="records", lines=True)
    boards = [leaderboard(read_votes(tmp_path / name)).as_dict() for name in ("votes.csv", "votes.jsonl")]
    # Voters are numbers in one file and text in the other: their order may move the last bits.
    assert boards[0]["entries"] == boards[1]["entries"]
    assert "NA" in [entry["model"] for entry in boards[0]["entries"]]


def test_clusters_by_any_column_or_none(large: Path, tmp_path: Path, capsys: Printed) -> None:
    table = pd.read_parquet(large).rename(columns={"voter": "prompt"})
    table.to_csv(tmp_path / "v.csv", index=False)
    for option, text in (
        ("prompt", "clustered by prompt"),
        ("none", "independent votes"),
        ("voter", "independent"),
    ):
        assert main(["fit", str(tmp_path / "v.csv"), "--cluster", option]) == 0
        assert text in " ".join(capsys.readouterr().out.split())
    assert main(["fit", str(tmp_path / "v.csv"), "--cluster", "user"]) == 2
    assert "There is no column user" in capsys.readouterr().err


def test_maps_columns(tmp_path: Path, capsys: Printed) -> None:
    pd.DataFrame(CYCLE, columns=["first", "second", "choice"]).to_csv(tmp_path / "v.csv", index=False)
    assert main(["fit", str(tmp_path / "v.csv")]) == 2
    assert "--columns model_a=COLUMN,model_b=COLUMN,winner=COLUMN" in capsys.readouterr().err
    mapping = "model_a=first,model_b=second,winner=choice"
    assert main(["fit", str(tmp_path / "v.csv"), "--columns", mapping]) == 0
    assert "3 votes, 3 models" in capsys.readouterr().out


def test_history_by_month(large: Path, tmp_path: Path, capsys: Printed) -> None:
    out = tmp_path / "board.json"
    assert main(["fit", str(large), "--history", "month", "--out", str(out)]) == 0
    text = capsys.readouterr().out
    assert "Ratings, ties as half wins, at the end of the last 3 of 3 months with votes" in text
    document = json.loads(out.read_text())
    newest = {row["model"]: row["rating"] for row in document["history"] if row["date"].startswith("2024-03")}
    assert newest == pytest.approx({row["model"]: row["rating"] for row in document["entries"]}, abs=1e-5)
    assert main(["fit", str(large), "--history", "month", "--columns", "date=winner"]) == 2
    assert "is no date" in capsys.readouterr().err


def test_history_without_dates_says_how_to_map_them(votes: Path, capsys: Printed) -> None:
    assert main(["fit", str(votes), "--history", "day"]) == 2
    assert "--columns date=COLUMN" in capsys.readouterr().err


@pytest.fixture
def styled(tmp_path: Path) -> Path:
    rng = np.random.default_rng(92)
    strengths = {f"m{n}": 0.3 * n for n in range(5)}
    table = simulate_battles(rng, strengths=strengths, battles=3000, style={"tokens": 0.4, "emoji": 0.0})
    table.to_parquet(tmp_path / "styled.parquet", index=False)
    return tmp_path / "styled.parquet"


def test_controls_for_style(styled: Path, capsys: Printed) -> None:
    assert main(["fit", str(styled), "--style", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["method"]["parameters"]["style"] == ["tokens"]
    assert document["entries"] == leaderboard(read_votes(styled), style=["tokens"]).as_dict()["entries"]
    assert main(["fit", str(styled), "--features", "emoji,tokens", "--side-bias"]) == 0
    text = capsys.readouterr().out
    assert "at equal emoji and tokens and side" in " ".join(text.split())
    lines = text.splitlines()
    start = next(place for place, line in enumerate(lines) if line.startswith("effect"))
    effects = [line.split()[:2] for line in lines[start + 1 :]]
    assert [name for name, _ in effects] == ["emoji", "tokens", "side_bias"]
    assert float(effects[1][1]) == pytest.approx(0.4, abs=0.12)
    assert main(["fit", str(styled), "--features", "headers"]) == 2
    assert "no columns for the feature headers; found features: emoji, tokens" in capsys.readouterr().err


def test_style_without_features_says_what_is_needed(votes: Path, capsys: Printed) -> None:
    assert main(["fit", str(votes), "--style"]) == 2
    assert (
        "--style needs columns such as tokens_a and tokens_b; found features: none" in capsys.readouterr().err
    )


@pytest.mark.parametrize("ties", ["rao-kupper", "davidson", "grounded"])
def test_models_of_ties_anchors_and_ranks(ties: str, styled: Path, capsys: Printed) -> None:
    arguments = ["--ties", ties, "--anchor", "m2=1200", "--ranks", "intervals", "--json"]
    assert main(["fit", str(styled), *arguments]) == 0
    document = json.loads(capsys.readouterr().out)
    table = read_votes(styled)
    expected = leaderboard(table, ties=ties, anchor=("m2", 1200), ranks="intervals")  # type: ignore[arg-type]
    assert document["entries"] == expected.as_dict()["entries"]
    assert {row["model"]: row["rating"] for row in document["entries"]}["m2"] == pytest.approx(1200)


@pytest.mark.parametrize("kind", ["int64", "float64"])
def test_models_may_be_whole_numbers(kind: str, tmp_path: Path, capsys: Printed) -> None:
    table = simulate_battles(
        np.random.default_rng(3), strengths={f"{n}": 0.5 * n for n in (-1, 0, 12)}, battles=600
    ).astype({"model_a": "int64", "model_b": "int64"})
    table["date"] = pd.Timestamp("2026-11-01")
    table["winner"] = table.winner.astype("str")
    path = tmp_path / "votes.parquet"
    table.astype({"model_a": kind, "model_b": kind}).to_parquet(path, index=False)
    for options in ([], ["--in-parts"], ["--history", "month"]):
        assert main(["fit", str(path), "--anchor=-1=1114", "--json", *options]) == 0
        document = json.loads(capsys.readouterr().out)
        for rows in (document["entries"], document.get("history", document["entries"])):
            assert {row["model"]: row["rating"] for row in rows}[-1] == pytest.approx(1114)
    assert main(["plan", str(path), "--models", "12", "0", "--json"]) == 0
    (pair,) = json.loads(capsys.readouterr().out)["pairs"]
    assert (pair["better"], pair["worse"]) == (12, 0)
    assert main(["fit", str(path), "--anchor", "7=1114"]) == 2
    assert "The anchor '7' has no rating" in capsys.readouterr().err


def test_names_that_are_no_text_are_written_as_text(tmp_path: Path, capsys: Printed) -> None:
    table = simulate_battles(
        np.random.default_rng(3), strengths={str(UUID(int=n)): 0.5 * n for n in range(3)}, battles=600
    )
    sides = {name: table[name].astype("str").map(UUID) for name in ("model_a", "model_b")}
    table = table.assign(**sides, winner=table.winner.astype("str"))
    for name in ("a", "b"):
        table.to_parquet(tmp_path / f"{name}.parquet", index=False)
    first, second = (str(tmp_path / name) for name in ("a.parquet", "b.parquet"))
    for arguments in (
        ["fit", first, "--anchor", f"{UUID(int=1)}=1000"],
        ["plan", first, "--models", str(UUID(int=1)), str(UUID(int=2))],
        ["compare", first, second],
    ):
        assert main([*arguments, "--json"]) == 0
        assert str(UUID(int=1)) in capsys.readouterr().out
        assert main(arguments) == 0
        capsys.readouterr()


def test_history_keeps_the_anchor(large: Path, capsys: Printed) -> None:
    name = "organisation/a-model-with-a-very-long-name-02-instruct"
    assert main(["fit", str(large), "--history", "month", "--anchor", f"{name}=1114", "--json"]) == 0
    history = json.loads(capsys.readouterr().out)["history"]
    assert [row["rating"] for row in history if row["model"] == name] == pytest.approx([1114] * 3)


def test_rates_in_parts_what_it_rates_at_once(
    styled: Path, large: Path, votes: Path, tmp_path: Path, capsys: Printed
) -> None:
    table = read_votes(styled)
    path = tmp_path / "styled.parquet"
    table.astype({name: "str" for name in ("model_a", "model_b", "winner")}).to_parquet(path, index=False)
    for options in ([], ["--style"], ["--style", "--cluster", "none"]):
        boards = []
        for parts in ([], ["--in-parts"]):
            assert main(["fit", str(path), "--json", *options, *parts]) == 0
            boards.append(json.loads(capsys.readouterr().out))
        assert boards[0]["method"] == boards[1]["method"]
        ratings = [[entry["rating"] for entry in board["entries"]] for board in boards]
        np.testing.assert_allclose(ratings[0], ratings[1], atol=2e-6)
    assert main(["fit", str(large), "--in-parts", "--history", "month"]) == 2
    assert "leave out the other option" in capsys.readouterr().err
    assert main(["fit", str(votes), "--in-parts"]) == 2
    assert "cannot be read as Parquet" in capsys.readouterr().err


def test_plots_the_board(large: Path, tmp_path: Path, capsys: Printed) -> None:
    pytest.importorskip("matplotlib")
    assert main(["fit", str(large), "--plot", str(tmp_path / "board.svg")]) == 0
    assert "<!-- large.parquet -->" in (tmp_path / "board.svg").read_text()
    assert main(["fit", str(large), "--plot", str(tmp_path / "board.gif")]) == 2
    assert "does not end in .svg or .png" in capsys.readouterr().err


def test_compares_two_files(tmp_path: Path, capsys: Printed) -> None:
    rng = np.random.default_rng(91)
    strengths = simulate_strengths(rng, models=5)
    simulate_battles(rng, strengths=strengths, battles=3000).to_csv(tmp_path / "a.csv", index=False)
    changed = {**strengths, "model-000": strengths["model-000"] + 1, "new": 0.0}
    simulate_battles(rng, strengths=changed, battles=4000).to_csv(tmp_path / "b.csv", index=False)
    paths = [str(tmp_path / name) for name in ("a.csv", "b.csv")]
    assert main(["compare", *paths]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 80
    assert "3,000 votes, clustered by voter" in lines[0]
    (line,) = (line for line in lines if " model-000 " in line)
    assert line.endswith("*")
    assert lines[-2:] == ["Rated only in the second:", "  new"]
    assert main(["compare", *paths, "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["only_second"] == ["new"]
    assert max(document["models"], key=lambda row: abs(row["difference"]))["model"] == "model-000"


def test_plans_without_votes(capsys: Printed) -> None:
    assert main(["plan", "--difference", "10", "--board", "100"]) == 0
    text = capsys.readouterr().out
    assert "6,161  votes between the two" in text
    assert "609,917  votes in all on a board of 100 models" in text
    assert main(["plan", "--difference", "10", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["direct_votes_needed"] == 6161
    assert main(["plan", "--top", "3"]) == 2
    assert "A plan starts from a file of votes, or from --difference POINTS" in capsys.readouterr().err
    assert main(["plan", "--difference", "0"]) == 2
    assert main(["plan", "--difference", "1e-200"]) == 2
    assert "takes more than 1e+15 votes" in capsys.readouterr().err


def test_plans_from_votes(large: Path, capsys: Printed) -> None:
    names = [f"organisation/a-model-with-a-very-long-name-{n:02}-instruct" for n in (1, 0)]
    for options in (["--top", "3"], ["--difference", "15"], ["--models", *names]):
        assert main(["plan", str(large), *options]) == 0
        lines = capsys.readouterr().out.splitlines()
        assert max(map(len, lines)) <= 80
        assert "4,000 votes" in " ".join(lines)
    assert main(["plan", str(large), "--models", *names, "--json"]) == 0
    (pair,) = json.loads(capsys.readouterr().out)["pairs"]
    assert (pair["better"], pair["worse"]) == tuple(names)
    assert pair["separated"]
    assert main(["plan", str(large), "--models", "gpt", names[0]]) == 2
    assert "'gpt' has no rating on these votes" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        (
            "votes.csv",
            "model_a,model_b,winner\na,b,tie\na,b,draw\n",
            "row 1 (from 0): unknown winner label 'draw'",
        ),
        ("votes.csv", "model_a,model_b,winner\na,,tie\n", "row 0 (from 0): model_b is missing"),
        ("votes.csv", "", "cannot be read as csv"),
        ("votes.jsonl", "{broken\n", "cannot be read as jsonl"),
        ("votes.txt", "", "does not end in .csv"),
    ],
)
def test_bad_input_is_exit_status_2(
    name: str, content: str, message: str, tmp_path: Path, capsys: Printed
) -> None:
    path = tmp_path / name
    path.write_text(content)
    assert main(["fit", str(path)]) == 2
    printed = capsys.readouterr()
    assert message in printed.err
    assert printed.err.startswith("ratings: ")
    assert printed.out == ""


def test_a_missing_file_is_exit_status_2(tmp_path: Path, capsys: Printed) -> None:
    path = tmp_path / "none.csv"
    assert main(["fit", str(path)]) == 2
    assert capsys.readouterr().err == f"ratings: {path}: No such file or directory. Check the path.\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["fit"], "the following arguments are required: VOTES"),
        (["fit", "v.csv", "--anchor", "gpt-4"], "'gpt-4' is not NAME=RATING"),
        (["fit", "v.csv", "--anchor", "m=abc"], "'abc' in 'm=abc' is no number"),
        (["fit", "v.csv", "--anchor", "m=1e7"], "'1e7' in 'm=1e7' is no rating between -1000000 and 1000000"),
        (["fit", "v.csv", "--anchor", "m=nan"], "is no rating between"),
        (["fit", "v.csv", "--columns", "model_a"], "'model_a' is not OURS=THEIRS,..."),
        (["fit", "v.csv", "--features", ""], "'' is not a list of features such as tokens,bold"),
        (["fit", "v.csv", "--features", "tokens,"], "'tokens,' is not a list of features"),
        (["fit", "v.csv", "--cluster", " "], "' ' is not the name of a column; write none for independent"),
        (["plan", "--difference", "1", "--top", "3"], "not allowed with argument"),
    ],
)
def test_bad_arguments_are_exit_status_2(arguments: list[str], message: str, capsys: Printed) -> None:
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("ratings: ")
    assert message in line
    assert line.endswith(f"; see python -m ratings {arguments[0]} --help")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["fit", "V", "--history", "day", "--style"], "does not go with --style"),
        (["fit", "V", "--history", "day", "--features", "tokens"], "does not go with --features"),
        (["fit", "V", "--history", "day", "--side-bias"], "does not go with --side-bias"),
        (["fit", "V", "--history", "day", "--ties", "davidson"], "does not go with --ties davidson"),
        (["fit", "V", "--plot", "b.gif"], "does not end in .svg or .png"),
        (["fit", "V", "--plot", "b.svg", "--out", "./b.svg"], "--out and --plot both name b.svg"),
        (["fit", "V", "--out", "V"], "--out would overwrite the votes in"),
        (["fit", "FOLDER", "--out", "V"], "--out would overwrite the votes in"),
        (["fit", "V", "V"], "is given twice"),
        (["compare", "V", "V"], "is given twice: a comparison takes two sets"),
        (["plan", "V", "--tie-rate", "0.2"], "--tie-rate is for a plan without votes"),
        (["plan", "V", "--design-effect", "1"], "--design-effect is for a plan without votes"),
        (["plan", "V", "--board", "9"], "--board is for a plan without votes"),
        (["plan"], "A plan starts from a file of votes, or from --difference"),
        (["plan", "V", "--top", "0"], "top is 0"),
        (["compare", "V", "W", "--confidence", "0.5"], "it lies above 0.5 and below 1"),
        (["fit", "V", "--confidence", "0.9999999999"], "simultaneous ranks are simulated and reach 0.9999"),
    ],
)
def test_options_that_do_not_go_together(
    arguments: list[str], message: str, votes: Path, tmp_path: Path, capsys: Printed
) -> None:
    content = votes.read_bytes()
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "w.csv").write_bytes(content)
    places = {"V": votes, "FOLDER": tmp_path, "W": tmp_path / "other" / "w.csv"}
    assert main([str(places.get(argument, argument)) for argument in arguments]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert message in line
    assert line.endswith(f"See python -m ratings {arguments[0]} --help.")
    assert votes.read_bytes() == content


def test_plans_the_best_five_or_all_where_nothing_is_said(large: Path, votes: Path, capsys: Printed) -> None:
    for path, pairs in ((large, 5), (votes, 2)):
        assert main(["plan", str(path), "--json"]) == 0
        assert len(json.loads(capsys.readouterr().out)["pairs"]) == pairs


@pytest.mark.parametrize("command", ["fit", "plan"])
def test_no_votes_are_exit_status_2(command: str, tmp_path: Path, capsys: Printed) -> None:
    path = tmp_path / "v.csv"
    path.write_text("model_a,model_b,winner\n")
    assert main([command, str(path)]) == 2
    assert f"There are no votes in {path}." in capsys.readouterr().err
    path.write_text("model_a,model_b,winner,count\nx,y,tie,0\n")
    assert main([command, str(path)]) == 2
    assert f"There are no votes in {path}." in capsys.readouterr().err
    path.write_text("model_a,model_b,winner,anony\nx,y,tie,false\n")
    assert main([command, str(path)]) == 2
    assert "left out 1 votes with anony = false" in capsys.readouterr().err


def test_missing_voters_and_dates_are_named_with_their_file(tmp_path: Path, capsys: Printed) -> None:
    table = battles(*CYCLE).assign(voter=["u", None, "w"], date=["2024-05-31", "2024-05-31", None])
    table.to_csv(tmp_path / "v.csv", index=False)
    assert main(["fit", str(tmp_path / "v.csv")]) == 2
    assert "v.csv: row 1 (from 0): voter is missing" in capsys.readouterr().err
    arguments = ["fit", str(tmp_path / "v.csv"), "--cluster", "none"]
    assert main(arguments) == 0
    assert main([*arguments, "--history", "day"]) == 2
    assert "v.csv: row 2 (from 0): date is missing" in capsys.readouterr().err


def test_a_board_without_ratings_is_printed_and_then_the_plot_fails(tmp_path: Path, capsys: Printed) -> None:
    pytest.importorskip("matplotlib")
    battles(("x", "y", "model_a")).to_csv(tmp_path / "v.csv", index=False)
    assert main(["fit", str(tmp_path / "v.csv"), "--plot", str(tmp_path / "b.svg")]) == 2
    printed = capsys.readouterr()
    assert "x: never lost" in printed.out
    assert "nothing to plot" in printed.err
    assert not (tmp_path / "b.svg").exists()


def test_says_which_models_of_which_file_cannot_be_rated(
    votes: Path, tmp_path: Path, capsys: Printed
) -> None:
    battles(("x", "y", "model_a")).to_csv(tmp_path / "w.csv", index=False)
    assert main(["compare", str(votes), str(tmp_path / "w.csv")]) == 2
    assert "w.csv can be rated ('x': never lost; 'y': never won)" in capsys.readouterr().err
    assert main(["plan", str(tmp_path / "w.csv")]) == 2
    assert "can be rated ('x': never lost; 'y': never won)" in capsys.readouterr().err


def test_a_bad_cell_of_a_style_feature_is_an_error(tmp_path: Path, capsys: Printed) -> None:
    table = battles(*CYCLE).assign(tokens_a=["1", "2", "many"], tokens_b=["2", "3", "4"])
    table.to_csv(tmp_path / "v.csv", index=False)
    assert main(["fit", str(tmp_path / "v.csv"), "--style"]) == 2
    assert "v.csv: row 2 (from 0): tokens_a is 'many', not a number" in capsys.readouterr().err
    table.assign(tokens_a="few", tokens_b="many").to_csv(tmp_path / "v.csv", index=False)
    assert main(["fit", str(tmp_path / "v.csv"), "--style"]) == 2
    assert "none (" in (line := capsys.readouterr().err)
    assert "no style feature: row 0 (from 0): tokens_a is 'few'" in line


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ([], "mean 1000"),
        (["--anchor", "m2=1200"], "m2 at 1200"),
        (["--ties", "davidson"], "ties by Davidson (log nu = "),
        (["--ties", "grounded"], "1000 is the model's zero: even odds of not being called bad"),
    ],
)
def test_the_scale_is_named(options: list[str], message: str, styled: Path, capsys: Printed) -> None:
    assert main(["fit", str(styled), *options]) == 0
    assert message in " ".join(capsys.readouterr().out.split())


@pytest.mark.parametrize("command", [[], ["fit"], ["compare"], ["plan"]])
def test_help_has_examples(command: list[str], capsys: Printed) -> None:
    with pytest.raises(SystemExit) as caught:
        main([*command, "--help"])
    assert caught.value.code == 0
    assert "python -m ratings compare march.parquet april.parquet" in capsys.readouterr().out


def test_runs_as_a_module(votes: Path) -> None:
    run = run_module("fit", votes)
    assert run.returncode == 0, run.stderr
    assert run.stderr == ""
    assert "never lost" in run.stdout


def test_a_name_cannot_steer_the_terminal(tmp_path: Path, capsys: Printed) -> None:
    battles(*CYCLE, ("a\x1b[2Jz", "a", "model_a")).to_csv(tmp_path / "v.csv", index=False)
    assert main(["fit", str(tmp_path / "v.csv")]) == 0
    assert "  a\ufffd[2Jz: never lost" in capsys.readouterr().out


def test_names_outside_the_encoding_of_the_terminal(tmp_path: Path) -> None:
    path = tmp_path / "v.csv"
    battles(("é", "b", "model_a"), ("b", "c", "model_a"), ("c", "é", "model_a")).to_csv(path, index=False)
    for option in ([], ["--json"]):
        command = [sys.executable, "-m", "ratings", "fit", str(path), *option]
        environment = {**os.environ, "PYTHONIOENCODING": "ascii"}
        run = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env=environment)
        assert (run.returncode, run.stderr) == (0, "")
    assert "é" in [entry["model"] for entry in json.loads(run.stdout)["entries"]]


def test_a_reader_that_goes_away_is_no_error(votes: Path) -> None:
    command = f"{sys.executable} -m ratings fit {votes} --json | head -n 1"
    run = subprocess.run(["bash", "-c", command], capture_output=True, text=True, cwd=ROOT)
    assert (run.stdout, run.stderr) == ("{\n", "")
    reading, writing = os.pipe()
    os.close(reading)
    process = subprocess.Popen(
        [sys.executable, "-m", "ratings", "fit", str(votes)], stdout=writing, stderr=subprocess.PIPE, cwd=ROOT
    )
    os.close(writing)
    assert process.communicate()[1] == b""
    assert process.returncode == 141


def test_progress_appears_on_a_terminal_after_a_while_and_goes_away() -> None:
    ours, theirs = pty.openpty()
    with os.fdopen(theirs, "w") as terminal, progress(terminal, patience=0.05) as shown:
        shown.step("Reading votes.csv")
        time.sleep(0.2)
        assert "Reading votes.csv … 0 s" in os.read(ours, 1000).decode()
    os.close(ours)


def test_short_work_and_pipes_show_no_progress() -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    for stream, patience in ((Terminal(), 5.0), (io.StringIO(), 0.0)):
        with progress(stream, patience=patience) as shown:
            shown.step("Rating")
            time.sleep(0.02)
        assert stream.getvalue() == ""
