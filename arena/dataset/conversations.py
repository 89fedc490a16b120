"""What was said in the battles of a release before each vote, read batch by batch in constant memory."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.compute as pc  # type: ignore[import-untyped]

from arena.tables import SIDES, Side
from ratings.arrays import IntArray
from ratings.board_files import STYLE_COLUMNS
from ratings.release.checks import BATTLES_FILE, TURNS_FILE
from ratings.release.populations import VOTES_FILE
from ratings.release.tables import TableReader, TableWriter

ROWS: Final = 512
GROUP_ROWS: Final = 2_048  # of conversations: a group of each file is in memory at once, and its footer
FILE_BATTLES: Final = 250_000  # several files are written at once, each with a footer in memory
ANSWERED: Final = ("answered", "stopped")
_TEXTS: Final = pa.schema(
    [(name, pa.string()) for name in ("battle_id", "prompt", "response_a", "response_b")]
)

People = Literal["people", "demo"]


@dataclass(frozen=True, kw_only=True, eq=False)
class Conversations:
    """Some voted battles, and the turns that each vote is about.

    Those of battle i are the turns from `offsets[i]` up to `offsets[i + 1]` of `prompts` and `answers`.
    """

    votes: pa.Table
    languages: pa.ChunkedArray
    prompts: pa.Array
    answers: Mapping[Side, pa.Array]
    offsets: IntArray

    @property
    def turns(self) -> IntArray:
        """How many turns each battle has."""
        return np.diff(self.offsets)

    @cached_property
    def spoken(self) -> dict[Side, list[str]]:
        """The answers of each side as Python's own texts, which takes longest of all that is done with them."""
        return {side: self.answers[side].to_pylist() for side in SIDES}

    @cached_property
    def _messages(self) -> dict[Side, dict[str, pa.Array]]:
        """Role and text of prompts and answers in turns, made once for all files that hold them."""
        roles = pa.array(["user", "assistant"] * len(self.prompts), pa.string())
        return {
            side: {"role": roles, "content": self._in_turns(self.prompts, self.answers[side])}
            for side in SIDES
        }

    def messages(
        self,
        side: Side,
        fields: Sequence[str] = ("role", "content"),
        **more: tuple[pa.Array, pa.Array],
    ) -> pa.StructArray:
        """Prompts and answers of one side in turns; a field of `more` has a value for each prompt and each answer."""
        columns = self._messages[side] | {name: self._in_turns(*both) for name, both in more.items()}
        return pa.StructArray.from_arrays([columns[field] for field in fields], names=[*fields])

    def _in_turns(self, of_prompts: pa.Array, of_answers: pa.Array) -> pa.Array:
        size = len(self.prompts)
        return pa.concat_arrays([of_prompts, of_answers]).take(
            pa.array(np.arange(2 * size).reshape(2, size).T.ravel())
        )

    def by_battle(self, values: pa.Array, first: int = 0, each: int = 1) -> pa.ListArray:
        """A list for each battle, of values of which there are `each` for a turn, but for the first ones."""
        starts, ends = self.offsets[:-1] * each + first, self.offsets[1:] * each
        if not first:
            return pa.ListArray.from_arrays(pa.array(np.append(starts, ends[-1:]), pa.int32()), values)
        kept = np.ones(len(values), dtype=bool)
        kept[(starts[:, np.newaxis] - 1 - np.arange(first)).ravel()] = False
        offsets = np.cumsum(np.append(0, ends - starts))
        return pa.ListArray.from_arrays(pa.array(offsets, pa.int32()), values.filter(pa.array(kept)))

    def sums(self, values: IntArray) -> IntArray:
        """Add up values of the turns for each battle."""
        sums: IntArray = np.diff(np.append(0, np.cumsum(values))[self.offsets])
        return sums


def counted_populations(manifest: Mapping[str, Any]) -> tuple[list[str], People]:
    """Whose votes files for other programs hold: people's on real models; of an arena without any, all it has."""
    own = {name: said for name, said in manifest["populations"].items() if said["votes_file"] == VOTES_FILE}
    people = [name for name, said in own.items() if said["kind"] == "people"]
    if any(own[name]["votes"] for name in people):
        return people, "people"
    return [*own], "demo"


def view_writer(path: Path, schema: pa.Schema) -> TableWriter:
    """Open a table of conversations for other programs, divided where there are many."""
    return TableWriter(path, schema, group_rows=GROUP_ROWS, file_rows=FILE_BATTLES)


def read_conversations(
    directory: Path, populations: Collection[str], *, rows: int = ROWS
) -> Iterator[Conversations]:
    """The battles whose votes are on the boards of these populations."""
    turns = _Turns(directory / TURNS_FILE, rows)
    batches = zip(
        TableReader(directory / VOTES_FILE).batches(rows),
        TableReader(directory / BATTLES_FILE).batches(rows, ["battle_id", "language"]),
        strict=True,
    )
    for cast, fought in batches:
        if not cast["battle_id"].equals(fought["battle_id"]):
            raise ValueError(
                f"{VOTES_FILE} and {BATTLES_FILE} do not hold the same battles in the same order."
            )
        table = pa.Table.from_batches([cast]).append_column("language", fought["language"])
        said = turns.up_to(cast["battle_id"][-1])
        found = _conversations(table, said, populations)
        if found.votes.num_rows:
            yield found


class _Turns:
    """The turns before the reveal that were answered, in their order."""

    def __init__(self, path: Path, rows: int) -> None:
        columns = [*_TEXTS.names, "after_reveal", "state"]
        self._batches = TableReader(path).batches(rows, columns)
        self._waiting = _TEXTS.empty_table()
        self._last: str | None = ""

    def up_to(self, battle_id: pa.StringScalar) -> pa.Table:
        """All that are left of battles up to this one."""
        while self._last is not None and self._last <= battle_id.as_py():
            batch = next(self._batches, None)
            if batch is None:
                self._last = None
                break
            self._last = batch["battle_id"][-1].as_py()
            rows = pa.Table.from_batches([batch])
            answered = pc.is_in(rows["state"], value_set=pa.array(ANSWERED))
            rows = rows.filter(pc.and_(answered, pc.invert(rows["after_reveal"])))
            self._waiting = pa.concat_tables([self._waiting, rows.select(_TEXTS.names).cast(_TEXTS)])
        count = pc.sum(pc.less_equal(self._waiting["battle_id"], battle_id)).as_py() or 0
        found, self._waiting = self._waiting.slice(0, count), self._waiting.slice(count)
        return found


def _conversations(votes: pa.Table, turns: pa.Table, populations: Collection[str]) -> Conversations:
    known = pa.array([*populations], pa.string())
    chosen = pc.and_(pc.is_in(votes["population"], value_set=known), pc.invert(votes["over_frequent"]))
    chosen = pc.and_(chosen, pc.is_valid(votes[STYLE_COLUMNS[0]]))
    chosen = pc.and_(chosen, pc.is_in(votes["battle_id"], value_set=turns["battle_id"]))
    votes = votes.filter(chosen)
    places = pc.index_in(turns["battle_id"], votes["battle_id"].combine_chunks())
    turns, places = turns.filter(pc.is_valid(places)), pc.drop_null(places)
    counts = np.bincount(places.to_numpy(), minlength=votes.num_rows)
    return Conversations(
        votes=votes.drop_columns(["language"]),
        languages=votes["language"],
        prompts=_flat(turns["prompt"]),
        answers={side: _flat(turns[f"response_{side}"]) for side in SIDES},
        offsets=np.append(0, np.cumsum(counts)),
    )


def _flat(column: pa.ChunkedArray) -> pa.Array:
    return pa.concat_arrays(column.chunks) if column.num_chunks else pa.array([], column.type)
