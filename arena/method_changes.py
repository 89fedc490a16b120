"""The changelog of the method: what changed in how the numbers are made, why, and to what effect."""

import tomllib
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from importlib import resources


@dataclass(frozen=True, kw_only=True)
class MethodChange:
    """One version of the method."""

    date: date
    version: str
    title: str
    what: str
    why: str
    effect: str


@lru_cache(maxsize=1)
def method_changes() -> tuple[MethodChange, ...]:
    """Every change, newest first."""
    text = resources.files("arena").joinpath("method_changes.toml").read_text(encoding="utf-8")
    return tuple(MethodChange(**change) for change in tomllib.loads(text)["change"])
