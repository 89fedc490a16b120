"""Who meets whom, and with what probability."""

from collections import Counter
from random import Random

import pytest

from arena.battles import reason_from_the_start
from arena.errors import NoModels
from arena.matchmaking import Pair, choose_pair, eligible
from arena.tables import Model


def models(*names: str, demo: bool = False, private_test: bool = False) -> list[Model]:
    return [Model(name=name, demo=demo, private_test=private_test) for name in names]


def test_pairs_and_sides_are_drawn_evenly() -> None:
    random = Random(1)
    drawn = Counter()
    for _ in range(12_000):
        pair = choose_pair(models("x", "y", "z"), random)
        assert pair.propensity == pytest.approx(1 / 3)
        drawn[pair.model_a.name, pair.model_b.name] += 1
    assert len(drawn) == 6
    # Six cells of 2,000: five standard deviations are 204.
    assert all(abs(count - 2000) < 204 for count in drawn.values())


def test_demo_models_never_meet_real_ones() -> None:
    both = models("one", "two") + models("demo-a", "demo-b", demo=True)
    assert [model.name for model in eligible(both)] == ["one", "two"]
    lonely = models("one") + models("demo-a", "demo-b", demo=True)
    assert [model.name for model in eligible(lonely)] == ["demo-a", "demo-b"]


def test_private_tests_never_meet_demo_models() -> None:
    demo = models("demo-a", "demo-b", demo=True)
    assert eligible(models("test", private_test=True) + demo) == demo
    assert eligible(models("demo-c", demo=True, private_test=True) + demo) == demo


@pytest.mark.parametrize("demo", [False, True])
def test_no_private_test_goes_to_the_board_of_the_demo_models(demo: bool) -> None:
    [test], [other] = models("test", demo=demo, private_test=True), models("demo-a", demo=True)
    for a, b in ((test, other), (other, test)):
        pair = Pair(model_a=a, model_b=b, propensity=1)
        assert reason_from_the_start("human", pair) == "private_test"
        assert reason_from_the_start("simulated", pair) == "simulated_voter"


@pytest.mark.parametrize("few", [[], models("one"), models("one") + models("demo-a", demo=True)])
def test_one_model_is_no_pair(few: list[Model]) -> None:
    with pytest.raises(NoModels):
        choose_pair(few, Random(1))
