"""Mark everything here `vllm`, skip it unless it was asked for and can run, and serve the canned models."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.vllm.make_environment import ALPHA, BETA, missing_parts
from tests.vllm.servers import Server, running_servers

ASKED_FOR = "ARENA_TEST_VLLM"
TIMEOUT_SECONDS = 400  # the first test of a session waits for two servers to start


def reason_to_skip() -> str | None:
    """Say why these tests cannot run now, and what to do about it."""
    if os.environ.get(ASKED_FOR) != "1":
        return f"the tests against real vLLM run only when asked for: make test-vllm, or {ASKED_FOR}=1"
    if missing := missing_parts():
        return (
            f"REAL vLLM WAS ASKED FOR BUT IS NOT BUILT: missing or out of date: {', '.join(missing)}. "
            "Run python tests/vllm/make_environment.py"
        )
    return None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    reason = reason_to_skip()
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.vllm)
            item.add_marker(pytest.mark.timeout(TIMEOUT_SECONDS))
            if reason:
                item.add_marker(pytest.mark.skip(reason=reason))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Repeat the reason in red at the very end: a run that asked for vLLM and got none looks green."""
    reason = reason_to_skip()
    if reason and os.environ.get(ASKED_FOR) == "1":
        terminalreporter.section("vLLM", red=True, bold=True)
        terminalreporter.line(reason, red=True)


@pytest.fixture(scope="session")
def vllm_servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, Server]]:
    """Both canned models, alpha first, for tests that leave the servers alive."""
    with running_servers([ALPHA, BETA], tmp_path_factory.mktemp("vllm")) as (alpha, beta):
        yield alpha, beta


@pytest.fixture
def doomed_server(tmp_path: Path) -> Iterator[Server]:
    """A server of its own for a test that kills or stops it."""
    with running_servers([ALPHA], tmp_path) as (server,):
        yield server
