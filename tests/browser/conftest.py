"""A browser and the real program for every test; each test is a new visitor."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from arena.gateway.demo_faults import Fault
from arena.postgres import EmbeddedPostgres
from tests.browser.stage import Stage, filled_arena, running_arena
from tests.conftest import IN_CI, ROOT

FLAGS = [
    "--no-sandbox",
    "--disable-dev-shm-usage",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-default-apps",
    "--disable-extensions",
    "--no-first-run",
    "--no-default-browser-check",
    "--metrics-recording-only",
    "--disable-domain-reliability",
    "--no-pings",
    "--disable-features=OptimizationHints,MediaRouter,Translate,AutofillServerCommunication",
    # Nothing outside this machine may even be looked up.
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
]
NAMES = ("chromium", "chromium-browser", "google-chrome")
FILLED = "filled"
PATIENCE_MILLISECONDS = 15_000

Ask = Callable[..., None]


@pytest.fixture(scope="session")
def chromium_path() -> str:
    """A Chromium of this machine; without one the tests are skipped, except in CI, where they must run."""
    path = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)
    if path is None:
        message = (
            "no Chromium found: install it (Debian: apt-get install chromium) or set CHROMIUM to its path"
        )
        pytest.fail(message) if IN_CI else pytest.skip(message)
    return path


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any], chromium_path: str) -> dict[str, Any]:
    return {**browser_type_launch_args, "executable_path": chromium_path, "args": FLAGS}


@pytest.fixture(scope="session")
def stage(chromium_path: str) -> Iterator[Stage]:
    """The program, started once; not at all where there is no browser."""
    expect.set_options(timeout=PATIENCE_MILLISECONDS)
    with running_arena() as stage:
        yield stage


@pytest.fixture(scope="session")
def filled_url(chromium_path: str, postgres: EmbeddedPostgres) -> Iterator[str]:
    """The program on boards with some history; filled from a process of its own, as the driver owns this one's loop."""
    url = postgres.url(FILLED)
    subprocess.run(
        [sys.executable, "-m", "tests.filled_arena", postgres.url("arena"), url, FILLED], cwd=ROOT, check=True
    )
    with filled_arena(url) as served:
        yield served


@pytest.fixture(scope="session")
def base_url(stage: Stage) -> str:
    return stage.url


@pytest.fixture
def ask(page: Page) -> Ask:
    """Start a battle with a prompt, and by default wait until both answers are there."""

    def start(prompt: str, *, wait: bool = True) -> None:
        page.goto("/")
        page.get_by_label("Your question or task").fill(prompt)
        page.get_by_role("button", name="Ask both models").click()
        page.wait_for_url("**/b/*")
        if wait:
            expect(page.get_by_role("status")).to_contain_text("Both answers are ready")

    return start


@pytest.fixture
def hurry(stage: Stage) -> Iterator[Callable[[], None]]:
    """Slow models, so that an answer lasts for as long as a busy machine may take to look at it; the call ends that."""
    usual = stage.models.speed
    stage.models.speed = usual / 10

    def end() -> None:
        stage.models.speed = usual

    yield end
    end()


@pytest.fixture
def failing(stage: Stage) -> Iterator[Callable[[Fault | None], None]]:
    """Make one of the two models fail from now on, or with None mend it."""

    def fail(fault: Fault | None) -> None:
        stage.models.faults.clear()
        if fault is not None:
            stage.models.faults[next(iter(stage.models.models))] = fault

    yield fail
    stage.models.faults.clear()
