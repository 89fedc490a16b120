"""Work that fails on the way, as tests of going on need it."""

from typing import Any

import pytest


def fail_call(monkeypatch: pytest.MonkeyPatch, owner: Any, function: str, number: int) -> None:
    """Let the call of this number fail, counted from 1, and all others go through."""
    whole, calls = getattr(owner, function), 0

    async def fails_once(*arguments: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == number:
            raise RuntimeError("the server is gone")
        return await whole(*arguments)

    monkeypatch.setattr(owner, function, fails_once)
