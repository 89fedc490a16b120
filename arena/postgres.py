"""A private PostgreSQL server for installations that have none.

Three files beside the data directory are locked with flock, because the kernel drops such a lock however its
holder dies:

- ``pg18.start.lock`` is held while one process decides whether to start or to stop the server;
- ``pg18.users.lock`` is shared by every program that uses the server, so the last one to leave can tell;
- ``pg18.server.lock`` is inherited by all processes of the server, so it is free exactly when none is left.
"""

import fcntl
import os
import shlex
import shutil
import signal
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import IO, Self
from urllib.parse import quote

import psutil
import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

from arena.postgres_programs import (
    Account,
    PostgresError,
    choose_account,
    copy_programs,
    find_programs,
    short_digest,
)

__all__ = ["EmbeddedPostgres", "PostgresError"]

USER = "arena"
DATABASE = "arena"
PORT = 5432  # only part of the socket's name: the server opens no network port
START_SECONDS = 120  # a server that was killed replays its log before it answers
STOP_SECONDS = 60
ORPHAN_SECONDS = 5.0
LONGEST_SOCKET_PATH = 100  # the kernel's limit is 107 bytes on Linux and 103 on macOS
SHORT_DIRECTORY = Path("/tmp")  # not TMPDIR, which may differ between programs that share one server
NO_SUCH_PID = 2**31 - 2

SMALL_INSTALLATION: Mapping[str, str] = MappingProxyType(
    {
        "shared_buffers": "128MB",
        "max_connections": "100",
        "random_page_cost": "1.1",
        "log_checkpoints": "off",
        "timezone": "UTC",
        "log_timezone": "UTC",
    }
)
NOT_DURABLE: Mapping[str, str] = MappingProxyType(
    {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
)
NO_SETTINGS: Mapping[str, str] = MappingProxyType({})


class EmbeddedPostgres:
    """A server in a directory, shared by all programs that name the same directory."""

    def __init__(
        self,
        home: Path,
        *,
        bin_directory: Path | None = None,
        settings: Mapping[str, str] = NO_SETTINGS,
        durable: bool = True,
    ) -> None:
        self.home = home.absolute().resolve()
        self._programs = find_programs(bin_directory)
        self._data = self.home / f"pg{self._programs.major}"
        self._durable = durable
        self._settings = {**SMALL_INSTALLATION, **({} if durable else NOT_DURABLE), **settings}
        self._account = Account()
        self._users: IO[str] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    # Starting, watching, stopping

    def start(self) -> str:
        """Join the running server or start it, and return a libpq connection string."""
        self._make_home()
        with self._deciding():
            self._users = self._users or self._open_lock("users")
            fcntl.flock(self._users, fcntl.LOCK_SH)
            try:
                self._choose_account()
                self._bring_up()
                self.create_database(DATABASE)
            except BaseException:
                self._leave()
                raise
        return self.conninfo(DATABASE)

    def ensure_running(self) -> None:
        """Bring the server back if it died; costs microseconds when it runs, blocks when it does not."""
        if self._users is None:
            raise PostgresError(
                "ensure_running() needs start() first: the server may belong to nobody by now."
            )
        if self._status() != "ready":
            with self._deciding():
                self._bring_up()

    def stop(self) -> None:
        """Leave the server, and shut it down when nobody else uses it."""
        if self._users is None:
            return
        with self._deciding():
            try:
                if _try_lock(self._users, fcntl.LOCK_EX):
                    self._shut_down()
            finally:
                self._leave()

    # What a client needs

    def conninfo(self, database: str) -> str:
        """Return the libpq connection string of a database."""
        return make_conninfo(host=str(self._socket_directory()), port=PORT, user=USER, dbname=database)

    def url(self, database: str) -> str:
        """Return the SQLAlchemy address of a database."""
        host = quote(str(self._socket_directory()), safe="")
        return f"postgresql+psycopg://{USER}@/{database}?host={host}&port={PORT}"

    def create_database(self, name: str, template: str | None = None) -> None:
        """Create a database, as a copy of a template if one is named; an existing one is left as it is."""
        statement = sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name))
        if template is not None:
            statement += sql.SQL(" TEMPLATE {}").format(sql.Identifier(template))
        try:
            with psycopg.connect(self.conninfo("postgres"), autocommit=True) as connection:
                connection.execute(statement)
        # Two sessions that create the same name at once: the loser may hear of the index, not of the name.
        except (psycopg.errors.DuplicateDatabase, psycopg.errors.UniqueViolation):
            pass
        except psycopg.Error as error:
            raise self._failure(f"Cannot create the database {name!r}: {error}") from error

    def pid(self) -> int | None:
        """Return the process id of the server, or None when it does not run."""
        pid = _recorded_pid(self._data / "postmaster.pid")
        return pid if pid is not None and _is_alive(pid) and self._server_lock_is_held() else None

    def version(self) -> str:
        """Return the version of the server programs, such as 18.6."""
        return self._programs.version

    # Locks

    def _open_lock(self, name: str) -> IO[str]:
        path = self.home / f"{self._data.name}.{name}.lock"
        try:
            return path.open("a")
        except OSError as error:
            raise PostgresError(
                f"Cannot open {path} ({error.strerror}). Run Arena as the account that owns this directory, "
                "or set ARENA_HOME to a directory this account may write to."
            ) from error

    @contextmanager
    def _deciding(self) -> Iterator[None]:
        with self._open_lock("start") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _server_lock_is_held(self) -> bool:
        with self._open_lock("server") as lock:
            return not _try_lock(lock, fcntl.LOCK_SH)

    def _leave(self) -> None:
        if self._users is not None:
            self._users.close()
            self._users = None

    # The state of the server

    def _status(self) -> str | None:
        """Return what the server says of itself ("starting", "ready", "stopping"), None when it is dead."""
        if self.pid() is None:
            return None
        lines = _read_lines(self._data / "postmaster.pid")
        return lines[7].strip() if len(lines) > 7 else "starting"

    def _bring_up(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while (status := self._status()) != "ready":
            if time.monotonic() > deadline:
                raise self._failure(f"The server in {self._data} is still {status} after {START_SECONDS} s.")
            if status is None:
                self._launch()
            else:
                time.sleep(0.02)

    def _launch(self) -> None:
        with self._open_lock("server") as lock:
            self._wait_for_orphans(lock)
            self._refuse_foreign_server()
            if not (self._data / "PG_VERSION").exists():
                self._initialise()
            self._make_socket_directory()
            for stale in (self._data / "postmaster.pid", self._socket_directory() / f".s.PGSQL.{PORT}.lock"):
                _forget_pid(stale)
            self._pg_ctl("start", START_SECONDS, "-l", self._log, "-o", self._options(), keep=lock.fileno())

    def _shut_down(self) -> None:
        if self.pid() is not None:
            self._pg_ctl("stop", STOP_SECONDS, "-m", "fast")
        if self._socket_directory() != self._data:
            shutil.rmtree(self._socket_directory(), ignore_errors=True)

    def _pg_ctl(self, verb: str, seconds: int, *options: str | Path, keep: int | None = None) -> None:
        pg_ctl = self._programs.directory / "pg_ctl"
        wait = ("-w", "-t", str(seconds))
        done = self._account.run(pg_ctl, verb, "-D", self._data, *wait, *options, keep=keep)
        if done.returncode != 0:
            raise self._failure(f"pg_ctl could not {verb} the server in {self._data}: {done.stdout.strip()}")

    def _options(self) -> str:
        settings = {
            **self._settings,
            "listen_addresses": "",
            "port": str(PORT),
            "unix_socket_directories": str(self._socket_directory()),
            "unix_socket_permissions": "0700",
        }
        return " ".join(f"-c {shlex.quote(f'{name}={value}')}" for name, value in settings.items())

    # What a dead server leaves behind

    def _wait_for_orphans(self, lock: IO[str]) -> None:
        """Take the server lock, which the processes of a killed server keep until they notice its death."""
        if _lock_within(lock, ORPHAN_SECONDS):
            return
        # A busy backend may not notice for hours; nothing it does can still be acknowledged.
        for process in self._server_processes():
            process.send_signal(signal.SIGQUIT)
        if not _lock_within(lock, ORPHAN_SECONDS):
            raise self._failure(
                f"Processes of an earlier server still hold {self._data}, and none of them can be seen from "
                "here: they may run in another container. Stop them, or set ARENA_HOME to another directory."
            )

    def _server_processes(self) -> list[psutil.Process]:
        named = [process for process in psutil.process_iter(["name"]) if process.info["name"] == "postgres"]
        return [process for process in named if self._working_directory(process) == str(self._data)]

    def _working_directory(self, process: psutil.Process) -> str | None:
        try:
            return process.cwd()
        except psutil.AccessDenied:  # in a container root may not look at other accounts' processes
            return self._account.run("readlink", f"/proc/{process.pid}/cwd").stdout.strip()
        except psutil.Error:
            return None

    def _refuse_foreign_server(self) -> None:
        pid = _recorded_pid(self._data / "postmaster.pid")
        if pid in [process.pid for process in self._server_processes()]:
            raise PostgresError(
                f"Process {pid} is a PostgreSQL server in {self._data} that Arena did not start. "
                f"Stop it (kill -TERM {pid}) and start Arena again."
            )

    # Directories and accounts

    def _make_home(self) -> None:
        missing = [path for path in (self.home, *self.home.parents) if not path.exists()]
        try:
            for directory in reversed(missing):
                directory.mkdir(exist_ok=True)
                if os.geteuid() == 0:
                    directory.chmod(0o711)  # whatever the umask: the server's account has to pass through
        except OSError as error:
            raise PostgresError(
                f"Cannot create {self.home} ({error.strerror}). Set ARENA_HOME to a directory "
                "this account may write to."
            ) from error

    def _choose_account(self) -> None:
        self._account = choose_account(self.home, self._data)
        if not self._account.can_run(self._programs.directory / "postgres"):
            self._programs = copy_programs(self._programs, self.home, self._account)

    def _initialise(self) -> None:
        """Make the data directory beside its place and rename it, so that a half-made one is never used."""
        self._refuse_other_data()
        side = self.home / f"{self._data.name}.new"
        shutil.rmtree(side, ignore_errors=True)
        side.mkdir(mode=0o700)
        self._account.own(side)
        options = ["-U", USER, "-A", "trust", "-E", "UTF8", "--locale-provider=builtin", "--locale=C.UTF-8"]
        if not self._durable:
            options.append("--no-sync")
        done = self._account.run(self._programs.directory / "initdb", "-D", side, *options)
        if done.returncode != 0:
            raise PostgresError(f"initdb could not make {side}: {done.stdout.strip()}")
        side.rename(self._data)

    def _refuse_other_data(self) -> None:
        if self._data.exists() and any(self._data.iterdir()):
            raise PostgresError(f"{self._data} holds files but no PostgreSQL data. Move it away.")
        for other in self.home.glob("pg[0-9][0-9]"):
            if (other / "PG_VERSION").exists():
                raise PostgresError(
                    f"{other} holds the data of another PostgreSQL version than the programs in "
                    f"{self._programs.directory} ({self.version()}). Use programs of version "
                    f"{other.name[2:]}, or dump the data with pg_dump and move {other} away."
                )

    def _socket_directory(self) -> Path:
        if len(os.fsencode(self._data / f".s.PGSQL.{PORT}")) <= LONGEST_SOCKET_PATH:
            return self._data
        return SHORT_DIRECTORY / f"arena-{short_digest(str(self._data))}"

    def _make_socket_directory(self) -> None:
        directory = self._socket_directory()
        if directory == self._data:
            return
        if not directory.exists():
            directory.mkdir(mode=0o700)
            self._account.own(directory)
        status, expected = directory.lstat(), self._data.stat().st_uid
        if directory.is_symlink() or status.st_uid != expected or status.st_mode & 0o077:
            raise PostgresError(f"{directory} is not a private directory of uid {expected}. Remove it.")

    # Errors

    @property
    def _log(self) -> Path:
        return self._data / "server.log"

    def _failure(self, sentence: str) -> PostgresError:
        tail = "\n".join(_read_lines(self._log)[-15:])
        return PostgresError(f"{sentence}\nThe end of {self._log}:\n{tail}" if tail else sentence)


def _try_lock(file: IO[str], kind: int) -> bool:
    try:
        fcntl.flock(file, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _lock_within(file: IO[str], seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while not _try_lock(file, fcntl.LOCK_EX):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def _read_lines(path: Path) -> list[str]:
    try:
        return path.read_text(errors="replace").splitlines()
    except FileNotFoundError:
        return []


def _recorded_pid(lock_file: Path) -> int | None:
    lines = _read_lines(lock_file)
    return int(lines[0]) if lines and lines[0].isdigit() else None


def _forget_pid(lock_file: Path) -> None:
    """Let a stale lock file name no process, and keep the rest: PostgreSQL checks the shared memory it names."""
    lines = _read_lines(lock_file)
    if lines:
        lock_file.write_text("\n".join([str(NO_SUCH_PID), *lines[1:]]) + "\n")
    else:
        lock_file.unlink(missing_ok=True)


def _is_alive(pid: int) -> bool:
    try:
        # A killed process gives back its memory, then its files, and is a zombie only after that: whoever starts the
        # next server holds the lock by then, and would pass for the dead one.
        return psutil.Process(pid).memory_info().rss > 0
    except psutil.Error:
        return False
