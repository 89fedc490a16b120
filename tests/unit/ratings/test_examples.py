import doctest
import importlib
import pkgutil

import pytest

import ratings

MODULES = [module.name for module in pkgutil.iter_modules(ratings.__path__, "ratings.")]


@pytest.mark.parametrize("name", [name for name in MODULES if name != "ratings.__main__"])
def test_examples_in_docstrings_are_true(name: str) -> None:
    assert doctest.testmod(importlib.import_module(name)).failed == 0


def test_public_surface_is_what_is_declared() -> None:
    assert all(hasattr(ratings, name) for name in ratings.__all__)
    assert callable(ratings.leaderboard)
    assert ratings.__all__ == sorted(
        ratings.__all__, key=lambda name: (not name.isupper(), name.islower(), name)
    )
