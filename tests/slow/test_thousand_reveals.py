"""The search of `tests/integration/test_anonymity.py`, until a thousand votes have revealed the names."""

from pathlib import Path

import pytest

from arena.gateway.demo_faults import Fault
from tests.integration.conftest import StartArena
from tests.integration.figures import say
from tests.integration.journeys import IMPATIENT, scan_battles
from tests.integration.planted import planted_models, serving_planted

REVEALS = 1000


@pytest.mark.slow
@pytest.mark.timeout(1500)
async def test_a_thousand_reveals_and_no_name_before_any(
    start_arena: StartArena, catalog: Path, monkeypatch: pytest.MonkeyPatch, pytestconfig: pytest.Config
) -> None:
    """A third of forty models show every fault there is, two times out of three."""
    models = planted_models(40)
    for model in models:
        monkeypatch.setenv(model.key_variable, model.key)
    async with serving_planted(models, catalog) as planted:
        arena = await start_arena(catalog=catalog, log_level="error", **IMPATIENT)
        scan = await scan_battles(arena.url, planted, battles=REVEALS, reveals=REVEALS, seed=2)
    hits = len(scan.leaked)
    say(pytestconfig, battles=len(scan.journeys), reveals=scan.reveals, bytes=scan.bytes_scanned, hits=hits)
    assert scan.leaked == set()
    assert min(planted.shown[fault] for fault in Fault) >= 10
