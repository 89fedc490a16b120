"""Choose a battle's pair and record with what probability it was drawn."""

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from arena.errors import NoModels
from arena.tables import Model

MATCHMAKING_RULE = (
    "Each pair of the models that can answer at that moment is drawn with the same probability, 1 / (n (n − 1) / 2) of"
    " n models, and each side with probability 1/2. The pair is drawn before the prompt is looked at, and stored with"
    " its probability before either model is asked. Demo models are drawn only where fewer than two others can"
    " answer, and never meet them."
)


@dataclass(frozen=True, kw_only=True)
class Pair:
    """Two models on their sides, and the probability of drawing this pair (in either order)."""

    model_a: Model
    model_b: Model
    propensity: float


def eligible(models: Sequence[Model]) -> list[Model]:
    """Real models if two can answer, else the demo models: the two kinds never meet in one battle.

    A private test that bears a demo model's name is of neither kind.
    """
    real = [model for model in models if not model.demo]
    demo = [model for model in models if model.demo and not model.private_test]
    return real if len(real) >= 2 else demo


def choose_pair(models: Sequence[Model], random: Random) -> Pair:
    """Draw two of the models uniformly, sides included; raises `NoModels` when fewer than two can answer."""
    candidates = sorted(eligible(models), key=lambda model: model.name)
    if len(candidates) < 2:
        raise NoModels
    model_a, model_b = random.sample(candidates, 2)
    pairs = len(candidates) * (len(candidates) - 1) / 2
    return Pair(model_a=model_a, model_b=model_b, propensity=1 / pairs)
