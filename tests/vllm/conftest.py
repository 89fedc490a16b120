"""Mark everything here `vllm`, run it only when asked for, and serve the canned models."""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from tests.conftest import IN_CI
from tests.integration.conftest import database as database
from tests.integration.conftest import session as session
from tests.integration.conftest import start_arena as start_arena
from tests.vllm.make_environment import ALPHA, BETA, missing_parts
from tests.vllm.servers import Server, health_status, restart_server, running_servers

ASKED_FOR = "ARENA_TEST_VLLM"
FIGURE = "figure"
TIMEOUT_SECONDS = 400  # the first test of a session waits for three servers to start


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
    if reason and IN_CI and os.environ.get(ASKED_FOR) == "1":
        raise pytest.UsageError(reason)  # a run in CI that silently tests nothing would look green
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.vllm)
            item.add_marker(pytest.mark.timeout(TIMEOUT_SECONDS))
            if reason:
                item.add_marker(pytest.mark.skip(reason=reason))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Show the figures that tests measured, and repeat in red why a run that asked for vLLM got none."""
    for line in _figures(terminalreporter.getreports("passed")):
        terminalreporter.line(line)
    reason = reason_to_skip()
    if reason and os.environ.get(ASKED_FOR) == "1":
        terminalreporter.section("vLLM", red=True, bold=True)
        terminalreporter.line(reason, red=True)


def _figures(reports: Sequence[pytest.TestReport]) -> Iterator[str]:
    for report in reports:
        yield from (str(value) for name, value in report.user_properties if name == FIGURE)


@pytest.fixture(scope="session")
def started_servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sequence[Server]]:
    """Both canned models, and alpha once more for tests that kill it; together they start sooner."""
    with running_servers([ALPHA, BETA, ALPHA], tmp_path_factory.mktemp("vllm")) as servers:
        yield servers


@pytest.fixture
def vllm_servers(started_servers: Sequence[Server]) -> tuple[Server, Server]:
    """Both canned models, alpha first, for tests that leave the servers alive."""
    alpha, beta, _ = started_servers
    return alpha, beta


@pytest.fixture
def doomed_server(started_servers: Sequence[Server]) -> Server:
    """A second server of alpha, for tests that kill or stop it; the next of them gets it started anew."""
    doomed = started_servers[-1]
    if health_status(doomed) != 200:
        restart_server(doomed)
    return doomed
