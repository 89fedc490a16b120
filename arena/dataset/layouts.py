"""Which columns of a votes file make a vote, and which of its rows are votes."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.compute as pc  # type: ignore[import-untyped]

from arena.dataset.blocks import NO_TEXT, Block
from arena.dataset.rejects import Reject
from arena.errors import DatasetInvalid
from arena.tables import WINNERS
from ratings.errors import InvalidComparisonsError
from ratings.published_layouts import WINNER_WORDS, Layout, known_columns, recognise

MOST_LETTERS = 200
CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
# A judge that was asked twice, with the sides swapped; models that a judge contradicts itself about are tied.
_GAMES = ("g1_winner", "g2_winner")
_FLAGS = {"0": 0.0, "1": 1.0, "false": 0.0, "true": 1.0, "0.0": 0.0, "1.0": 1.0}

Codes = npt.NDArray[np.int32]


@dataclass(frozen=True, kw_only=True)
class VoteColumns:
    """Where a file keeps what makes a vote."""

    name: str
    layout: Layout
    games: tuple[str, ...] = ()

    @property
    def voter(self) -> str | None:
        """Whose vote it is: a judge is a voter here."""
        return self.layout.columns.get("voter") or ("judge" if "judge" in self.layout.others else None)

    def needed(self) -> list[str]:
        """The columns of the file to read."""
        return list(dict.fromkeys([*self.layout.needed(), *self.games]))

    def described(self) -> str:
        """Which columns were taken for which, where that is not plain."""
        taken = {**self.layout.columns, "voter": self.voter}
        said = [f"{ours} = {theirs}" for ours, theirs in taken.items() if theirs not in (ours, None)]
        if self.games:
            said = [*said[:2], f"winner = {' and '.join(self.games)}", *said[3:]]
        if self.layout.one_hot:
            said.append("ties include both bad, which this layout does not tell apart")
        return f"{self.name} layout" + (f" ({', '.join(said)})" if said else "")


def recognise_votes(columns: Sequence[str]) -> VoteColumns:
    """Find out from its columns what a file is; raises `DatasetInvalid`."""
    for column in (*known_columns(columns).values(), "judge"):
        if columns.count(column) > 1:
            raise DatasetInvalid(f"the column {column} is there twice. Rename one of them.")
    is_games = set(_GAMES) <= set(columns) and "winner" not in columns
    try:
        layout = recognise(columns, mapping={"winner": _GAMES[0]} if is_games else None)
    except InvalidComparisonsError as error:
        known = known_columns(columns)
        missing = [name for name in ("model_a", "model_b", "winner") if name not in known]
        found = ", ".join(dict.fromkeys(name.partition(".")[0] for name in columns)) or "none"
        raise DatasetInvalid(
            f"no column {', '.join(missing)}; found: {found}. Rename the columns."
        ) from error
    layout = layout.narrowed(columns, features=(), dates=False, keep=())
    name = "MT-Bench pairs" if is_games else layout.name
    return VoteColumns(name=name, layout=layout, games=_GAMES if is_games else ())


def votes_of(block: Block, columns: VoteColumns) -> tuple[pa.Table, list[Reject]]:
    """Tell votes from rows that are none: the votes as columns line, model_a, model_b, winner, voter."""
    check = _Check(block)
    models = {side: _names(check, columns.layout.columns[side], side) for side in ("model_a", "model_b")}
    _reject_same(check, *models.values())
    winners = _winners(check, columns, set(models["model_a"].dictionary.to_pylist()))
    for column, why in columns.layout.kept_if_true.items():
        check.reject_values(
            column, lambda value: (value or "").lower() in ("false", "0"), f"{column} is false: {why}"
        )
    for amount, why in (("count", "Write one row for each vote"), ("weight", "Votes have no weights here")):
        if amount in columns.layout.columns:
            column = columns.layout.columns[amount]
            check.reject_values(column, lambda value: not _is_one(value), f"{column} is not 1. {why}")
    voters = _voters(check, columns.voter)
    kept = pa.array(np.flatnonzero(~check.wrong))
    votes = pa.table({"line": pa.array(block.lines), **models, "winner": winners, "voter": voters})
    rejects = sorted([*block.unreadable, *check.rejects()], key=lambda reject: reject.line)
    return (votes.take(kept) if len(kept) < len(votes) else votes), rejects


class _Check:
    """Which rows of a block are no votes, each with the first reason found."""

    def __init__(self, block: Block) -> None:
        self.block = block
        self.wrong: npt.NDArray[np.bool_] = np.zeros(block.columns.num_rows, dtype=bool)
        self._why: dict[int, str] = {}

    def coded(self, column: str) -> tuple[Codes, list[str | None]]:
        """A column as codes into its distinct values; None is one of them, the last."""
        encoded = self.block.columns[column].combine_chunks().dictionary_encode()
        if isinstance(encoded, pa.ChunkedArray):
            encoded = encoded.combine_chunks()
        values = [*encoded.dictionary.to_pylist(), None]
        return encoded.indices.fill_null(len(values) - 1).to_numpy(zero_copy_only=False), values

    def reject(self, rows: npt.NDArray[np.bool_], why: Callable[[int], str]) -> None:
        for row in np.flatnonzero(rows & ~self.wrong).tolist():
            self._why[row] = why(row)
        self.wrong |= rows

    def reject_values(self, column: str, is_wrong: Callable[[str | None], bool], why: str) -> None:
        """Reject the rows with such values."""
        codes, values = self.coded(column)
        wrong = np.array([is_wrong(value) for value in values])
        if wrong.any():
            self.reject(wrong[codes], lambda row: why)

    def rejects(self) -> list[Reject]:
        lines = self.block.lines
        return [
            Reject(line=int(lines[row]), why=why, row=self.block.raw(row)) for row, why in self._why.items()
        ]


def _names(check: _Check, column: str, side: str) -> pa.DictionaryArray:
    codes, values = check.coded(column)
    names = [(value or "").strip() for value in values]
    missing = np.array([not name for name in names])
    broken = np.array([len(name) > MOST_LETTERS or CONTROL.search(name) is not None for name in names])
    check.reject(missing[codes], lambda row: f"{side} is missing")
    if broken.any():
        check.reject(broken[codes], lambda row: f"{side} is not a model name")
    return pa.DictionaryArray.from_arrays(codes, pa.array(names, pa.string()))


def _reject_same(check: _Check, first: pa.DictionaryArray, second: pa.DictionaryArray) -> None:
    place: dict[str, int] = {}
    one, other = (
        np.array([place.setdefault(name, len(place)) for name in names.dictionary.to_pylist()])[
            names.indices.to_numpy()
        ]
        for names in (first, second)
    )
    check.reject(one == other, lambda row: "a model against itself")


def _winners(check: _Check, columns: VoteColumns, models: set[str]) -> pa.DictionaryArray:
    if columns.layout.one_hot:
        winners = _winners_of_one_hot(check, columns.layout.one_hot)
    else:
        found = [
            _labels(check, column, models) for column in columns.games or (columns.layout.columns["winner"],)
        ]
        winners = found[0]
        for other in found[1:]:
            winners = np.where(winners == other, winners, WINNERS.index("tie")).astype(np.int32)
    return pa.DictionaryArray.from_arrays(winners, pa.array(WINNERS))


def _labels(check: _Check, column: str, models: set[str]) -> Codes:
    codes, values = check.coded(column)
    words = [WINNER_WORDS.get((value or "").strip().lower()) for value in values]
    unknown = np.array([word is None for word in words])

    def why(row: int) -> str:
        value = values[codes[row]]
        named = ", the name of a model: say on which side it stood" if value in models else ""
        return f"{column} is {(value or '')[:MOST_LETTERS]!r}{named}; use {', '.join(WINNERS[:-1])} or {WINNERS[-1]}"

    if unknown.any():
        check.reject(unknown[codes], why)
    ours: Codes = np.array([WINNERS.index(word) if word in WINNERS else 0 for word in words], dtype=np.int32)
    return ours[codes]


def _winners_of_one_hot(check: _Check, columns: Sequence[str]) -> Codes:
    """Which of "a won", "b won", "tie" is 1; they stand in the order of our labels."""
    flags = []
    for column in columns:
        codes, values = check.coded(column)
        flags.append(np.array([_FLAGS.get((value or "").lower(), np.nan) for value in values])[codes])
    table = np.column_stack(flags)
    check.reject(
        ~(table.sum(axis=1) == 1),
        lambda row: f"exactly one of {', '.join(columns)} is 1 in a vote, the others 0",
    )
    winners: Codes = np.nan_to_num(table).argmax(axis=1).astype(np.int32)
    return winners


def _voters(check: _Check, column: str | None) -> pa.Array:
    if column is None:
        return pa.nulls(len(check.wrong), pa.string())
    voters = check.block.columns[column].combine_chunks()
    voters = pc.if_else(pc.equal(voters, ""), pa.scalar(None, pa.string()), voters)
    _reject_marked(check, pc.match_substring(voters, NO_TEXT), f"{column} is not a text")
    too_long = pc.greater(pc.utf8_length(voters), MOST_LETTERS)
    _reject_marked(check, too_long, f"{column} is longer than {MOST_LETTERS} letters")
    return voters


def _reject_marked(check: _Check, marked: pa.Array, why: str) -> None:
    rows = pc.fill_null(marked, False)
    if pc.any(rows).as_py():
        check.reject(rows.to_numpy(zero_copy_only=False), lambda row: why)


def _is_one(value: str | None) -> bool:
    try:
        return float(value or "") == 1
    except ValueError:
        return False
