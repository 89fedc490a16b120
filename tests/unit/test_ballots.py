import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]
import pytest

from arena import ballots
from arena.ballots import FREQUENT_LEAST, BallotBox, over_frequent


def test_what_changed_is_put_where_it_belongs(monkeypatch: pytest.MonkeyPatch) -> None:
    """New votes, changed and erased ones, at the end, at the beginning and in between, in any order."""
    monkeypatch.setattr(ballots, "_MOST_PIECES", 3)
    rng = np.random.default_rng(2)
    box, known, labels = BallotBox(), dict[int, str](), np.array(["model_a", "model_b", "tie", "both_bad"])
    for turn in range(40):
        low = 0 if turn % 4 == 0 else 10 * turn
        written = rng.choice(np.arange(low, 10 * turn + 30), rng.integers(0, 20), replace=False)
        left = sorted(known.keys() - set(written.tolist()))
        gone = rng.choice(left, min(len(left), int(rng.integers(0, 3))), replace=False)
        if not len(written) and not len(gone):
            continue
        winners = labels[rng.integers(0, 1 + turn % 4, len(written))]
        columns = {"vote_id": written, "winner": pa.array(winners.tolist(), pa.string()).dictionary_encode()}
        none = [columns.get(field.name, pa.nulls(len(written), field.type)) for field in box.rows.schema]
        before, changes = dict(known), box.changes
        known |= dict(zip(written.tolist(), winners.tolist(), strict=True))
        known = {number: winner for number, winner in known.items() if number not in set(gone.tolist())}
        box._replace(pa.table(none, schema=box.rows.schema), pa.array(gone, pa.int64()))
        assert box.rows["vote_id"].to_pylist() == sorted(known)
        assert box.rows["winner"].to_pylist() == [known[number] for number in sorted(known)]
        assert box.changes == changes + (before != known)


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
