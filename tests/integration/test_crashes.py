"""The real program, killed: what was acknowledged is kept, what was cut short is said to have been."""

import signal
from random import Random

import pytest

from arena.postgres import EmbeddedPostgres
from tests.integration.figures import say
from tests.integration.players import Ledger, Player
from tests.integration.programs import installation
from tests.integration.serving import start_battle
from tests.integration.storm import check_accounts, storm


async def test_killed_web_database_and_endpoint_lose_no_vote(pytestconfig: pytest.Config) -> None:
    """The short form of the hundred battles among the slow tests."""
    ledger = Ledger()
    async with installation(servers=2) as arena:
        await storm(arena, ledger, battles=10, at_once=4, kills=3, seed=11)
        states = await check_accounts(arena.database_url, ledger)
    say(pytestconfig, votes_kept=len(ledger.acknowledged), longest_outage=max(ledger.outages), **states)
    assert dict(ledger.killed) == {"web": 1, "database": 1, "endpoint": 1}
    assert ledger.ever_told["interrupted"], "the web process was killed while it was answering"
    assert len(ledger.acknowledged) >= 5


async def test_orderly_stop_lets_running_turns_finish() -> None:
    """SIGTERM while models answer: the answers are complete, and the database is stopped with the program."""
    async with installation(servers=1) as arena:
        async with arena.client() as voter:
            started = [await start_battle(voter, "How does TCP differ from UDP?") for _ in range(3)]
            await arena.web.end(signal.SIGTERM)
            assert EmbeddedPostgres(arena.home).pid() is None
            await arena.web.start()
            ledger = Ledger()
            player = Player(voter, ledger, Random(1))
            for battle in started:
                await player.settle(battle["id"])
        assert dict(ledger.ever_told) == {"answered": 3}
