"""How often the rules are right, as measured on prompts and answers that were labelled by hand."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from typing import Any, Final

ACCURACY_FILE: Final = "accuracy.json"


@dataclass(frozen=True, kw_only=True)
class Accuracy:
    """Of the texts that a rule tagged, the share that deserved it; of those that deserve it, the share tagged."""

    precision: float | None  # None where the rule tagged nothing
    recall: float | None  # None where nothing deserves the tag
    labelled: int  # texts that were judged
    positive: int  # of these, how many deserve the tag


@lru_cache(maxsize=2)
def measured_accuracies(*, unlike_training: bool = False) -> Mapping[str, Accuracy]:
    """What was measured, by tag; on all prompts, or only on those written unlike the training prompts."""
    path = resources.files("arena.tagging").joinpath(ACCURACY_FILE)
    measured: Mapping[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return {
        tag: Accuracy(**found)
        for tag, found in measured["unlike_training" if unlike_training else "tags"].items()
    }


def measured_accuracy(tag: str) -> Accuracy | None:
    """What was measured for a tag; None for tags that are counted, not judged, and for rare languages."""
    return measured_accuracies().get(tag)
