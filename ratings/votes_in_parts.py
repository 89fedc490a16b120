"""Votes that memory does not hold, in files by voter, for many boards of some of them: `EncodedVotes` on disk."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp
from typing import Final
from weakref import finalize
from zlib import crc32

import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.compute as pc  # type: ignore[import-untyped]

from ratings.arrays import BoolArray, IntArray
from ratings.comparisons import Comparisons
from ratings.encoded_votes import VOTER
from ratings.parted_digest import digest_of_parts
from ratings.parts import Parts
from ratings.vote_digest import voter_numbers

PART_VOTES: Final = 400_000
"""About so many votes are in memory at a time."""

_LARGEST_INT16: Final = 2**15 - 1

Selects = Callable[[pa.Table], BoolArray]
"""Which rows of a table count."""


@dataclass(frozen=True, kw_only=True, eq=False)
class VotesInParts:
    """The votes of a population in files, each of which holds all votes of its voters.

    Attributes
    ----------
    files : tuple of Path
        Tables, whose voters are numbered each for itself.
    votes : int
        Number of votes in all of them.
    digest : str
        As `canonical_votes` gives it for all of them.
    """

    files: tuple[Path, ...]
    votes: int
    digest: str

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the columns."""
        return tuple(read_part(self.files[0]).column_names)

    def tables(self, columns: Sequence[str]) -> Iterator[pa.Table]:
        """Some columns of the votes, file by file."""
        return (read_part(file).select([*columns]) for file in self.files)

    def selected(self, selects: Selects, features: Sequence[str]) -> "SelectedVotes":
        """The votes that count, with their features of style; what is counted of them lies beside the files."""
        return SelectedVotes([_Source(path=file, selects=selects) for file in self.files], features)


@dataclass(frozen=True, kw_only=True)
class _Source:
    """The votes of one file that count, in one chunk."""

    path: Path
    selects: Selects

    @property
    def name(self) -> str:
        return self.path.name

    @property
    def columns(self) -> tuple[str, ...]:
        return tuple(read_part(self.path).column_names)

    def chunks(self, columns: Sequence[str]) -> Iterator[pa.Table]:
        table = read_part(self.path)
        yield table.select([*columns]).filter(pa.array(self.selects(table)))


class SelectedVotes(Parts):
    """Some votes of a population: `leaderboard` takes them like those in memory."""

    def __init__(self, sources: Sequence[_Source], features: Sequence[str]) -> None:
        folder = Path(mkdtemp(prefix="counted-", dir=sources[0].path.parent))
        finalize(self, rmtree, folder, ignore_errors=True)
        super().__init__(sources, clusters_in=folder)
        self.features = tuple(features)
        self._selected = sources
        self._counted: dict[str | None, Comparisons] = {}

    def __len__(self) -> int:
        return self._votes

    @cached_property
    def _votes(self) -> int:
        return sum(len(table) for source in self._selected for table in source.chunks(["winner"]))

    def count(self, *, cluster: str | None = None) -> Comparisons:
        """Count them as `Parts.count` does, once."""
        if cluster not in self._counted:
            self._counted[cluster] = super().count(cluster=cluster)
        return self._counted[cluster]

    def differs(self, feature: str) -> bool:
        """Whether both answers to some vote differ in this feature."""
        sides = [f"{feature}_{side}" for side in "ab"]
        return any(
            pc.any(pc.not_equal(*table.columns)).as_py()
            for source in self._selected
            for table in source.chunks(sides)
        )


def divide_votes(batches: Iterable[pa.Table], schema: pa.Schema, votes: int, folder: Path) -> VotesInParts:
    """Divide votes into files by voter.

    Parameters
    ----------
    batches : iterable of Table
        Of ``schema``: columns of text, whole numbers and truth values, voter of text or null; a vote without one is a
        voter of its own.
    schema : Schema
    votes : int
        About how many there are.
    folder : Path
        Is made for the files, and for what is sorted for their digest: some 300 bytes a vote.

    Returns
    -------
    VotesInParts
        The same for the same votes in the same order.

    Raises
    ------
    InvalidComparisonsError
        If a column holds nulls, or numbers that are not whole.
    """
    folder.mkdir(parents=True)
    parts = max(1, -(-votes // PART_VOTES))
    raw = [folder / f"raw-{number}" for number in range(parts)]
    options = pa.ipc.IpcWriteOptions(compression="lz4")
    total = 0
    with ExitStack() as opened:
        files = [opened.enter_context(pa.ipc.new_stream(str(path), schema, options=options)) for path in raw]
        for batch in batches:
            part = _parts_of(batch[VOTER], parts, total)
            for number, file in enumerate(files):
                file.write_table(batch.filter(pa.array(part == number)))
            total += batch.num_rows
    found = tuple(_arranged(path, folder / f"votes-{number}") for number, path in enumerate(raw))
    scratch = folder / "sorted"
    scratch.mkdir()
    digest = digest_of_parts([partial(read_part, path) for path in found], scratch)
    for path in scratch.iterdir():
        path.unlink()
    return VotesInParts(files=found, votes=total, digest=digest)


def _parts_of(voters: pa.ChunkedArray, parts: int, start: int) -> IntArray:
    """The part of each vote, which depends on its voter's name; of one without, on its place."""
    coded = voters.combine_chunks().dictionary_encode()
    if isinstance(coded, pa.ChunkedArray):
        coded = coded.combine_chunks()
    of_name = np.array([crc32(name.encode()) % parts for name in coded.dictionary.to_pylist()] or [0])
    known = coded.indices.is_valid().to_numpy(zero_copy_only=False)
    named = of_name[coded.indices.fill_null(0).to_numpy()] if len(coded.dictionary) else 0
    found: IntArray = np.where(known, named, (start + np.arange(len(known))) % parts)
    return found


def _arranged(raw: Path, path: Path) -> Path:
    """Write a part as boards read it: labels as codes, numbers as small as they come; what it was made of goes."""
    with pa.ipc.open_stream(str(raw)) as file:
        table = file.read_all()
    raw.unlink()
    columns = {}
    for name in table.column_names:
        values = table[name]
        table = table.drop_columns([name])
        columns[name] = (
            pa.array(voter_numbers(pa.table({VOTER: values}), VOTER)) if name == VOTER else narrowed(values)
        )
    arranged = pa.table(columns)
    with pa.ipc.new_file(str(path), arranged.schema) as written:
        written.write_table(arranged)
    return path


def narrowed(values: pa.ChunkedArray) -> pa.ChunkedArray:
    """A column in one piece: labels as codes, and counts of style in half the width, where all of them fit."""
    if pa.types.is_string(values.type):
        values = values.dictionary_encode()
    if pa.types.is_int32(values.type) and (pc.max(values).as_py() or 0) <= _LARGEST_INT16:
        values = values.cast(pa.int16())
    return pa.chunked_array([values.unify_dictionaries().combine_chunks()], values.type)


def read_part(path: Path) -> pa.Table:
    """The table in a file, of which only what is used takes memory."""
    with pa.memory_map(str(path)) as file:
        return pa.ipc.open_file(file).read_all()
