import logging
import math
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from ratings.arrays import FloatArray
from ratings.compiled import can_compile, compiled, compiled_sums


@compiled
def running_root(values: FloatArray) -> float:
    total = 0.0
    for value in values:
        total = math.sqrt(total * total + value)
    return total


@compiled_sums
def harmonic(values: FloatArray) -> float:
    total = 0.0
    for place in range(len(values)):
        total += 1 / values[place]
    return total


@compiled
def divide(values: FloatArray, place: int) -> float:
    values[0] += 1
    if place > 5:
        raise IndexError(place)
    return float(values[0])


def test_both_paths_give_the_same_number() -> None:
    values = np.random.default_rng(1).random(1000)
    assert running_root(values) == running_root.plain(values) == pytest.approx(math.sqrt(values.sum()))


@pytest.mark.usefixtures("numba")
def test_sums_may_be_added_up_in_another_order() -> None:
    values = 1 + np.random.default_rng(1).random(100_000)
    total = harmonic(values)
    assert total == pytest.approx(harmonic.plain(values), rel=1e-13)
    assert total != harmonic.plain(values)
    assert total == harmonic(values.copy())


@pytest.mark.usefixtures("numba")
def test_runs_as_machine_code() -> None:
    values = np.ones(3)
    running_root(values)
    assert all(hasattr(code, "nopython_signatures") for code in running_root._signatures.values())
    assert running_root._signatures


def test_can_be_switched_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RATINGS_COMPILE", "0")
    assert not can_compile()

    @compiled
    def kind(values: FloatArray) -> bool:
        return isinstance(values, np.ndarray)

    assert kind(np.ones(1))
    assert not kind._signatures


def test_an_error_of_the_function_is_raised_once() -> None:
    values = np.zeros(2)
    with pytest.raises(IndexError):
        divide(values, 9)
    assert values[0] == 1


def test_what_cannot_be_compiled_runs_as_it_is(caplog: pytest.LogCaptureFixture) -> None:
    @compiled
    def first(values: FloatArray) -> object:
        return values.tolist()[0]

    with caplog.at_level(logging.WARNING):
        assert first(np.array([4.0, 2.0])) == 4.0
    assert not can_compile() or "first could not be compiled" in caplog.text


def run(program: str, **environment: str) -> str:
    result = subprocess.run(
        [sys.executable, "-W", "error", "-c", program],
        capture_output=True,
        text=True,
        env={**os.environ, **environment},
        cwd=Path(__file__).parents[3],
    )
    assert result.returncode == 0, result.stderr
    return result.stdout


def test_importing_does_not_import_numba() -> None:
    assert run("import sys, ratings, ratings.compiled; print('numba' in sys.modules)").strip() == "False"


BROKEN_NUMBA = """
import importlib.abc, sys
class Broken(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name == "numba":
            raise {error}("Numba needs NumPy 1.0 or less")
sys.meta_path.insert(0, Broken())
from ratings.compiled import can_compile, compiled, compiled_sums
print(can_compile(), compiled(abs)(-3))
"""


@pytest.mark.parametrize("error", ["ImportError", "ModuleNotFoundError"])
def test_a_missing_or_unusable_numba_is_no_error(error: str) -> None:
    assert run(BROKEN_NUMBA.format(error=error)).split() == ["False", "3"]


@pytest.mark.usefixtures("numba")
def test_a_read_only_cache_is_no_error(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("")
    program = tmp_path / "kernels.py"
    program.write_text(
        "from ratings.compiled import compiled\n\n@compiled\ndef double(x):\n    return 2 * x\n\n"
        "print(double(21.0), len(double._signatures))\n"
    )
    text = f"import runpy; runpy.run_path({str(program)!r})"
    assert run(text, NUMBA_CACHE_DIR=str(blocked / "below")).split() == ["42.0", "1"]
