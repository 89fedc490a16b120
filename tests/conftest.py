"""What all tests share: one throw-away Postgres a test process, and the folder with the real data."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from arena.db import upgrade
from arena.postgres import EmbeddedPostgres

ROOT = Path(__file__).resolve().parent.parent
IN_CI = os.environ.get("CI") == "true"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Browser tests last: Playwright keeps an event loop running that no asynchronous test can share."""
    items.sort(key=lambda item: "browser" in item.path.parts)


@pytest.fixture(scope="session")
def postgres() -> Iterator[EmbeddedPostgres]:
    """A server that is quick and forgets everything on a crash; in a folder that its account can enter."""
    home = Path(tempfile.mkdtemp(prefix="arena-tests-"))
    home.chmod(0o755)
    with EmbeddedPostgres(home, durable=False) as server:
        yield server
    shutil.rmtree(home, ignore_errors=True)


@pytest.fixture(scope="session")
def database_url(postgres: EmbeddedPostgres) -> str:
    """A migrated database for this test process."""
    url = postgres.url("arena")
    upgrade(url)
    return url


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder with real votes; skips where it is absent, except in CI, where it must be there."""
    folder = Path(os.environ.get("ARENA_TEST_DATA", ROOT.parent / "shared" / "data"))
    if not folder.is_dir():
        if IN_CI:
            pytest.fail(f"{folder} is missing, and CI must test on real data")
        pytest.skip(f"{folder} is missing: set ARENA_TEST_DATA to test on real data")
    return folder
