"""The storm of `tests/integration/test_crashes.py`, a hundred battles long."""

import pytest

from tests.integration.figures import say
from tests.integration.players import Ledger
from tests.integration.programs import installation
from tests.integration.storm import check_accounts, storm

BATTLES = 100
KILLS = 12


@pytest.mark.slow
@pytest.mark.timeout(900)
async def test_a_hundred_battles_among_crashes_lose_no_vote(pytestconfig: pytest.Config) -> None:
    """Web, database and endpoint are killed four times each."""
    ledger = Ledger()
    async with installation(servers=3) as arena:
        await storm(arena, ledger, battles=BATTLES, at_once=4, kills=KILLS, seed=7)
        states = await check_accounts(arena.database_url, ledger)
    say(pytestconfig, votes_kept=len(ledger.acknowledged), longest_outage=max(ledger.outages), **states)
    assert set(ledger.killed.values()) == {KILLS // 3}
    assert sum(states.values()) >= BATTLES
    assert ledger.ever_told["interrupted"]
