"""The digest of votes that memory does not hold at once: the one that `canonical_votes` gives of all of them."""

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa  # type: ignore[import-untyped]

from ratings.errors import InvalidComparisonsError
from ratings.sorted_runs import ROW_NUMBER, Run, merged, sorted_rows
from ratings.vote_digest import Codes, coded_column, dense_ranks, grouped_by_voter, voter_numbers

Part = Callable[[], pa.Table]
_READ = 2**20
_LARGEST_SPAN = 2**32


@dataclass(frozen=True, kw_only=True)
class _Column:
    """What is known of a column from all parts: what the digest says of it, and its least and largest code."""

    name: str
    kind: Any
    low: int
    high: int

    def codes(self, table: pa.Table) -> Codes:
        """Its values in one part, as codes of all parts."""
        kind, codes = coded_column(self.name, table[self.name])
        if isinstance(kind, str):
            return codes
        place = {value: number for number, value in enumerate(self.kind)}
        return np.array([place[value] for value in kind] or [0], dtype=np.int32)[codes]


def digest_of_parts(parts: Sequence[Part], scratch: Path, *, voter: str = "voter") -> str:
    """Compute the digest of votes in parts.

    Parameters
    ----------
    parts : sequence of callables
        Each reads a table as `canonical_votes` takes it, and is called twice; all votes of a voter are in one part.
    scratch : Path
        An empty folder for what is sorted: some 200 bytes a vote.
    voter : str, default "voter"

    Returns
    -------
    str
        SHA-256, in hexadecimal digits: that of `canonical_votes` for all votes together.

    Raises
    ------
    InvalidComparisonsError
        As `canonical_votes`, or if a column holds numbers that lie 2**32 or more apart.

    Notes
    -----
    Every part numbers what its votes say; merged, these sorted lists say which number that is among all parts. Then
    every voter is a row of numbers, and rows of one length are merged alike. Memory: that of a part, and some 16 MiB,
    or what voters take of whom each said the very same.
    """
    columns = _columns(parts, voter)
    said = [
        _Said.write(part(), columns, voter, scratch / f"said-{number}") for number, part in enumerate(parts)
    ]
    digest = hashlib.sha256(json.dumps({each.name: each.kind for each in columns}, sort_keys=True).encode())
    _number_contents(said, columns, scratch)
    for column in columns:
        for codes in _stretches(scratch / f"column-{column.name}", np.dtype(np.uint32)):
            digest.update((codes.astype("<i8") + column.low).tobytes())
    _add_voters([each.by_size() for each in said], digest)
    return digest.hexdigest()


def _columns(parts: Sequence[Part], voter: str) -> list[_Column]:
    kinds: dict[str, Any] = {}
    ends: dict[str, tuple[int, int]] = {}
    for part in parts:
        table = part()
        for name in sorted(set(table.column_names) - {voter}):
            kind, codes = coded_column(name, table[name])
            kinds[name] = kind if isinstance(kind, str) else sorted({*kinds.get(name, []), *kind})
            if len(codes):
                low, high = ends.get(name, (int(codes[0]), int(codes[0])))
                ends[name] = min(low, int(codes.min())), max(high, int(codes.max()))
    found = []
    for name in sorted(kinds):
        kind = kinds[name]
        low, high = ends.get(name, (0, 0)) if isinstance(kind, str) else (0, len(kind))
        if high - low >= _LARGEST_SPAN:
            raise InvalidComparisonsError(f"{name} goes from {low} to {high}: too far for votes in parts.")
        found.append(_Column(name=name, kind=kind, low=low, high=high))
    return found


@dataclass(frozen=True, kw_only=True)
class _Said:
    """What the votes of one part say: its different contents, and which of them each voter said, in files."""

    contents: Run
    votes: Path
    sizes: Path
    numbers: Path

    @staticmethod
    def write(table: pa.Table, columns: Sequence[_Column], voter: str, path: Path) -> "_Said":
        codes = [column.codes(table) for column in columns]
        distinct, content = dense_ranks(codes, table.num_rows)
        rows = np.empty((len(distinct), len(columns)), dtype=ROW_NUMBER)
        for place, (column, values) in enumerate(zip(columns, codes, strict=True)):
            rows[:, place] = values[distinct].astype(np.int64) - column.low
        _append(path, rows)
        said = _Said(
            contents=Run(path=path, offset=0, rows=len(rows), width=len(columns)),
            votes=path.with_suffix(".votes"),
            sizes=path.with_suffix(".sizes"),
            numbers=path.with_suffix(".numbers"),
        )
        order, sizes = grouped_by_voter(voter_numbers(table, voter), np.argsort(content))
        _append(said.votes, content[order].astype(np.uint32))
        _append(said.sizes, sizes.astype(np.int64))
        return said

    def by_size(self) -> dict[int, Run]:
        """The voters of each size as sorted rows of what they said, by the numbers of all parts."""
        content = np.fromfile(self.numbers, np.uint32)[np.fromfile(self.votes, np.uint32)]
        sizes = np.fromfile(self.sizes, np.int64)
        starts = np.cumsum(sizes) - sizes
        found, offset = {}, 0
        with self.votes.open("wb") as file:
            for size in np.unique(sizes).tolist():
                said = content[starts[sizes == size][:, np.newaxis] + np.arange(size)].astype(ROW_NUMBER)
                file.write(sorted_rows([said]).tobytes())
                found[size] = Run(path=self.votes, offset=offset, rows=len(said), width=size)
                offset += said.nbytes
        return found


def _number_contents(said: Sequence[_Said], columns: Sequence[_Column], scratch: Path) -> None:
    """Number the different contents of all parts in their order, and write them down column by column."""
    known = 0
    for ranges in merged([each.contents for each in said]):
        rows = np.concatenate(ranges)
        distinct, content = dense_ranks([*rows.astype(np.int64).T], len(rows))
        for column, values in zip(columns, rows[distinct].T, strict=True):
            _append(scratch / f"column-{column.name}", values.astype(np.uint32))
        borders = np.cumsum([len(some) for some in ranges])[:-1]
        for each, numbers in zip(said, np.split(content + known, borders), strict=True):
            _append(each.numbers, numbers.astype(np.uint32))
        known += len(distinct)


def _append(path: Path, numbers: npt.NDArray[Any]) -> None:
    with path.open("ab") as file:
        file.write(numbers.tobytes())  # which tells a full disk as one, and `tofile` does not


def _stretches(path: Path, kind: np.dtype[Any]) -> Iterator[npt.NDArray[Any]]:
    with path.open("rb") as file:
        while len(found := np.fromfile(file, kind, _READ)):
            yield found


def _add_voters(voters: Sequence[dict[int, Run]], digest: "hashlib._Hash") -> None:
    """Add who said what, as `canonical_votes` does: voters of fewer votes first, each size sorted by what they said."""
    for size in sorted({size for runs in voters for size in runs}):
        runs = [each[size] for each in voters if size in each]
        digest.update(np.array([size, sum(run.rows for run in runs)], dtype="<i8").tobytes())
        for ranges in merged(runs):
            digest.update(sorted_rows(ranges).tobytes())
