"""Preferences as trainers read them: a prompt, the answer that was preferred, and the other one."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.compute as pc  # type: ignore[import-untyped]

from arena.dataset.conversations import Conversations, view_writer
from arena.dataset.lane import Lane
from arena.tables import SIDES

PREFERENCES: Final = "preference/preferences.parquet"
_MESSAGES: Final = pa.list_(pa.struct([("role", pa.string()), ("content", pa.string())]))
_SCHEMA: Final = pa.schema(
    [
        ("prompt", _MESSAGES),
        ("chosen", _MESSAGES),
        ("rejected", _MESSAGES),
        ("chosen_model", pa.string()),
        ("rejected_model", pa.string()),
        ("battle_id", pa.string()),
    ]
)


@contextmanager
def preference_writer(directory: Path) -> Iterator[Callable[[Conversations], None]]:
    """What writes the decisive votes among conversations, in the conversational form of TRL.

    The prompt is what both models were asked first. From there on the conversations part: of a battle with several
    turns, `chosen` and `rejected` hold what followed on each side, later prompts included.
    """
    (directory / PREFERENCES).parent.mkdir(exist_ok=True)
    with view_writer(directory / PREFERENCES, _SCHEMA) as writer, Lane() as lane:
        yield lambda said: lane.submit(writer.write, _preferences(said))


def _preferences(said: Conversations) -> pa.Table:
    votes, rows = said.votes, said.votes.num_rows
    winners = votes["winner"].combine_chunks()
    decided = np.flatnonzero(pc.is_in(winners, value_set=pa.array(["model_a", "model_b"])))
    won_by_b = pc.equal(winners, "model_b").to_numpy(zero_copy_only=False)[decided]
    # What is of side b stands behind all that is of side a.
    chosen, rejected = (pa.array(decided + rows * is_b) for is_b in (won_by_b, ~won_by_b))
    followed = pa.concat_arrays([said.by_battle(said.messages(side), first=1, each=2) for side in SIDES])
    models = pa.concat_arrays([votes[f"model_{side}"].combine_chunks() for side in SIDES])
    # The first message of both sides is the same prompt.
    firsts = pa.array(2 * said.offsets[:-1][decided])
    return pa.table(
        {
            "prompt": pa.ListArray.from_arrays(
                pa.array(np.arange(len(decided) + 1), pa.int32()), said.messages("a").take(firsts)
            ),
            "chosen": followed.take(chosen),
            "rejected": followed.take(rejected),
            "chosen_model": models.take(chosen),
            "rejected_model": models.take(rejected),
            "battle_id": votes["battle_id"].combine_chunks().take(pa.array(decided)),
        },
        schema=_SCHEMA,
    )
