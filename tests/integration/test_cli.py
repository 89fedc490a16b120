"""The command line as an operator types it."""

import asyncio
import logging
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from unittest import mock

import psycopg
import pytest

from arena import __version__, simulate
from arena.cli import main
from arena.dataset.finish import finish
from arena.db import Database, conninfo_of
from benchmarks.synthetic_release import write_data
from tests.integration.small_release import KEY, key_file, note_release, write_release

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
    """`arena …` with the test database; in this process, because loading the program takes seconds."""

    def __init__(self, url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self.url, self.monkeypatch, self.capsys = url, monkeypatch, capsys

    def __call__(self, *arguments: str, code: int = 0, **environment: str) -> str:
        given = {"ARENA_DATABASE_URL": self.url, "ARENA_LOG_LEVEL": "warning", "COLUMNS": "160"} | environment
        with self.monkeypatch.context() as patch:
            for name, value in given.items():
                patch.setenv(name, value)
            patch.setattr(sys, "argv", ["arena", *arguments])
            with pytest.raises(SystemExit) as ended:
                main()
        said = "".join(self.capsys.readouterr())
        assert (ended.value.code or 0) == code, said
        return said


@pytest.fixture
def arena_command(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[CommandLine]:
    handlers, level = logging.root.handlers[:], logging.root.level
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ARENA_HOME", str(tmp_path))
    with mock.patch.dict(os.environ):  # `serve` hands its options to worker processes through the environment
        yield CommandLine(database.url, monkeypatch, capsys)
    logging.root.handlers[:] = handlers
    logging.root.setLevel(level)


@pytest.mark.parametrize("asked", ["version", "--version"])
def test_command_is_installed(asked: str) -> None:
    done = subprocess.run([sys.executable, "-m", "arena", asked], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (0, f"{__version__}\n")


def test_catalog_commands(arena_command: CommandLine, tmp_path: Path) -> None:
    (tmp_path / "catalog.toml").write_text(CATALOG)
    assert "2 models listed" in arena_command("catalog", "sync", "catalog.toml")
    listed = arena_command("catalog", "list")
    assert "First Lab" in listed
    assert "http://127.0.0.1:9/v1 (catalog)" in listed
    assert "one is retired" in arena_command("catalog", "retire", "one", "--reason", "Superseded.")
    assert "retired" in arena_command("catalog", "list")
    said = arena_command("catalog", "retire", "one", "--reason", "Something else.", code=1)
    assert "one is retired already since" in said
    assert "Superseded." in said
    assert "no model named 'three'" in arena_command(
        "catalog", "retire", "three", "--reason", "None.", code=1
    )


def test_model_that_the_catalog_brings_back_is_told(arena_command: CommandLine, tmp_path: Path) -> None:
    (tmp_path / "catalog.toml").write_text(CATALOG)
    arena_command("catalog", "sync", "catalog.toml")
    said = arena_command("catalog", "retire", "one", "--reason", "Tired.", ARENA_CATALOG="catalog.toml")
    assert "catalog.toml still lists one: the next start or `arena catalog sync` brings it back." in said
    said = arena_command("catalog", "sync", "catalog.toml")
    assert "one was retired and is active again, because catalog.toml lists it." in said
    assert "retired_model_is_back" in said
    assert "retired" not in arena_command("catalog", "sync", "catalog.toml"), "once"
    (tmp_path / "catalog.toml").write_text(CATALOG.replace('"one"', '"other"'))
    said = arena_command("catalog", "retire", "one", "--reason", "Tired.", ARENA_CATALOG="catalog.toml")
    assert "still lists" not in said
    (tmp_path / "catalog.toml").write_text("model =")
    assert "two is retired." in arena_command(
        "catalog", "retire", "two", "--reason", "Tired.", ARENA_CATALOG="catalog.toml"
    )


def test_simulated_voters_without_an_arena_say_so(
    arena_command: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(simulate, "START_SECONDS", 0.3)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # and nobody listens
        port = str(taken.getsockname()[1])
        said = arena_command("simulate", "voters", "--n", "1", code=1, ARENA_PORT=port)
        assert f"No arena answers at http://127.0.0.1:{port}" in said, "by default that of the settings"
    for wrong in (("--n", "-5"), ("--at-once", "0")):
        assert "greater than or equal to 1" in arena_command("simulate", "voters", *wrong, code=2)


def test_demo_server_says_that_its_port_is_taken(arena_command: CommandLine) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        said = arena_command("demo-server", "--port", port, code=1)
    assert f"Cannot listen on port {port}: Address already in use. Choose another with --port." in said


def test_catalog_errors_name_the_place(arena_command: CommandLine, tmp_path: Path) -> None:
    (tmp_path / "catalog.toml").write_text(
        CATALOG.replace("http://127.0.0.1:9/v1", "http://user:key@host/v1")
    )
    said = arena_command("catalog", "sync", "catalog.toml", code=1)
    assert "model[0].endpoint[0].url" in said
    assert "api_key_env" in said
    assert "No such file" in arena_command("catalog", "sync", "missing.toml", code=1)


def test_export_verify_and_close(arena_command: CommandLine, tmp_path: Path) -> None:
    (tmp_path / "my-study.csv").write_text("model_a,model_b,winner\nx,y,model_a\ny,x,model_a\nx,y,tie\n")
    arena_command("dataset", "import", "my-study.csv")
    said = arena_command("dataset", "export", "out", "--release", "2026-11", "--no-compat")
    assert "out: release 2026-11, 0 votes." in said
    assert "3 votes of an imported board: boards/my-study.parquet" in said
    assert (tmp_path / "out" / "boards" / "my-study.parquet").exists()
    arena_command("dataset", "verify", "out")
    said = arena_command("dataset", "import", "out", "--board", "copy", code=1)
    assert "None of the votes of this release counts on its overall board" in said
    said = arena_command("dataset", "export", "out", "--variant", "audit", code=1)
    assert "out holds the release '2026-11'" in said
    assert "2026-11 is closed." in arena_command("dataset", "close", "2026-11")
    said = arena_command("dataset", "export", "again", "--release", "2026-11", code=1)
    assert "another name with --release NAME" in said
    assert "There are: 2026-11." in arena_command("dataset", "close", "2026-12", code=1)


def test_import_fit_and_show(arena_command: CommandLine, tmp_path: Path) -> None:
    (tmp_path / "My Votes.csv").write_text(
        "model_a,model_b,winner\nx,y,model_a\ny,x,model_a\nx,y,tie\nx,x,tie\n"
    )
    said = arena_command("dataset", "import", "My Votes.csv", "--origin", "a test")
    assert "3 new votes on the board 'my-votes'; 1 row rejected." in said
    assert "line 5: a model against itself" in said
    assert "Imported already: 0 new votes" in arena_command("dataset", "import", "My Votes.csv")
    said = arena_command("dataset", "import", "My Votes.csv", "--board", "My Study!")
    assert "The board is named 'my-study': 'My Study!' cannot stand in an address." in said
    shown = arena_command("leaderboard", "show", "my-votes")
    assert "my-votes: 3 votes" in shown
    assert "1000" in shown
    assert "Nothing changed" in arena_command("leaderboard", "fit")
    said = arena_command("leaderboard", "show", "chess", code=1)
    assert "There are: overall, demo, simulated, my-study, my-votes." in said
    payload = arena_command("leaderboard", "show", "my-votes", "--json")
    snapshot = payload.split('"snapshot":"')[1].split('"')[0]
    assert "The same votes give the same boards, to the digest" in arena_command(
        "leaderboard", "verify", snapshot
    )
    assert "no snapshot" in arena_command("leaderboard", "verify", "abc", code=1)


def test_full_disk_is_one_sentence_and_keeps_what_is_stored(
    arena_command: CommandLine, tmp_path: Path
) -> None:
    (tmp_path / "votes.csv").write_text("model_a,model_b,winner\nx,y,model_a\nx,x,tie\n")
    said = arena_command("dataset", "import", "votes.csv", "--rejects", "/dev/full", code=1)
    assert "no space is left on the disk" in said
    assert "make room, and run this again" in said
    said = arena_command("dataset", "import", "votes.csv")
    assert "Imported already: 0 new votes on the board 'votes'; 1 row rejected." in said


def test_file_without_a_vote_says_where_its_rows_are(arena_command: CommandLine, tmp_path: Path) -> None:
    (tmp_path / "none.csv").write_text("model_a,model_b,winner\nx,x,tie\n")
    said = arena_command("dataset", "import", "none.csv", code=1)
    assert "holds no usable vote. First problem: line 2: a model against itself" in said
    assert "All rows with their reasons: none.csv.rejects.csv." in said


def test_rejects_of_a_release_do_not_spoil_it(arena_command: CommandLine, tmp_path: Path) -> None:
    directory = tmp_path / "release"
    finish(directory, write_data(directory, battles=20, models=4), KEY)
    files = sorted(directory.rglob("*"))
    said = arena_command("dataset", "import", str(directory / "data" / "votes.parquet"), "--board", "x")
    assert "All of them with their reasons: votes.parquet.rejects.csv" in said
    assert (tmp_path / "votes.parquet.rejects.csv").stat().st_size > 0
    assert sorted(directory.rglob("*")) == files


def test_release_is_restored_or_put_on_a_board(arena_command: CommandLine, tmp_path: Path) -> None:
    directory = tmp_path / "release"
    finish(directory, write_data(directory, battles=60, models=4), KEY)
    release = str(directory)
    said = arena_command("dataset", "import", release, "--board", "Another Arena")
    assert "45 new votes on the board 'another-arena'; 0 rows rejected." in said
    assert "says itself" in arena_command("dataset", "import", release, "--license", "MIT", code=1)
    assert "Restored the release 2026-11: 60 votes" in arena_command("dataset", "import", release)
    assert "Overall: 45 votes" in arena_command("leaderboard", "show", "overall")
    assert "has battles of its own" in arena_command("dataset", "import", release, code=1)
    assert "is for a release" in arena_command("dataset", "import", "a.csv", "--withdrawn", "b.txt", code=1)


def test_doctor_finds_what_is_wrong(arena_command: CommandLine, tmp_path: Path) -> None:
    (tmp_path / "catalog.toml").write_text(CATALOG)
    arena_command("catalog", "sync", "catalog.toml")
    said = arena_command(
        "doctor", code=1, ARENA_CATALOG="catalog.toml", ARENA_SECRET_KEY="short", ARENA_TAGGER_MODEL="nope"
    )
    assert "ARENA_TAGGER_MODEL names 'nope', and no model of that name has an endpoint" in said
    assert "ARENA_SECRET_KEY is short" in said
    assert "KEY_OF_ONE is not set" in said
    assert "one: http://127.0.0.1:9/v1 cannot be reached" in said
    assert "Only one has an endpoint, and a battle takes two" in said
    assert "[[model.endpoint]]" in said
    assert "Postgres 18" in said


def test_unreachable_database_is_one_sentence(arena_command: CommandLine) -> None:
    said = arena_command(
        "leaderboard", "show", code=1, ARENA_DATABASE_URL="postgresql://nobody@127.0.0.1:9/x"
    )
    assert "the database cannot be reached" in said


def test_refusal_of_the_database_is_one_sentence(arena_command: CommandLine, database: Database) -> None:
    refuse = """CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RAISE 'not tonight'; END$$;
    CREATE TRIGGER refuse BEFORE INSERT ON snapshot EXECUTE FUNCTION refuse()"""
    with psycopg.connect(conninfo_of(database.url), autocommit=True) as server:
        server.execute(refuse)
        try:
            said = arena_command("leaderboard", "fit", code=1)
        finally:
            server.execute("DROP FUNCTION refuse CASCADE")
    assert said == "Error: the database refuses: not tonight. Its log may say more.\n"


def test_bad_setting_is_one_sentence(arena_command: CommandLine) -> None:
    assert "ARENA_PORT: must be a whole number, not 'eighty'." in arena_command(
        "serve", code=1, ARENA_PORT="eighty"
    )


def test_settings_file_that_is_wrong_is_one_sentence(arena_command: CommandLine, tmp_path: Path) -> None:
    (tmp_path / "arena.toml").write_text("prot = 9000\n")
    said = arena_command("db", "upgrade", code=1)
    assert "Error: arena.toml, key prot: is not known here (did you mean port?)." in said
    (tmp_path / "arena.toml").write_text("port = = 9000\n")
    assert "Error: arena.toml cannot be read: Invalid value (at line 1" in arena_command(
        "db", "upgrade", code=1
    )


@pytest.mark.parametrize("variable", ["ARENA_CATALOG", "ARENA_CATEGORIES_FILE"])
def test_serve_says_first_which_file_is_missing(arena_command: CommandLine, variable: str) -> None:
    said = arena_command("serve", "--port", "0", code=1, **{variable: "missing.toml"})
    assert said.startswith("Error: missing.toml: No such file or directory. Give the path")
    assert said.count("\n") == 1, "one line, before the greeting"


def test_serve_says_first_what_the_catalog_may_not_list(arena_command: CommandLine, tmp_path: Path) -> None:
    tests = "".join(
        f'[[model]]\nname = "{name}"\norganization = "Lab"\nprivate_test = true\ncodename = "code {name}"\n'
        for name in ("one", "two")
    )
    (tmp_path / "catalog.toml").write_text(tests)
    given = {"ARENA_CATALOG": "catalog.toml", "ARENA_PRIVATE_TESTS_MAX": "1"}
    said = arena_command("serve", "--port", "0", code=1, **given)
    assert said.startswith("Error: ")
    assert "is starting" not in said


def test_taken_port_is_said_before_anything_starts(arena_command: CommandLine) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        said = arena_command("serve", "--port", str(taken.getsockname()[1]), code=1)
    assert "Choose another with --port, or in ARENA_PORT" in said


def test_brackets_of_an_error_are_kept(arena_command: CommandLine, tmp_path: Path) -> None:
    (tmp_path / "catalog.toml").write_text(CATALOG.replace('"two"', '"one"'))
    assert "Give one model several [[model.endpoint]]" in arena_command(
        "catalog", "sync", "catalog.toml", code=1
    )


def test_publish_says_what_became_of_each_destination(
    arena_command: CommandLine, database: Database, tmp_path: Path
) -> None:
    async def note() -> None:
        own = Database(database.url)
        await note_release(own)
        await own.close()

    asyncio.run(note())
    release = str(write_release(tmp_path / "made"))
    publish = partial(arena_command, "dataset", "publish", release, ARENA_RELEASE_SIGNING_KEY=str(key_file()))
    assert "ARENA_RELEASE_DESTINATIONS=site" in publish(code=1)
    (tmp_path / "file").write_text("")
    places = f"{tmp_path}/file/sub,{tmp_path}/there"
    said = publish(code=1, ARENA_RELEASE_DESTINATIONS=places)
    assert f"{tmp_path}/file/sub: failed, " in said
    assert f"{tmp_path}/there: {tmp_path}/there/2026-11" in said
    assert "Publish again" in said
    (tmp_path / "file").unlink()
    said = publish(ARENA_RELEASE_DESTINATIONS=places)
    assert "failed" not in said
    assert (tmp_path / "file" / "sub" / "2026-11" / "SHA256SUMS").is_file()
    said = publish(ARENA_RELEASE_DESTINATIONS="site")
    assert "as long as `arena serve` itself has 'site' in ARENA_RELEASE_DESTINATIONS" in said
    assert "no place for releases" in arena_command("doctor", code=1, ARENA_RELEASE_DESTINATIONS="somewhere")
