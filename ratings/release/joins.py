"""Whether the tables of a release fit together, read piece by piece: all stand in the order of `battle_id`."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.compute as pc  # type: ignore[import-untyped]

from ratings.release.boards import MODELS_FILE
from ratings.release.checks import BATTLES_FILE, TURNS_FILE, board_files
from ratings.release.findings import Finding, WrongRows
from ratings.release.populations import VOTES_FILE
from ratings.release.tables import TableReader

_SAME_IN_BOTH: Final = ("population", "model_a", "model_b", "propensity")
_PLAYED: Final = {"a": ("model_a", "version_a"), "b": ("model_b", "version_b")}
Played = set[tuple[str, str, int | None]]


def check_joins(directory: Path, manifest: Mapping[str, Any]) -> list[Finding]:
    """Find battles without a vote, votes and turns without a battle, turns that are missing, models nobody knows.

    Memory does not grow with the release. Tables of which one is out of order are not compared.
    """
    boards, order, index, apart = WrongRows(), WrongRows(), WrongRows(), WrongRows()
    played: Played = set()
    for name in board_files(manifest):
        for _ in _in_order(name, _pieces(directory, name), boards):
            pass
    keys = ("battle_id", *_SAME_IN_BOTH)
    battles = _Rows(_in_order(BATTLES_FILE, _battles(directory, keys, played), order))
    votes = _Rows(_in_order(VOTES_FILE, _pieces(directory, VOTES_FILE, *keys), order))
    turns = _Rows(_in_order(TURNS_FILE, _first_turns(directory, index), order))
    while reached := [rows.last for rows in (battles, votes, turns) if rows.last is not None]:
        here = [rows.up_to(min(reached)) for rows in (battles, votes, turns)]
        _compare(apart, *here)
    compared = [] if order else apart.findings()
    alone = [finding for each in (boards, order, index) for finding in each.findings()]
    return [*alone, *compared, *_check_models(directory, played)]


class _Rows:
    """The rows of a table, which come in pieces and are taken battle by battle."""

    def __init__(self, pieces: Iterator[pa.Table]) -> None:
        self._pieces = pieces
        self._waiting = next(pieces)
        self._fill()

    @property
    def last(self) -> str | None:
        """The battle that was read last; None at the end of the table."""
        ids = self._waiting["battle_id"]
        return ids[-1].as_py() if len(ids) else None

    def up_to(self, battle_id: str) -> pa.Table:
        """Those that are left of battles up to this one, as far as they were read."""
        count = pc.sum(pc.less_equal(self._waiting["battle_id"], battle_id)).as_py() or 0
        found, self._waiting = self._waiting.slice(0, count), self._waiting.slice(count)
        self._fill()
        return found

    def _fill(self) -> None:
        """Some pieces are empty: of turns that all belong to a battle that began before."""
        while not self._waiting.num_rows and (piece := next(self._pieces, None)) is not None:
            self._waiting = piece


def _pieces(directory: Path, name: str, *columns: str) -> Iterator[pa.Table]:
    """Some columns of a table, at least one piece of it, even if that has no rows."""
    table = TableReader(directory / name)
    columns = columns or ("battle_id",)
    batches = table.batches(columns=columns)
    empty = table.schema.empty_table().select([*columns])
    yield next((pa.Table.from_batches([batch]).select([*columns]) for batch in batches), empty)
    for batch in batches:
        yield pa.Table.from_batches([batch]).select([*columns])


def _battles(directory: Path, keys: tuple[str, ...], played: Played) -> Iterator[pa.Table]:
    """The battles; `played` comes to know the models on each side, and their versions."""
    versions = [version for _, version in _PLAYED.values()]
    for rows in _pieces(directory, BATTLES_FILE, *keys, *versions):
        for side, both in _PLAYED.items():
            pairs = rows.group_by([*both]).aggregate([])
            played.update((side, *pair.values()) for pair in pairs.select([*both]).to_pylist())
        yield rows


def _first_turns(directory: Path, index: WrongRows) -> Iterator[pa.Table]:
    """The first row of each battle's turns, which are numbered from 0 without a gap."""
    battle: str | None = None
    following = 0
    for rows in _pieces(directory, TURNS_FILE, "battle_id", "index"):
        ids = rows["battle_id"].combine_chunks()
        begins = pc.fill_null(pc.not_equal(ids, _before(ids, battle)), True).to_numpy(zero_copy_only=False)
        starts = np.flatnonzero(begins)
        # Turns at the beginning may belong to the battle before.
        of = np.cumsum(begins) - 1
        place = np.arange(len(ids)) - starts[of] if len(starts) else np.arange(len(ids))
        place[of < 0] = following + np.arange(np.sum(of < 0))
        said = rows["index"].to_numpy()
        index.note(
            TURNS_FILE, "index is not the place of the turn in its battle", pa.array(said != place), ids
        )
        if len(ids):
            battle, following = ids[-1].as_py(), int(place[-1]) + 1
        yield rows.filter(pa.array(begins)).select(["battle_id"])


def _in_order(name: str, pieces: Iterator[pa.Table], order: WrongRows) -> Iterator[pa.Table]:
    """The same; notes what does not stand in the order of battles."""
    last: str | None = None
    for rows in pieces:
        ids = pa.concat_arrays(rows["battle_id"].chunks or [pa.array([], pa.string())])
        what = "battle_id does not come after the one before, or comes twice"
        order.note(name, what, pc.fill_null(pc.less_equal(ids, _before(ids, last)), False), ids)
        last = ids[-1].as_py() if len(ids) else last
        yield rows


def _before(ids: pa.Array, last: str | None) -> pa.Array:
    """For each row the battle of the row before; `last` for the first, null where there is none."""
    return pa.concat_arrays([pa.array([last], pa.string()), ids])[: len(ids)]


def _compare(wrong: WrongRows, battles: pa.Table, votes: pa.Table, turns: pa.Table) -> None:
    ids = battles["battle_id"]
    for name, rows in ((VOTES_FILE, votes), (TURNS_FILE, turns)):
        found = rows["battle_id"]
        if not found.equals(ids):
            stray = pc.invert(pc.is_in(found, value_set=ids))
            wrong.note(name, "the battle is not in the release", stray, found)
            wrong.note(BATTLES_FILE, f"nothing is in {name}", pc.invert(pc.is_in(ids, value_set=found)), ids)
    if votes["battle_id"].equals(ids):
        for key in _SAME_IN_BOTH:
            differs = pc.invert(_same(battles[key], votes[key]))
            wrong.note(VOTES_FILE, f"{key} is not that of the battle", differs, ids)


def _same(one: pa.ChunkedArray, other: pa.ChunkedArray) -> Any:
    both_null = pc.and_(pc.is_null(one), pc.is_null(other))
    return pc.or_(both_null, pc.fill_null(pc.equal(one, other), False))


def _check_models(directory: Path, played: Played) -> Iterator[Finding]:
    listed = TableReader(directory / MODELS_FILE).read(["model", "versions"])
    numbers = {row["model"]: {period["number"] for period in row["versions"]} for row in listed.to_pylist()}
    if len(numbers) < listed.num_rows:
        yield Finding(file=MODELS_FILE, what="a model is listed twice")
    for side, model, version in sorted(played, key=str):
        if model not in numbers:
            what = f"{model!r} is missing, and stands on side {side} of a battle"
            yield Finding(file=MODELS_FILE, what=what)
        elif version is not None and version not in numbers[model]:
            yield Finding(file=MODELS_FILE, what=f"{model!r} has no version {version}, which a battle names")
