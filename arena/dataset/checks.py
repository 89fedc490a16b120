"""What makes a row unfit for a release: turns that are missing, labels nobody knows, answers that are no text."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, get_args

import numpy as np
import numpy.typing as npt
import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.compute as pc  # type: ignore[import-untyped]

from arena.dataset.shaping import Rows
from arena.settings import ReleasePolicy
from arena.tables import WINNERS, TurnState

STATES: Final = tuple(state for state in get_args(TurnState) if state != "answering")
POLICIES: Final = get_args(ReleasePolicy)
# An answer that is nothing but this was never text: somebody stored the object in place of what it says.
NO_TEXT: Final = (
    r"^\s*(<(async_generator|generator|coroutine|[\w.]+) object [^>]* at 0x[0-9a-f]+>\s*$|data: ?\{\"id\"|"
    r"ChatCompletion(Chunk)?\(id=|\[object Object\]\s*$)"
)
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True)
class Fault:
    """A row that is unfit, and why."""

    vote_id: int
    battle_id: str
    why: str
    by_model: bool = False  # a model wrote what it should not have: any voter can bring that about

    def __str__(self) -> str:
        return f"vote {self.vote_id} (battle {self.battle_id}): {self.why}"


def faults_of(rows: Rows) -> list[Fault]:
    """Every fault in these rows, by battle; each kind of fault once a battle."""
    found: dict[tuple[int, str], Fault] = {}
    by_programs, by_models = (*_of_battles(rows), *_of_turns(rows.turns)), [*_of_answers(rows.turns)]
    for place, (table, bad, why) in enumerate((*by_programs, *by_models)):
        for row in np.flatnonzero(bad).tolist():
            vote_id, battle_id = table["vote_id"][row].as_py(), table["battle_id"][row].as_py()
            said = why if table is rows.battles else f"turn {table['index'][row].as_py()}: {why}"
            found.setdefault(
                (vote_id, said),
                Fault(vote_id=vote_id, battle_id=battle_id, why=said, by_model=place >= len(by_programs)),
            )
    return [found[key] for key in sorted(found)]


def _of_battles(rows: Rows) -> Iterator[tuple[pa.Table, Mask, str]]:
    battles = rows.battles
    turns, counts = np.unique(rows.turns["vote_id"].to_numpy(), return_counts=True)
    place = np.searchsorted(turns, battles["vote_id"].to_numpy())
    missing = ~np.isin(battles["vote_id"].to_numpy(), turns)
    yield battles, missing, "it has no turn"
    yield battles, _repeated(battles["vote_id"].to_numpy()), "it has more than one vote"
    last = np.zeros(battles.num_rows, np.bool_)
    if len(turns):
        order = np.lexsort((rows.turns["index"].to_numpy(), rows.turns["vote_id"].to_numpy()))
        index = rows.turns["index"].to_numpy()[order]
        starts = np.cumsum(counts) - counts
        wrong = index != np.arange(len(index)) - np.repeat(starts, counts)
        broken = np.logical_or.reduceat(wrong, starts)
        last = broken[np.minimum(place, len(turns) - 1)] & ~missing
    yield battles, last, "its turns are not numbered 0, 1, 2, …"
    yield battles, _unknown(battles["winner"], WINNERS), f"its winner is none of {', '.join(WINNERS)}"
    yield (
        battles,
        _unknown(battles["release_policy"], POLICIES),
        f"its release policy is none of {', '.join(POLICIES)}",
    )
    yield battles, _truth(pc.equal(battles["model_a"], battles["model_b"])), "a model against itself"
    odd = pc.or_(pc.less_equal(battles["propensity"], 0), pc.greater(battles["propensity"], 1))
    yield battles, _truth(odd), "its propensity is no probability"
    yield battles, _truth(battles["tags"].is_null()), "nobody has tagged it"


def _of_turns(turns: pa.Table) -> Iterator[tuple[pa.Table, Mask, str]]:
    yield turns, _unknown(turns["state"], STATES), f"its state is none of {', '.join(STATES)}"
    for side in "ab":
        state = turns[f"state_{side}"]
        absent = _truth(state.is_null())
        yield turns, absent, f"there is no side {side}"
        yield (
            turns,
            _unknown(state, STATES) & ~absent,
            f"the state of side {side} is none of {', '.join(STATES)}",
        )


def _of_answers(turns: pa.Table) -> Iterator[tuple[pa.Table, Mask, str]]:
    answered = _truth(pc.equal(turns["state"], "answered"))
    for side in "ab":
        response = turns[f"response_{side}"]
        empty = _truth(pc.match_substring_regex(response, r"^\s*$"))
        yield turns, empty & answered, f"the answer of side {side} is empty"
        yield (
            turns,
            _truth(pc.match_substring_regex(response, NO_TEXT)),
            f"the answer of side {side} is an object, not text",
        )


def _unknown(column: Any, known: tuple[str, ...]) -> Mask:
    return _truth(pc.invert(pc.is_in(column, value_set=pa.array(known))))


def _repeated(values: npt.NDArray[np.int64]) -> Mask:
    """Which of these sorted values are like the one before."""
    repeated: Mask = np.diff(values, prepend=-1) == 0
    return repeated


def _truth(column: Any) -> Mask:
    mask: Mask = pc.fill_null(column, False).to_numpy(zero_copy_only=False).astype(np.bool_)
    return mask
