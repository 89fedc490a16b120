"""Fixtures of tests that run with and without machine code."""

import pytest

from tests.unit.ratings.machine_code import require_numba


@pytest.fixture
def numba() -> None:
    """What needs Numba."""
    require_numba()


@pytest.fixture(params=[False, True], ids=["arrays", "machine code"])
def is_compiled(request: pytest.FixtureRequest) -> bool:
    """Both ways to compute."""
    if request.param:
        require_numba()
    return bool(request.param)
