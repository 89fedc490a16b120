"""What a contestant can be asked to do."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from benchmarks.ratings.votes import Votes


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What a contestant found: rating points by model, half-widths of 95 % intervals, and single figures by name."""

    ratings: Mapping[str, float] = field(default_factory=dict)
    half_widths: Mapping[str, float] = field(default_factory=dict)
    figures: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Operation:
    """A piece of work: only `run` is timed, from what `prepare` made of the votes to a finished result."""

    prepare: Callable[[Votes], Any]
    run: Callable[[Any], Any]
    answer: Callable[[Any], Answer]


def by_model(models: Any, values: Any) -> dict[str, float]:
    return {str(model): float(value) for model, value in zip(models, values, strict=True)}
