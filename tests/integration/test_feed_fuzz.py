"""Whatever is asked of the feed within its OpenAPI description, and beyond, nothing in it breaks."""

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.integration.conftest import settings_of_tests
from tests.integration.published_days import GOOD, clear, publish
from tests.integration.serving import Serving

EXAMPLES = 25
KNOWN = {"name": "llmfao", "model": GOOD}
OPEN = "^/(feed|badge|embed)/"


@pytest.fixture(scope="module")
def url(database_url: str, real_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A program with boards of three days, in a thread of its own: schemathesis asks synchronously."""
    asyncio.run(publish(database_url, real_data / "llmfao" / "crowd-comparisons.csv"))
    started, stop = threading.Event(), threading.Event()
    serving = Serving(settings_of_tests(database_url, tmp_path_factory.mktemp("home")))

    async def serve() -> None:
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


@pytest.mark.parametrize("mode", list(schemathesis.GenerationMode))
def test_nothing_asked_of_the_feed_breaks_it(url: str, mode: schemathesis.GenerationMode) -> None:
    description = schemathesis.openapi.from_url(f"{url}/openapi.json").include(path_regex=OPEN)
    operations = [found.ok() for found in description.get_all_operations()]
    assert len(operations) >= 14
    if mode is schemathesis.GenerationMode.NEGATIVE:  # every string is a path; only a query can be wrong
        operations = [operation for operation in operations if operation.query]
    statuses = set()
    for operation in operations:

        @given(case=operation.as_strategy(generation_mode=mode), known=st.booleans())
        @settings(
            max_examples=EXAMPLES,
            deadline=None,
            database=None,
            derandomize=True,
            phases=[Phase.explicit, Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        def ask(case: schemathesis.Case, known: bool) -> None:
            if known:  # a name made up is refused before much can go wrong
                case.path_parameters.update({k: v for k, v in KNOWN.items() if k in case.path_parameters})
            answer = case.call(base_url=url, timeout=20)
            assert answer.status_code < 500, (answer.request.url, answer.text)
            statuses.add(answer.status_code)

        ask()
    assert {200, 422} <= statuses if mode is schemathesis.GenerationMode.NEGATIVE else {200, 404} <= statuses
