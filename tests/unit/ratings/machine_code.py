"""Where machine code is tested."""

import pytest

from ratings.compiled import can_compile
from tests.conftest import IN_CI


def require_numba() -> None:
    """Skip where Numba is absent, except in CI, where compiled functions must be tested."""
    if not can_compile():
        message = "no Numba found: install ratings' extra `numba`"
        pytest.fail(message) if IN_CI else pytest.skip(message)
