"""Train the classifiers anew: `python -m arena.tagging.train` writes `weights.npz` from `training_prompts.jsonl`.

Logistic regression with a quadratic penalty, one label after the other, by L-BFGS. Thresholds are chosen on
predictions for prompts that were left out (eight folds), so the labelled test file is not touched here.
"""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Final

import numpy as np
from scipy import sparse
from scipy.optimize import minimize
from scipy.special import expit
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from arena.tagging.classifier import BUCKETS, LABELS, WEIGHTS_FILE, features_of
from arena.tagging.labelled import LabelledPrompt, read_labelled_prompts
from arena.tagging.prompts import CRITERIA
from ratings.arrays import BoolArray, FloatArray, IntArray

TRAINING_FILE: Final = "training_prompts.jsonl"
FOLDS: Final = 8
SIGNAL_PENALTY: Final = 0.5
BUCKET_PENALTY: Final = 0.15
"""Precisions of the normal priors of the weights, chosen by log loss over the folds."""
THRESHOLDS: Final = np.arange(-2.0, 2.01, 0.1)
ABOUT: Final = 0.005


@dataclass(frozen=True)
class Design:
    """The training prompts as one matrix, signals first, and the standardisation of the signals."""

    matrix: sparse.csr_matrix
    labels: BoolArray  # prompts × labels
    signals: int


def design_of(prompts: Sequence[LabelledPrompt]) -> Design:
    """Features of all prompts, and which labels they deserve."""
    found = [features_of(prompt.prompt) for prompt in prompts]
    signals = np.array([features.signals for features in found])
    rows = np.repeat(np.arange(len(found)), [len(features.buckets) for features in found])
    columns = np.concatenate([features.buckets for features in found])
    values = np.concatenate(
        [np.full(len(features.buckets), max(len(features.buckets), 1) ** -0.5) for features in found]
    )
    hashed = sparse.csr_matrix((values, (rows, columns)), shape=(len(found), BUCKETS))
    labels = np.array([[label in prompt.labels for label in LABELS] for prompt in prompts])
    return Design(
        sparse.csr_matrix(sparse.hstack([sparse.csr_matrix(signals), hashed])), labels, signals.shape[1]
    )


def fit(matrix: sparse.csr_matrix, labels: BoolArray, penalty: FloatArray) -> FloatArray:
    """The weights of one label."""
    signs = np.where(labels, 1.0, -1.0)

    def loss(weights: FloatArray) -> tuple[float, FloatArray]:
        margins = signs * (matrix @ weights)
        slope = -signs * expit(-margins)
        value = float(np.logaddexp(0, -margins).sum() + 0.5 * (penalty * weights**2).sum())
        return value, matrix.T @ slope + penalty * weights

    with threadpool_limits(1):  # threads cost more than they bring at this size
        solved = minimize(
            loss,
            np.zeros(matrix.shape[1]),
            jac=True,
            method="L-BFGS-B",
            options={"maxiter": 200, "ftol": 1e-8},
        )
    weights: FloatArray = solved.x
    return weights


def penalties(design: Design) -> FloatArray:
    """The penalty of each weight; the constant, which is the first signal, has next to none."""
    penalty = np.full(design.matrix.shape[1], BUCKET_PENALTY)
    penalty[: design.signals] = SIGNAL_PENALTY
    penalty[0] = 1e-3
    return penalty


def left_out_scores(design: Design) -> FloatArray:
    """Scores of every prompt by weights that were fitted without its fold; prompts × labels.

    Folds are blocks of the file, which was written batch by batch: prompts of one manner or language stay together,
    so that thresholds are chosen for manners that the weights have not met.
    """
    folds: IntArray = np.arange(len(design.labels)) * FOLDS // len(design.labels)
    found = np.zeros(design.labels.shape)
    for fold in range(FOLDS):
        inside, outside = np.flatnonzero(folds != fold), np.flatnonzero(folds == fold)
        for label in range(len(LABELS)):
            weights = fit(design.matrix[inside], design.labels[inside, label], penalties(design))
            found[outside, label] = design.matrix[outside] @ weights
    return found


def best_threshold(scores: FloatArray, labels: BoolArray, beta: float) -> float:
    """The threshold nearest to even odds of those with about the best F measure: single prompts must not decide."""
    measures = [_f_measure(scores > threshold, labels, beta) for threshold in THRESHOLDS]
    smooth = np.convolve(measures, np.ones(7) / 7, mode="same")
    smooth[:3] = smooth[-3:] = 0.0
    good = THRESHOLDS[smooth >= smooth.max() - ABOUT]
    return float(good[np.argmin(np.abs(good))])


def beta_of(label: str) -> float:
    """How much recall counts against precision: a board of its own is spoilt by strangers more than by gaps."""
    return 1.0 if label in CRITERIA else 0.7


def _f_measure(given: BoolArray, labels: BoolArray, beta: float) -> float:
    wanted = beta**2 * float(labels.sum()) + float(given.sum())
    return (1 + beta**2) * float((given & labels).sum()) / max(wanted, 1.0)


def main() -> None:
    """Train, say how well it does on prompts left out, and write the weights."""
    design = shipped_design()
    held_out = left_out_scores(design)
    thresholds = np.array(
        [
            best_threshold(held_out[:, label], design.labels[:, label], beta_of(name))
            for label, name in enumerate(LABELS)
        ]
    )
    for label, name in enumerate(LABELS):
        given, true = held_out[:, label] > thresholds[label], design.labels[:, label]
        precision, recall = (given & true).sum() / max(given.sum(), 1), (given & true).sum() / true.sum()
        loss = np.logaddexp(0, np.where(true, -1, 1) * held_out[:, label]).mean()
        sys.stdout.write(
            f"{name:24} n {true.sum():4} precision {precision:.2f} recall {recall:.2f} "
            f"log loss {loss:.3f} threshold {thresholds[label]:+.1f}\n"
        )
    save(
        Path(str(resources.files("arena.tagging"))) / WEIGHTS_FILE,
        fit_all(design),
        design.signals,
        thresholds,
    )


def shipped_design() -> Design:
    """The training prompts that come with the program."""
    return design_of(read_labelled_prompts(Path(str(resources.files("arena.tagging"))) / TRAINING_FILE))


def fit_all(design: Design) -> FloatArray:
    """The weights of all labels, fitted on all prompts; labels × features."""
    return np.array(
        [fit(design.matrix, design.labels[:, label], penalties(design)) for label in range(len(LABELS))]
    )


def save(path: Path, weights: FloatArray, signals: int, thresholds: FloatArray) -> None:
    """Store the weights of words in a byte each."""
    hashed = weights[:, signals:]
    scale = np.abs(hashed).max(axis=1) / 127
    np.savez_compressed(
        path,
        signals=weights[:, :signals].round(3).astype(np.float32),
        buckets=np.rint(hashed / scale[:, None]).astype(np.int8),
        scale=scale.astype(np.float32),
        thresholds=thresholds.round(1).astype(np.float32),
    )


if __name__ == "__main__":
    main()
