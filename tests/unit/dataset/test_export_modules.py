"""What an export loads: every MiB of it is one less for the votes."""

import subprocess
import sys

import pytest


@pytest.mark.parametrize("unneeded", ["aiohttp", "arena.gateway", "arena.jobs", "fastapi", "numba"])
def test_export_loads_nothing_that_it_does_not_need(unneeded: str) -> None:
    loads = (
        "import arena.cli, arena.privacy, arena.dataset.export, arena.operator_categories, arena.taggers, sys"
    )
    code = f"{loads}; print({unneeded!r} in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
