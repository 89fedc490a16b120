"""Models with ties on real votes; the data stays outside the repository."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from ratings.arrays import FloatArray, IntArray
from ratings.bradley_terry import fit_bradley_terry
from ratings.comparisons import Comparisons
from ratings.encoding import WINNERS
from ratings.held_out import held_out_log_loss
from ratings.ties import fit_ties


def arena_counts(folder: Path) -> Comparisons:
    """1,670,250 votes of the public Chatbot Arena up to August 2024."""
    data = json.loads((folder / "chatbot-arena-2024-08" / "counts.json").read_text())
    models = np.array(data["models"], dtype=object)
    pairs = np.repeat(np.array(data["X"]), len(WINNERS), axis=0)
    table = {
        "model_a": models[pairs[:, 0]],
        "model_b": models[pairs[:, 1]],
        "winner": list(WINNERS) * len(data["X"]),
        "count": np.array(data["Y"]).ravel(),
    }
    return Comparisons.from_battles(pd.DataFrame(table))


@pytest.fixture(scope="module")
def arena(real_data: Path) -> Comparisons:
    return arena_counts(real_data)


def places(strengths: FloatArray) -> IntArray:
    return np.argsort(np.argsort(-strengths))


def test_davidson_changes_no_rank_and_rao_kupper_six_at_most(arena: Comparisons) -> None:
    half = places(fit_bradley_terry(arena).strengths)
    davidson, rao_kupper = (fit_ties(arena, model=model) for model in ("davidson", "rao-kupper"))
    assert (places(davidson.strengths) == half).all()
    assert np.abs(places(rao_kupper.strengths) - half).max() == 6
    assert davidson.tie_parameter == pytest.approx(0.115576408, abs=1e-9)
    assert rao_kupper.tie_parameter == pytest.approx(0.767006547, abs=1e-9)
    assert max(davidson.gradient_norm, rao_kupper.gradient_norm) < 1e-9


def test_optimum_is_no_worse_than_published_software(arena: Comparisons) -> None:
    """leaderbot 0.4.3, trained to 1e-12 without both_bad, stops 5e-8 above these losses."""
    for model, loss, tie in (
        ("davidson", 1388755.097097123, -0.602214),
        ("rao-kupper", 1388034.440448523, 0.449990),
    ):
        fit = fit_ties(arena, model=model, both_bad="exclude")  # type: ignore[arg-type]
        assert loss - 1e-6 < fit.loss < loss
        assert fit.tie_parameter == pytest.approx(tie, abs=1e-6)


def test_grounded_puts_models_on_an_absolute_scale(arena: Comparisons) -> None:
    fit = fit_ties(arena, model="grounded")
    strengths = dict(zip(fit.models, fit.strengths.tolist(), strict=True))
    assert strengths["chatgpt-4o-latest"] == pytest.approx(1.508, abs=5e-4)
    assert strengths["llama-13b"] == pytest.approx(-0.923, abs=5e-4)
    # The worst two of 129 would both be called bad about every second time, the best two every tenth.
    assert fit.probabilities("llama-13b", "dolly-v2-12b")["both_bad"] == pytest.approx(0.55, abs=0.01)
    assert fit.probabilities("chatgpt-4o-latest", "gpt-4o-2024-05-13")["both_bad"] == pytest.approx(
        0.10, abs=0.01
    )


def test_which_model_foresees_real_votes(arena: Comparisons) -> None:
    three = held_out_log_loss(arena, rng=np.random.default_rng(1)).set_index("model")
    assert three.log_loss.round(4).to_dict() == {
        "rao-kupper": 1.0583,
        "half": 1.0584,
        "davidson": 1.0586,
        "grounded": 1.0621,
    }
    assert three.difference["davidson"] > 10 * three.difference_error["davidson"]
    four = held_out_log_loss(arena, rng=np.random.default_rng(1), outcomes=4).set_index("model")
    assert four.index[0] == "grounded"
    assert (four.difference[1:] > 10 * four.difference_error[1:]).all()


def test_the_same_bytes_for_any_number_of_blas_threads(real_data: Path) -> None:
    program = (
        "import hashlib, sys; from pathlib import Path; from ratings.ties import fit_ties;"
        "from tests.unit.ratings.test_ties_real_data import arena_counts;"
        "votes = arena_counts(Path(sys.argv[1]));"
        "fits = [fit_ties(votes, model=model) for model in ('rao-kupper', 'davidson', 'grounded')];"
        "print(hashlib.sha256(b''.join(f.parameters.tobytes() + f.covariance.tobytes() for f in fits)).hexdigest())"
    )
    digests = {
        subprocess.run(
            [sys.executable, "-c", program, str(real_data)],
            env={"OPENBLAS_NUM_THREADS": threads, "PYTHONPATH": str(Path(__file__).parents[3])},
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        for threads in ("1", "2", "4")
    }
    assert len(digests) == 1
