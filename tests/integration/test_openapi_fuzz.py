"""Whatever is asked within the OpenAPI description of the program, and beyond, nothing in it breaks."""

import asyncio
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from arena.dataset.publishing import publish_release
from arena.db import Database
from arena.voters import COOKIE
from tests.integration.conftest import settings_of_tests
from tests.integration.published_days import GOOD, clear, publish
from tests.integration.serving import Serving, answered_battle, start_battle, vote
from tests.integration.small_release import note_release, write_release

EXAMPLES, EXAMPLES_OF_BATTLES = 25, 12
KNOWN = {"name": "llmfao", "model": GOOD, "release": "2026-11", "path": "SHA256SUMS"}
OPEN = "^/(feed|badge|embed)/"
STAGES = ("nobody's", "answering", "answered", "voted")  # of the battle that is asked about
NEVER_GOOD = {"POST /api/v1/battles/{battle_id}/retry"}  # no model of this program fails
Prepare = Callable[[schemathesis.Case, str], dict[str, Any]]


@pytest.fixture(scope="module")
def url(database_url: str, real_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A program with boards of three days and a release, in a thread of its own: schemathesis asks synchronously."""
    asyncio.run(publish(database_url, real_data / "llmfao" / "crowd-comparisons.csv"))
    started, stop = threading.Event(), threading.Event()
    home = tmp_path_factory.mktemp("home")
    serving = Serving(settings_of_tests(database_url, home, release_destinations="site"))

    async def serve() -> None:
        database = Database(database_url)
        await note_release(database)
        await publish_release(database, serving.settings, write_release(home / "releases"))
        await database.close()
        async with serving:
            started.set()
            await asyncio.to_thread(stop.wait)

    thread = threading.Thread(target=asyncio.run, args=(serve(),))
    thread.start()
    assert started.wait(60)
    yield serving.url
    stop.set()
    thread.join(60)
    asyncio.run(clear(database_url))


def ask_all(
    url: str, operations: list[Any], mode: schemathesis.GenerationMode, examples: int, prepare: Prepare
) -> dict[str, set[int]]:
    """What each operation answers to many questions; fails where it breaks."""
    statuses = defaultdict(set)
    for operation in operations:

        @given(case=operation.as_strategy(generation_mode=mode), stage=st.sampled_from(STAGES))
        @settings(
            max_examples=examples,
            deadline=None,
            database=None,
            derandomize=True,
            phases=[Phase.explicit, Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        def ask(case: schemathesis.Case, stage: str) -> None:
            answer = case.call(base_url=url, timeout=20, **prepare(case, stage))
            assert answer.status_code < 500, (answer.request.method, answer.request.url, stage, answer.text)
            statuses[case.operation.label].add(answer.status_code)

        ask()
    return statuses


def with_known_names(case: schemathesis.Case, stage: str) -> dict[str, Any]:
    """A name made up is refused before much can go wrong."""
    if stage != STAGES[0]:
        case.path_parameters.update({k: v for k, v in KNOWN.items() if k in case.path_parameters})
    return {}


@pytest.mark.parametrize("mode", list(schemathesis.GenerationMode))
def test_nothing_asked_of_the_feed_breaks_it(url: str, mode: schemathesis.GenerationMode) -> None:
    description = schemathesis.openapi.from_url(f"{url}/openapi.json").include(path_regex=OPEN)
    operations = [found.ok() for found in description.get_all_operations()]
    assert len(operations) >= 14
    if mode is schemathesis.GenerationMode.NEGATIVE:  # every string is a path; only a query can be wrong
        operations = [operation for operation in operations if operation.query]
    statuses = set().union(*ask_all(url, operations, mode, EXAMPLES, with_known_names).values())
    assert {200, 422} <= statuses if mode is schemathesis.GenerationMode.NEGATIVE else {200, 404} <= statuses


@pytest.mark.parametrize("mode", list(schemathesis.GenerationMode))
def test_nothing_a_voter_asks_breaks_the_program(url: str, mode: schemathesis.GenerationMode) -> None:
    description = schemathesis.openapi.from_url(f"{url}/openapi.json").exclude(path_regex=OPEN)
    operations = [found.ok() for found in description.get_all_operations()]
    assert len(operations) >= 15
    if mode is schemathesis.GenerationMode.NEGATIVE:
        operations = [operation for operation in operations if operation.query or operation.body]

    def with_a_battle(case: schemathesis.Case, stage: str) -> dict[str, Any]:
        with_known_names(case, stage)
        if stage == STAGES[0] or not case.path.startswith("/api/"):
            return {}
        battle_id, cookie = asyncio.run(_battle(url, stage))
        if "battle_id" in case.path_parameters:
            case.path_parameters["battle_id"] = battle_id
        return {"cookies": {COOKIE: cookie}}

    statuses = ask_all(url, operations, mode, EXAMPLES_OF_BATTLES, with_a_battle)
    assert statuses.keys() == {operation.label for operation in operations}
    wanted = {422} if mode is schemathesis.GenerationMode.NEGATIVE else {200, 201, 204}
    missed = {
        label: each for label, each in statuses.items() if not each & wanted and label not in NEVER_GOOD
    }
    assert not missed


async def _battle(url: str, stage: str) -> tuple[str, str]:
    """A battle at some stage, and the cookie of its voter."""
    async with httpx2.AsyncClient(base_url=url, timeout=30, trust_env=False, verify=False) as voter:
        battle = await (start_battle if stage == "answering" else answered_battle)(voter)
        if stage == "voted":
            await vote(voter, battle["id"])
        return battle["id"], voter.cookies[COOKIE]
