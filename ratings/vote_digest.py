"""One order and one digest for a table of votes, whatever its rows' order and its voters' names."""

import hashlib
import json
from collections.abc import Callable
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.compute as pc  # type: ignore[import-untyped]

from ratings.arrays import BoolArray, IntArray, begins, sorted_together
from ratings.columns import Battles
from ratings.errors import InvalidComparisonsError
from ratings.threads import in_order, thread_count

_KEY_LIMIT = 2**62
_COLUMNS_OF_A_NUMBER = 2
_WIDEST_SPAN = 2**63
Codes: TypeAlias = npt.NDArray[np.signedinteger[Any]]


@dataclass(frozen=True, kw_only=True, eq=False)
class CanonicalVotes:
    """Votes in an order that depends on what they say alone.

    Attributes
    ----------
    order : int64, shape (n_votes,)
        Rows of the table in canonical order: voters with fewer votes first, then by what they said. Of rows, and of
        voters, that say the same, any comes first.
    voters : int64, shape (n_votes,)
        Number of each row's voter, in that order; whoever cast the votes leaves no trace in it.
    digest : str
        SHA-256, in hexadecimal digits, of all columns but the voter's, and of which votes were one voter's.
    """

    order: IntArray
    voters: IntArray
    digest: str


def canonical_votes(votes: Battles, *, voter: str = "voter") -> CanonicalVotes:
    """Order a table of votes by content and compute its digest.

    Parameters
    ----------
    votes : DataFrame, Arrow Table or RecordBatch; n_votes rows
        Columns of text, whole numbers or truth values, none of them missing. The column ``voter`` may be absent
        or hold nulls: such a vote is a voter of its own.
    voter : str, default "voter"
        Column of the voters' identities, which are compared with each other and not written into the digest.

    Returns
    -------
    CanonicalVotes
        The same for shuffled rows, renamed voters, reordered columns and any type of table. Two tables of equal
        digest hold the same votes, kept apart by voter in the same way.

    Raises
    ------
    InvalidComparisonsError
        If a column holds nulls, or numbers that are not whole.

    Notes
    -----
    Rows are sorted by packed integer keys, voters by their sorted sequences of rows, so 3 million votes take seconds
    and no hash is computed per vote.
    """
    with ThreadPoolExecutor(1) as beside:
        order, voters, digest = _ordered(_table(votes), voter, beside)
        return CanonicalVotes(order=order, voters=voters, digest=digest())


def in_canonical_order(votes: pa.Table) -> tuple[pa.Table, str]:
    """Put a table in canonical order, with voters' numbers in the place of voters; and its digest."""
    names = [name for name in votes.column_names if name != "voter"]
    with ThreadPoolExecutor(1) as beside:
        rows, voters, digest = _ordered(votes, "voter", beside)
        order = pa.array(rows)
        columns = in_order(lambda name: votes[name].combine_chunks().take(order), names, thread_count(None))
        ordered = dict(zip(names, columns, strict=True)) | {"voter": pa.array(voters)}
        return pa.table(ordered), digest()


def _ordered(table: pa.Table, voter: str, beside: Executor) -> tuple[IntArray, IntArray, Callable[[], str]]:
    """Order, voters and digest of `CanonicalVotes`; of the last what takes long is computed beside all else."""
    names = sorted(name for name in table.column_names if name != voter)
    kinds, codes = (
        zip(*(coded_column(name, table[name]) for name in names), strict=True) if names else ((), ())
    )
    by_content, new = _sorted_rows(list(codes), table.num_rows)
    distinct, content = by_content[new], _ranks(by_content, new)
    digest = hashlib.sha256(json.dumps(dict(zip(names, kinds, strict=True)), sort_keys=True).encode())

    def add_contents() -> None:
        for column in codes:
            digest.update(column[distinct].astype("<i8"))

    added = beside.submit(add_contents)
    order, sizes = grouped_by_voter(voter_numbers(table, voter), by_content)
    ranked, numbers, said = _sorted_voters(content[order], sizes)

    def finish() -> str:
        added.result()
        for part in said:
            digest.update(part.tobytes())
        return digest.hexdigest()

    return order[ranked], numbers, finish


def _table(votes: Battles) -> pa.Table:
    if isinstance(votes, pd.DataFrame):
        return pa.Table.from_pandas(votes, preserve_index=False)
    return pa.Table.from_batches([votes]) if isinstance(votes, pa.RecordBatch) else votes


def coded_column(name: str, column: pa.ChunkedArray) -> tuple[Any, Codes]:
    """What the digest says of a column, and its values as integers that sort as they do, as small as they come."""
    if column.null_count:
        row = int(np.argmax(column.is_null().to_numpy()))
        raise InvalidComparisonsError(f"Row {row}: {name} is missing. Fill it in or drop the row.")
    if pa.types.is_boolean(column.type):
        return "truth", column.to_numpy().astype(np.int8)
    if pa.types.is_integer(column.type):
        values = column.to_numpy()
        return "number", values if values.dtype.kind == "i" else values.astype(np.int64)
    if not (
        pa.types.is_dictionary(column.type)
        or pa.types.is_string(column.type)
        or pa.types.is_large_string(column.type)
    ):
        raise InvalidComparisonsError(
            f"The column {name} is of type {column.type}: a digest needs text, whole numbers or truth values."
        )
    coded = column if pa.types.is_dictionary(column.type) else column.dictionary_encode()
    chunk = coded.unify_dictionaries().combine_chunks()
    values = [str(value) for value in chunk.dictionary.to_pylist()] if len(chunk) else []
    indices = chunk.indices.to_numpy() if len(chunk) else np.zeros(0, dtype=np.int64)
    used = np.flatnonzero(np.bincount(indices, minlength=len(values)))
    listed = sorted({values[index] for index in used})
    place = {value: number for number, value in enumerate(listed)}
    lookup = np.array([place.get(value, -1) for value in values] or [0], dtype=np.int32)
    return listed, lookup[indices]


def dense_ranks(codes: list[Codes], rows: int) -> tuple[IntArray, IntArray]:
    """Rows that say different things, sorted, one of each; and which of them each row is."""
    order, new = _sorted_rows(codes, rows)
    return order[new], _ranks(order, new)


def _sorted_rows(codes: list[Codes], rows: int) -> tuple[IntArray, BoolArray]:
    """Rows sorted by what they say, and which of them say something else than the one before."""
    if not rows:
        return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=bool)
    first, *others = _packed(codes) or [np.zeros(rows, dtype=np.int64)]
    order = np.argsort(first)
    new = begins(first[order])
    for key in others:
        _sort_alike(order, new, key)
    return order, new


def _ranks(order: IntArray, new: BoolArray) -> IntArray:
    content = np.empty(len(order), dtype=np.int64)
    content[order] = np.cumsum(new) - 1
    return content


def _sort_alike(order: IntArray, new: BoolArray, key: IntArray) -> None:
    """Sort rows that are alike so far by one more key; ``new`` says which rows differ from those before them."""
    alike = np.flatnonzero(~new | ~np.append(new[1:], True))
    group = np.cumsum(new)[alike]
    by_key = np.lexsort((key[order[alike]], group))
    order[alike] = order[alike][by_key]
    new[alike] |= begins(key[order[alike]])


def _packed(codes: list[Codes]) -> list[IntArray]:
    """As few integer keys as hold all columns; sorting by them in turn is sorting by the columns in turn."""
    keys: list[IntArray] = []
    room = 0
    for column in codes:
        low, high = int(column.min()), int(column.max())
        span = high - low + 1
        if keys and span < room:
            keys[-1] *= span
            keys[-1] += column.astype(np.int64) - low
            room //= span
        else:
            keys.append(column.astype(np.int64) - (low if span < _KEY_LIMIT else 0))
            room = _KEY_LIMIT // span
    return keys


def voter_numbers(table: pa.Table, name: str) -> IntArray:
    """Numbers of the voters, in no particular order; a vote without one gets a number of its own."""
    rows = table.num_rows
    if name not in table.column_names:
        return np.arange(rows, dtype=np.int64)
    column = table[name]
    if pa.types.is_integer(column.type) and not column.null_count:
        numbers: IntArray = column.to_numpy().astype(np.int64)
        return numbers
    coded = column if pa.types.is_dictionary(column.type) else column.dictionary_encode()
    if not rows:
        return np.zeros(0, dtype=np.int64)
    indices = coded.unify_dictionaries().combine_chunks().indices
    unknown = indices.is_null().to_numpy(zero_copy_only=False)
    numbers = pc.fill_null(indices, 0).to_numpy(zero_copy_only=False).astype(np.int64)
    return np.where(unknown, int(numbers.max()) + 1 + np.arange(rows), numbers)


def grouped_by_voter(voters: IntArray, by_content: IntArray) -> tuple[IntArray, IntArray]:
    """Rows by voter and content, and how many votes each voter cast, in that order; from the rows by content."""
    if not len(voters):
        return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)
    row, low = np.arange(len(voters)), int(voters.min())
    is_narrow = int(voters.max()) - low < _WIDEST_SPAN
    by_voter = sorted_together([(voters - low)[by_content], row]) if is_narrow else None
    if by_voter is None:
        number = np.unique(voters, return_inverse=True)[1][by_content]
        order = np.argsort(number, kind="stable")
        by_voter = [number[order], order]
    starts = np.flatnonzero(begins(by_voter[0]))
    return by_content[by_voter[1]], np.diff(starts, append=len(voters))


def _sorted_voters(content: IntArray, sizes: IntArray) -> tuple[IntArray, IntArray, list[npt.NDArray[Any]]]:
    """Places of the rows once voters stand in order of size and of what they said, the voters' numbers, and all that.

    What voters of a size said comes as their size and number, and then as one row each, in the bytes of a digest.
    """
    starts = np.cumsum(sizes) - sizes
    places: list[IntArray] = []
    counts: list[npt.NDArray[np.int64]] = []
    found: list[npt.NDArray[Any]] = []
    by_size = np.argsort(sizes, kind="stable")
    for voters in np.split(by_size, np.flatnonzero(begins(sizes[by_size]))[1:]) if len(sizes) else []:
        size = int(sizes[voters[0]])
        rows = starts[voters][:, np.newaxis] + np.arange(size)
        said = content[rows].astype(">u4")
        by_said = _order_of_rows(said)
        places.append(rows[by_said].ravel())
        counts.append(np.full(len(rows), size))
        found += [np.array([size, len(rows)], dtype="<i8"), said[by_said]]
    empty = [np.zeros(0, dtype=np.int64)]
    each = np.concatenate(empty + counts)
    return np.concatenate(empty + places), np.repeat(np.arange(len(each)), each), found


def _order_of_rows(rows: npt.NDArray[Any]) -> IntArray:
    """Order rows of numbers below 2**32, one column after the other; bytes from the largest down."""
    if rows.shape[1] > _COLUMNS_OF_A_NUMBER:
        return np.argsort(rows.view(f"V{rows.itemsize * rows.shape[1]}").ravel(), kind="stable")
    # Whole numbers are sorted several times faster.
    number = np.zeros(len(rows), dtype=np.uint64)
    for column in rows.T:
        number = (number << np.uint64(32)) | column.astype(np.uint64)
    return np.argsort(number)
