import numpy as np

from arena.ballots import FREQUENT_LEAST, over_frequent


def test_only_prompts_far_above_the_rest_are_thinned() -> None:
    """2,000 prompts asked once or twice, and one asked 400 times: its first votes stay."""
    rng = np.random.default_rng(1)
    prompts = np.concatenate([np.arange(2000), np.arange(1000), np.full(400, 5000)])
    votes = rng.permutation(len(prompts))
    frequent = over_frequent(prompts, votes)
    assert set(prompts[frequent]) == {5000}
    stays = votes[(prompts == 5000) & ~frequent]
    assert len(stays) == FREQUENT_LEAST
    assert stays.max() < votes[frequent].min()


def test_prompts_that_are_all_asked_often_stay() -> None:
    """As on a board of simulated voters, who know eighteen questions."""
    prompts = np.repeat(np.arange(18), 200)
    assert not over_frequent(prompts, np.arange(len(prompts))).any()


def test_no_votes_are_no_trouble() -> None:
    assert over_frequent(np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)).tolist() == []
