"""What others wrote for the published Chatbot Arena releases runs on ours unchanged, and comes to the same ratings.

The programs are installed into an environment of their own, which takes minutes the first time.
"""

import json
import re
import subprocess
from pathlib import Path

import pytest

from arena.dataset.finish import finish
from benchmarks.ratings.peers import PEERS, install, python
from benchmarks.synthetic_release import write_data
from tests.unit.release.conftest import KEY

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]
FOLDER = Path(__file__).resolve().parent
# What FastChat's analysis imports besides the package itself.
ANALYSIS = ("plotly", "pytz", "requests", "scikit-learn", "tqdm")


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("releases") / "2026-11"
    finish(directory, write_data(directory, battles=3000, voters=600), KEY)
    return directory


@pytest.fixture(scope="module")
def published(release: Path) -> dict[str, float]:
    board = json.loads((release / "leaderboard/overall.json").read_text())
    return {entry["model"]: entry["rating"] for entry in board["entries"]}


@pytest.fixture(scope="module", autouse=True)
def programs() -> None:
    wanted = {name: PEERS[name] for name in ("arena_rank", "fastchat")} | {"elo_analysis": ANALYSIS}
    reasons = [reason for name, arguments in wanted.items() if (reason := install(name, arguments))]
    if reasons:
        pytest.fail(f"the other programs cannot be installed: {reasons}")


def run(*arguments: str | Path, folder: Path) -> str:
    command = [str(python()), *map(str, arguments)]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("layout", ["arena-33k", "arena-100k", "arena-140k"])
def test_arena_rank_reads_the_layouts(
    release: Path, published: dict[str, float], layout: str, tmp_path: Path
) -> None:
    printed = run(FOLDER / "arena_rank_board.py", release / "compat" / f"{layout}.parquet", folder=tmp_path)
    assert json.loads(printed) == pytest.approx(published, abs=0.5), "its ridge pulls a little"


def test_fastchat_analyses_cleaned_battles(
    release: Path, published: dict[str, float], tmp_path: Path
) -> None:
    battles = release / "compat" / "fastchat-battles.json"
    printed = run(
        FOLDER / "elo_analysis.py", "--clean-battle-file", battles, "--num-bootstrap", "5", folder=tmp_path
    )
    final = printed[printed.index("# Median") :]
    found = {name: float(rating) for name, rating in re.findall(r"\d+, (\S+) +, (\d+)", final)}
    assert found == pytest.approx(published, abs=2), (
        "its penalty pulls to the mean, and it prints whole points"
    )
    assert "last update : 2026-11-08" in printed, "Monday 00:00 UTC, in California"
