import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import pytest

from ratings import UnreadableVotesError, leaderboard
from ratings.__main__ import main, read_votes
from tests.unit.ratings.tables import battles, random_battles

CYCLE = [("a", "b", "model_a"), ("b", "c", "model_a"), ("c", "a", "model_a")]


@pytest.fixture
def votes(tmp_path: Path) -> Path:
    path = tmp_path / "votes.csv"
    battles(*CYCLE, ("top", "a", "model_a")).to_csv(path, index=False)
    return path


def test_prints_a_table(votes: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["fit", str(votes)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("4 votes, 4 models; Bradley-Terry")
    assert lines[2].split() == ["ranks", "model", "rating", "lower", "upper", "battles", "win_rate"]
    assert lines[3].split()[:3] == ["1-3", "a", "1000.0"]
    assert lines[6].split() == ["-", "top", "-", "-", "-", "1", "1.000"]
    assert lines[-1] == "  top: never lost"


def test_writes_the_board_as_json(votes: Path, tmp_path: Path) -> None:
    out = tmp_path / "board.json"
    assert main(["fit", str(votes), "--out", str(out), "--confidence", "0.9"]) == 0
    assert json.loads(out.read_text()) == leaderboard(read_votes(votes), confidence=0.9).as_dict()


def test_csv_and_json_lines_give_the_same_board(tmp_path: Path) -> None:
    table = random_battles(70)
    table["model_a"] = table.model_a.replace("m0", "NA")
    table["model_b"] = table.model_b.replace("m0", "NA")
    table.to_csv(tmp_path / "votes.csv", index=False)
    table.to_json(tmp_path / "votes.jsonl", orient="records", lines=True)
    boards = [leaderboard(read_votes(tmp_path / name)).as_dict() for name in ("votes.csv", "votes.jsonl")]
    # Voters are numbers in one file and text in the other: their order may move the last bits.
    assert boards[0]["entries"] == boards[1]["entries"]
    assert "NA" in [entry["model"] for entry in boards[0]["entries"]]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        (
            "votes.csv",
            "model_a,model_b,winner\na,b,tie\na,b,draw\n",
            "Row 1 of the battles: unknown winner label 'draw'",
        ),
        ("votes.csv", "model_a,model_b,winner\na,,tie\n", "Row 0 of the battles: model_b is missing"),
        ("votes.csv", "", "cannot be read as csv"),
        ("votes.jsonl", "{broken\n", "cannot be read as jsonl"),
        ("votes.txt", "", "does not end in .csv, .jsonl, .parquet"),
    ],
)
def test_bad_input_is_exit_status_2(
    name: str, content: str, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / name
    path.write_text(content)
    assert main(["fit", str(path)]) == 2
    assert message in capsys.readouterr().err


def test_a_missing_file_is_exit_status_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["fit", str(tmp_path / "none.csv")]) == 2
    assert "none.csv" in capsys.readouterr().err


def test_bad_arguments_are_exit_status_2() -> None:
    with pytest.raises(SystemExit) as caught:
        main(["fit"])
    assert caught.value.code == 2


def test_parquet_without_pyarrow_says_what_to_do(tmp_path: Path) -> None:
    if importlib.util.find_spec("pyarrow"):
        pytest.skip("pyarrow is installed here")
    with pytest.raises(UnreadableVotesError, match="need the package pyarrow. Install it, or convert"):
        read_votes(tmp_path / "votes.parquet")


def test_runs_as_a_module(votes: Path) -> None:
    run = subprocess.run([sys.executable, "-m", "ratings", "fit", str(votes)], capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    assert "never lost" in run.stdout
