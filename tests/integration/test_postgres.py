"""A real server is started, shared, killed and restarted in directories of its own."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

import psutil
import psycopg
import pytest
import sqlalchemy

from arena import postgres as postgres_module
from arena.postgres import EmbeddedPostgres, PostgresError
from arena.postgres_programs import find_programs
from tests.conftest import IN_CI

PROGRAM = """
import sys
from pathlib import Path
from arena.postgres import EmbeddedPostgres

postgres = EmbeddedPostgres(Path(sys.argv[1]), durable=False)
postgres.start()
print(postgres.pid(), flush=True)
for _ in sys.stdin:
    postgres.ensure_running()
    print(postgres.pid(), flush=True)
postgres.stop()
"""

root_only = pytest.mark.skipif(
    os.geteuid() != 0 and not IN_CI, reason="only root hands the server to another account"
)


class Program:
    """Another program that uses the server in a directory until it is told to leave."""

    def __init__(self, home: Path) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, str(home)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process.poll() is None:
            self.kill()

    def server_pid(self) -> int:
        assert self._process.stdout is not None
        return int(self._process.stdout.readline())

    def ask_to_ensure_running(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write("\n")
        self._process.stdin.flush()

    def leave(self) -> None:
        self._process.communicate()
        assert self._process.returncode == 0

    def kill(self) -> None:
        """Kill the program and all it started in its own process group; a started server is not in there."""
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.communicate()


@pytest.fixture
def home() -> Iterator[Path]:
    with temporary_home() as directory:
        yield directory


@pytest.fixture(scope="module")
def postgres() -> Iterator[EmbeddedPostgres]:
    """Run one server for the tests that leave it running, though perhaps after a death."""
    with temporary_home() as directory, EmbeddedPostgres(directory, durable=False) as running:
        yield running


@contextmanager
def temporary_home() -> Iterator[Path]:
    """Make a directory that any account may enter: pytest's own are private, which matters to root."""
    directory = Path(tempfile.mkdtemp(prefix="arena-test-"))
    directory.chmod(0o755)
    try:
        yield directory
    finally:
        for data in directory.rglob("pg[0-9][0-9]"):
            stop_processes_in(data)
        shutil.rmtree(directory)


def stop_processes_in(directory: Path) -> None:
    for process in psutil.process_iter(["cwd"]):
        if process.info["cwd"] == str(directory):
            process.kill()


def wait_until(condition: Callable[[], bool], seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.005)


def kill_server(postgres: EmbeddedPostgres) -> int:
    """Kill the postmaster without warning and return the process id it had."""
    pid = postgres.pid()
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: postgres.pid() is None)
    return pid


def scalar(conninfo: str, statement: str) -> object:
    with psycopg.connect(conninfo) as connection:
        row = connection.execute(statement).fetchone()
    assert row is not None
    return row[0]


# Starting and stopping


def test_cold_start_answers_queries_and_stop_ends_the_server(home: Path) -> None:
    postgres = EmbeddedPostgres(home / "not" / "yet", durable=False)
    conninfo = postgres.start()
    assert scalar(conninfo, "select current_database() || ' ' || current_user") == "arena arena"
    pid = postgres.pid()
    assert pid is not None
    assert psutil.pid_exists(pid)
    postgres.stop()
    assert postgres.pid() is None
    assert not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    postgres.stop()


def test_the_server_sorts_by_the_builtin_locale_and_opens_no_port(postgres: EmbeddedPostgres) -> None:
    conninfo = postgres.conninfo("arena")
    locale = "select datlocprovider::text || datlocale from pg_database where datname = 'arena'"
    assert scalar(conninfo, locale) == "bC.UTF-8"
    assert scalar(conninfo, "show listen_addresses") == ""
    assert scalar(conninfo, "show server_version") == postgres.version()


def test_sqlalchemy_accepts_the_url(postgres: EmbeddedPostgres) -> None:
    engine = sqlalchemy.create_engine(postgres.url("arena"))
    with engine.connect() as connection:
        assert connection.scalar(sqlalchemy.text("select current_database()")) == "arena"
    engine.dispose()


def test_environment_of_other_postgres_servers_does_not_matter(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGPORT", "6543")
    monkeypatch.setenv("PGDATA", "/nowhere")
    with EmbeddedPostgres(home, durable=False) as postgres:
        assert scalar(postgres.conninfo("arena"), "select 1") == 1


def test_settings_reach_the_server(home: Path) -> None:
    with EmbeddedPostgres(home, durable=False, settings={"application_name": "two words"}) as postgres:
        assert scalar(postgres.conninfo("arena"), "show max_connections") == "100"
        source = "select reset_val from pg_settings where name = 'application_name'"
        assert scalar(postgres.conninfo("arena"), source) == "two words"


def test_a_setting_the_server_refuses_is_reported_with_its_log(home: Path) -> None:
    postgres = EmbeddedPostgres(home, durable=False, settings={"shared_bufers": "1MB"})
    with pytest.raises(PostgresError, match='unrecognized configuration parameter "shared_bufers"'):
        postgres.start()
    assert postgres.pid() is None


def test_databases_are_copied_from_a_template_once(postgres: EmbeddedPostgres) -> None:
    postgres.create_database("pattern")
    with psycopg.connect(postgres.conninfo("pattern")) as connection:
        connection.execute("create table model as select 'gpt-x' as name")
    postgres.create_database("copy", template="pattern")
    postgres.create_database("copy", template="pattern")
    assert scalar(postgres.conninfo("copy"), "select name from model") == "gpt-x"
    with pytest.raises(PostgresError, match='template database "absent" does not exist'):
        postgres.create_database("other", template="absent")


# Sharing


def test_a_second_program_shares_the_server_and_the_last_to_leave_stops_it(home: Path) -> None:
    first = EmbeddedPostgres(home, durable=False)
    first.start()
    with Program(home) as second:
        assert second.server_pid() == first.pid()
        first.stop()
        assert first.pid() is not None
        second.leave()
    assert first.pid() is None


def test_programs_that_start_at_once_on_an_empty_directory_get_one_server(home: Path) -> None:
    with Program(home) as one, Program(home) as two, Program(home) as three:
        programs = (one, two, three)
        assert len({program.server_pid() for program in programs}) == 1
        for program in programs:
            program.leave()
    assert EmbeddedPostgres(home).pid() is None


# Deaths


def test_a_killed_server_comes_back_with_every_acknowledged_row(home: Path) -> None:
    with EmbeddedPostgres(home) as postgres:
        with psycopg.connect(postgres.conninfo("arena"), autocommit=True) as connection:
            connection.execute("create table vote (id int)")
            for number in range(50):
                connection.execute("insert into vote values (%s)", [number])
            dead = kill_server(postgres)
        postgres.ensure_running()
        assert postgres.pid() not in (None, dead)
        assert scalar(postgres.conninfo("arena"), "select count(*) from vote") == 50


def test_programs_that_notice_the_death_together_start_one_server(postgres: EmbeddedPostgres) -> None:
    with Program(postgres.home) as one, Program(postgres.home) as two:
        dead = {one.server_pid(), two.server_pid()}
        assert dead == {kill_server(postgres)}
        one.ask_to_ensure_running()
        two.ask_to_ensure_running()
        postgres.ensure_running()
        assert {one.server_pid(), two.server_pid()} == {postgres.pid()}
        assert postgres.pid() not in dead
        one.leave()
        two.leave()


def test_a_busy_backend_of_a_killed_server_does_not_block_the_next_one(
    postgres: EmbeddedPostgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres_module, "ORPHAN_SECONDS", 1.0)
    with closing(psycopg.connect(postgres.conninfo("arena"), autocommit=True)) as connection:
        backend = psutil.Process(connection.info.backend_pid)
        connection.pgconn.send_query(b"do $$ begin loop end loop; end $$")
        wait_until(lambda: backend.status() == psutil.STATUS_RUNNING)
        kill_server(postgres)
        assert backend.is_running()
        postgres.ensure_running()
        assert not backend.is_running() or backend.status() == psutil.STATUS_ZOMBIE
    assert scalar(postgres.conninfo("arena"), "select 1") == 1


def test_the_server_of_a_killed_program_is_used_and_stopped_by_the_next(home: Path) -> None:
    with Program(home) as killed:
        pid = killed.server_pid()
        killed.kill()
    with EmbeddedPostgres(home, durable=False) as postgres:
        assert postgres.pid() == pid
    assert postgres.pid() is None


def test_program_and_server_killed_together_start_again(home: Path) -> None:
    with Program(home) as killed:
        os.kill(killed.server_pid(), signal.SIGKILL)
        killed.kill()
    with EmbeddedPostgres(home, durable=False) as postgres:
        assert scalar(postgres.conninfo("arena"), "select 1") == 1


def test_a_stale_pid_file_that_names_a_foreign_process_leaves_it_alone(postgres: EmbeddedPostgres) -> None:
    dead = kill_server(postgres)
    data = postgres.home / "pg18"
    with subprocess.Popen(["sleep", "60"]) as foreign:
        for file in (data / "postmaster.pid", data / ".s.PGSQL.5432.lock"):
            file.write_text(file.read_text().replace(str(dead), str(foreign.pid), 1))
        wait_until(lambda: postgres.pid() is None)  # backends may outlive their server by a moment
        postgres.ensure_running()
        assert postgres.pid() not in (None, dead, foreign.pid)
        assert foreign.poll() is None
        foreign.kill()


def test_a_server_started_by_hand_is_not_touched(home: Path) -> None:
    with EmbeddedPostgres(home, durable=False) as postgres:
        options = postgres._options()
    account, pg_ctl = postgres._account, postgres._programs.directory / "pg_ctl"
    account.run(pg_ctl, "start", "-w", "-D", home / "pg18", "-l", home / "pg18" / "log", "-o", options)
    recorded = (home / "pg18" / "postmaster.pid").read_text()
    with pytest.raises(PostgresError, match="that Arena did not start"):
        postgres.start()
    assert (home / "pg18" / "postmaster.pid").read_text() == recorded
    assert psutil.pid_exists(int(recorded.split()[0]))


def test_a_half_made_data_directory_is_made_again(home: Path) -> None:
    with Program(home) as killed:
        wait_until((home / "pg18.new" / "base" / "1").exists)
        killed.kill()
    assert not (home / "pg18").exists()
    with EmbeddedPostgres(home, durable=False) as postgres:
        assert scalar(postgres.conninfo("arena"), "select 1") == 1


def test_ensure_running_before_start_is_an_error(home: Path) -> None:
    with pytest.raises(PostgresError, match="needs start"):
        EmbeddedPostgres(home).ensure_running()


# Directories, programs and accounts


def test_a_long_path_gets_a_private_socket_directory(home: Path) -> None:
    deep = home / ("d" * 60) / ("e" * 60)
    with EmbeddedPostgres(deep, durable=False) as postgres:
        directory = Path(str(psycopg.conninfo.conninfo_to_dict(postgres.conninfo("arena"))["host"]))
        assert len(str(directory)) < 40
        assert directory.stat().st_mode & 0o777 == 0o700
        assert scalar(postgres.conninfo("arena"), "select 1") == 1
    assert not directory.exists()


def test_a_socket_directory_of_somebody_else_is_refused(home: Path) -> None:
    deep = home / ("d" * 60) / ("e" * 60)
    postgres = EmbeddedPostgres(deep, durable=False)
    directory = postgres._socket_directory()
    directory.mkdir(mode=0o755)
    try:
        with pytest.raises(PostgresError, match="is not a private directory"):
            postgres.start()
    finally:
        directory.rmdir()


def test_data_of_another_version_is_not_passed_over(home: Path) -> None:
    (home / "pg17").mkdir()
    (home / "pg17" / "PG_VERSION").write_text("17\n")
    with pytest.raises(PostgresError, match=r"pg17 holds the data of another PostgreSQL version.*pg_dump"):
        EmbeddedPostgres(home, durable=False).start()


def test_files_in_place_of_the_data_are_kept(home: Path) -> None:
    (home / "pg18").mkdir()
    (home / "pg18" / "thesis.txt").write_text("precious")
    with pytest.raises(PostgresError, match="Move it away"):
        EmbeddedPostgres(home, durable=False).start()
    assert (home / "pg18" / "thesis.txt").read_text() == "precious"


def test_a_directory_without_programs_is_named(home: Path) -> None:
    with pytest.raises(
        PostgresError, match=rf"{home} has no program postgres, initdb, pg_ctl.*ARENA_DATABASE"
    ):
        EmbeddedPostgres(home, bin_directory=home)


def test_programs_that_are_too_old_are_refused(home: Path) -> None:
    for name in ("postgres", "initdb", "pg_ctl"):
        (home / name).write_text("#!/bin/sh\necho 'postgres (PostgreSQL) 15.18 (Debian)'\n")
        (home / name).chmod(0o755)
    with pytest.raises(PostgresError, match=r"PostgreSQL 17 or later: .* is version 15\.18"):
        find_programs(home)


def test_a_home_that_is_a_file_is_an_error(home: Path) -> None:
    (home / "file").touch()
    with pytest.raises(PostgresError, match="ARENA_HOME"):
        EmbeddedPostgres(home / "file" / "below").start()


@root_only
def test_programs_the_account_cannot_reach_are_copied(home: Path) -> None:
    installation = find_programs().directory.parent
    private = home / "private"
    (private / installation.parent.name).mkdir(parents=True)
    (private / installation.parent.name / "pginstall").symlink_to(installation)
    libraries = f"{installation.parent.name}.libs"
    (private / libraries).symlink_to(installation.parent.with_name(libraries))
    private.chmod(0o700)
    unreachable = private / installation.parent.name / "pginstall" / "bin"
    with EmbeddedPostgres(home, bin_directory=unreachable, durable=False) as postgres:
        assert scalar(postgres.conninfo("arena"), "select 1") == 1
        assert home in Path(psutil.Process(postgres.pid()).exe()).parents


@root_only
def test_the_owner_of_the_data_runs_the_server(home: Path) -> None:
    with EmbeddedPostgres(home, durable=False) as postgres:
        owner = (home / "pg18").stat()
        assert owner.st_uid != 0
        assert psutil.Process(postgres.pid()).uids().real == owner.st_uid
    other = owner.st_uid + 1
    for path in (home / "pg18", *(home / "pg18").rglob("*")):
        os.chown(path, other, owner.st_gid, follow_symlinks=False)
    with postgres:
        assert psutil.Process(postgres.pid()).uids().real == other


@root_only
def test_root_in_a_private_directory_runs_or_says_what_to_do(home: Path) -> None:
    home.chmod(0o700)
    postgres = EmbeddedPostgres(home, durable=False)
    namespaces = (
        subprocess.run(["unshare", "--user", "--map-user=65534", "true"], check=False).returncode == 0
    )
    if namespaces:
        with postgres:
            assert scalar(postgres.conninfo("arena"), "select 1") == 1
    else:
        with pytest.raises(PostgresError, match=f"may enter {home}. Set ARENA_HOME"):
            postgres.start()


@root_only
def test_root_in_a_private_directory_without_namespaces_is_told_the_path(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (home / "closed" / "bin").mkdir(parents=True)
    (home / "bin").mkdir()
    (home / "bin" / "test").symlink_to(shutil.which("test") or "/usr/bin/test")
    (home / "closed").chmod(0o700)
    monkeypatch.setenv("PATH", str(home / "bin"))
    with pytest.raises(PostgresError, match=f"may enter {home}/closed. Set ARENA_HOME"):
        EmbeddedPostgres(home / "closed" / "deeper").start()
