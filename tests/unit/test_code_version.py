"""The version of the program says which sources computed something."""

from pathlib import Path

import pytest

from arena import __version__
from arena.code_version import PACKAGES, code_version, sources_digest


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """Two modules, one of them further in."""
    package = tmp_path / "here" / "numbers"
    (package / "further").mkdir(parents=True)
    (package / "one.py").write_bytes(b"ONE = 1\n")
    (package / "further" / "two.py").write_bytes(b"TWO = 2\n")
    (package / "notes.txt").write_bytes(b"no module")
    return package


def test_place_line_ends_and_other_files_are_nothing(package: Path, tmp_path: Path) -> None:
    before = sources_digest((package,))
    (package / "notes.txt").write_bytes(b"something else")
    (package / "one.py").write_bytes(b"ONE = 1\r\n")
    (package / "migrations").mkdir()
    (package / "migrations" / "first.py").write_bytes(b"as in a wheel")
    there = tmp_path / "there" / "numbers"
    there.parent.mkdir()
    assert sources_digest((package.rename(there),)) == before


def test_every_change_of_a_module_is_another_version(package: Path) -> None:
    seen = {sources_digest((package,))}
    (package / "one.py").write_bytes(b"ONE = 2\n")
    seen.add(sources_digest((package,)))
    (package / "one.py").rename(package / "three.py")
    seen.add(sources_digest((package,)))
    (package / "further" / "four.py").write_bytes(b"")
    seen.add(sources_digest((package,)))
    assert len(seen) == 4


def test_version_is_that_of_both_packages() -> None:
    assert [path.name for path in PACKAGES] == ["arena", "ratings"]
    assert code_version() == f"{__version__}+{sources_digest(PACKAGES)[:12]}"
