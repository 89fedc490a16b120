"""A release is checked on a machine with nothing but it and `ratings`."""

import subprocess
import sys
from pathlib import Path

import pytest

from arena.dataset.finish import finish
from arena.dataset.signing import public_key
from benchmarks.synthetic_release import write_data
from tests.conftest import ROOT
from tests.unit.release.conftest import KEY

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


def test_a_fresh_environment_checks_a_release_to_the_digest(tmp_path: Path) -> None:
    release, key = tmp_path / "2026-11", tmp_path / "arena.pub"
    finish(release, write_data(release), KEY)
    key.write_bytes(public_key(KEY))
    python = tmp_path / "environment" / "bin" / "python"
    subprocess.run([sys.executable, "-m", "venv", tmp_path / "environment"], check=True)
    subprocess.run([python, "-m", "pip", "install", "--quiet", ROOT / "ratings"], check=True)
    absent = subprocess.run([python, "-c", "import arena"], cwd=tmp_path, capture_output=True, check=False)
    assert absent.returncode != 0, "the arena is not there"
    command = [python, "-m", "ratings", "verify", release, "--key", key]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines()[-1].startswith("All fits together and is as its signer left it.")
    board = release / "leaderboard" / "overall.json"
    board.write_bytes(board.read_bytes().replace(b"model-00", b"model-99", 1))
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "leaderboard/overall.json: altered" in done.stdout
