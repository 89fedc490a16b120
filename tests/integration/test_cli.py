"""The command line as an operator types it, in processes of its own."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from arena.db import Database

CATALOG = """
[[model]]
name = "one"
organization = "First Lab"
[[model.endpoint]]
url = "http://127.0.0.1:9/v1"
api_key_env = "KEY_OF_ONE"

[[model]]
name = "two"
organization = "Second Lab"
"""


class CommandLine:
    """`arena …` with the test database."""

    def __init__(self, url: str, folder: Path) -> None:
        self.folder = folder
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("ARENA_")},
            "ARENA_DATABASE_URL": url,
            "ARENA_HOME": str(folder),
            "ARENA_LOG_LEVEL": "warning",
            "COLUMNS": "160",
        }

    def __call__(self, *arguments: str, code: int = 0, **environment: str) -> str:
        command = [sys.executable, "-m", "arena", *arguments]
        done = subprocess.run(
            command,
            cwd=self.folder,
            env=self.environment | environment,
            capture_output=True,
            text=True,
            timeout=60,
        )
        said = done.stdout + done.stderr
        assert done.returncode == code, said
        assert "Traceback" not in said
        return said


@pytest.fixture
def arena_command(database: Database, tmp_path: Path) -> CommandLine:
    return CommandLine(database.url, tmp_path)


def test_catalog_commands(arena_command: CommandLine, tmp_path: Path) -> None:
    (tmp_path / "catalog.toml").write_text(CATALOG)
    assert "2 models listed" in arena_command("catalog", "sync", "catalog.toml")
    listed = arena_command("catalog", "list")
    assert "First Lab" in listed
    assert "http://127.0.0.1:9/v1 (catalog)" in listed
    assert "one is retired" in arena_command("catalog", "retire", "one")
    assert "retired" in arena_command("catalog", "list")
    assert "no model named 'three'" in arena_command("catalog", "retire", "three", code=1)


def test_catalog_errors_name_the_place(arena_command: CommandLine, tmp_path: Path) -> None:
    (tmp_path / "catalog.toml").write_text(
        CATALOG.replace("http://127.0.0.1:9/v1", "http://user:key@host/v1")
    )
    said = arena_command("catalog", "sync", "catalog.toml", code=1)
    assert "model[0].endpoint[0].url" in said
    assert "api_key_env" in said
    assert "No such file" in arena_command("catalog", "sync", "missing.toml", code=1)


def test_import_fit_and_show(arena_command: CommandLine, tmp_path: Path) -> None:
    (tmp_path / "My Votes.csv").write_text(
        "model_a,model_b,winner\nx,y,model_a\ny,x,model_a\nx,y,tie\nx,x,tie\n"
    )
    said = arena_command("dataset", "import", "My Votes.csv", "--origin", "a test")
    assert "3 new votes on the board 'my-votes'; 1 rows rejected." in said
    assert "line 5: a model against itself" in said
    assert "0 new votes" in arena_command("dataset", "import", "My Votes.csv")
    shown = arena_command("leaderboard", "show", "my-votes")
    assert "my-votes: 3 votes" in shown
    assert "1000" in shown
    assert "Nothing changed" in arena_command("leaderboard", "fit")
    said = arena_command("leaderboard", "show", "chess", code=1)
    assert "There are: overall, demo, simulated, my-votes." in said
    payload = arena_command("leaderboard", "show", "my-votes", "--json")
    snapshot = payload.split('"snapshot":"')[1].split('"')[0]
    assert "Every board counts the same votes" in arena_command("leaderboard", "verify", snapshot)
    assert "no snapshot" in arena_command("leaderboard", "verify", "abc", code=1)


def test_doctor_finds_what_is_wrong(arena_command: CommandLine, tmp_path: Path) -> None:
    (tmp_path / "catalog.toml").write_text(CATALOG)
    arena_command("catalog", "sync", "catalog.toml")
    said = arena_command("doctor", code=1, ARENA_CATALOG="catalog.toml", ARENA_SECRET_KEY="short")
    assert "ARENA_SECRET_KEY is short" in said
    assert "KEY_OF_ONE is not set" in said
    assert "one: http://127.0.0.1:9/v1 cannot be reached" in said
    assert "Postgres 18" in said


def test_unreachable_database_is_one_sentence(arena_command: CommandLine) -> None:
    said = arena_command(
        "leaderboard", "show", code=1, ARENA_DATABASE_URL="postgresql://nobody@127.0.0.1:9/x"
    )
    assert "the database cannot be reached" in said


def test_bad_setting_is_one_sentence(arena_command: CommandLine) -> None:
    assert "port" in arena_command("serve", code=1, ARENA_PORT="eighty")
