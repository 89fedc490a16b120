"""Parts: rows of a release on their way from the order of votes to that of the files, kept over a crash.

Each part holds the rows of some votes, sorted and split into buckets by the beginning of `battle_id`. The rows of a
file are those of the first bucket of all parts, sorted, then those of the second: all rows are never in memory.
"""

import os
import shutil
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import orjson
import pyarrow as pa  # type: ignore[import-untyped]

from arena.dataset.checks import Fault
from arena.dataset.shaping import BATTLES_AND_VOTES, TURNS_OF_VOTES, Rows

SCHEMAS: Final = {"battles": BATTLES_AND_VOTES, "turns": TURNS_OF_VOTES}
SORTED_BY: Final = {
    "battles": [("battle_id", "ascending")],
    "turns": [("battle_id", "ascending"), ("index", "ascending")],
}
PREFIX_DIGITS: Final = 8


@dataclass(frozen=True, kw_only=True)
class Part:
    """The votes after one number up to another, as they were when the transactions before `horizon` were over."""

    after: int
    last: int
    horizon: int

    @property
    def name(self) -> str:
        return f"{self.after:019}-{self.last:019}-{self.horizon}"


class Parts:
    """A folder of finished parts; what is half written has another name, and goes with the next look."""

    def __init__(self, folder: Path, buckets: int) -> None:
        self._folder = folder
        self.buckets = buckets
        digits = 16**PREFIX_DIGITS
        self._ends = [f"{(number * digits) // buckets:0{PREFIX_DIGITS}x}" for number in range(1, buckets)]
        self._places: dict[Path, npt.NDArray[np.int64]] = {}  # where the buckets of a file begin
        folder.mkdir(parents=True, exist_ok=True)
        for half in folder.glob("*.half"):
            shutil.rmtree(half)

    def finished(self) -> list[Part]:
        """The parts that are there, by their votes."""
        marks = [tuple(map(int, each.split("-"))) for each in sorted(os.listdir(self._folder))]
        return [Part(after=after, last=last, horizon=horizon) for after, last, horizon in marks]

    def missing(self, last: int) -> Iterator[tuple[int, int]]:
        """The votes that no part holds: after one number, up to another."""
        reached = 0
        for part in self.finished():
            if part.after > reached:
                yield reached, part.after
            reached = part.last
        if reached < last:
            yield reached, last

    def write(self, part: Part, rows: Rows, faults: Sequence[Fault]) -> None:
        """Keep the rows of a part: all of it, or after a crash nothing."""
        half = self._folder / f"{part.name}.half"
        half.mkdir()
        for name in SCHEMAS:
            sizes = self._write_file(half / name, name, getattr(rows, name))
            (half / f"{name}.json").write_bytes(orjson.dumps(sizes))
        (half / "faults.json").write_bytes(orjson.dumps([asdict(fault) for fault in faults]))
        for path in half.iterdir():
            _to_disk(path)
        half.rename(self._folder / part.name)

    def drop(self, part: Part) -> None:
        """Forget a part."""
        half = self._folder / f"{part.name}.half"
        (self._folder / part.name).rename(half)
        shutil.rmtree(half)

    def drop_unfit(self) -> None:
        """Forget the parts with unfit rows: somebody may have mended them since."""
        for part in self.finished():
            if self._faults(part):
                self.drop(part)

    def faults(self) -> list[Fault]:
        """The unfit rows of all parts."""
        return [fault for part in self.finished() for fault in self._faults(part)]

    def bucket(self, name: str, number: int) -> pa.Table:
        """The rows of one bucket of all parts, sorted as in the files."""
        batches = [self._read(part, name, number) for part in self.finished()]
        return pa.Table.from_batches(batches, schema=SCHEMAS[name]).combine_chunks().sort_by(SORTED_BY[name])

    def all_of(self, name: str, columns: Sequence[str]) -> Iterator[pa.Table]:
        """Columns of the rows of each part."""
        for part in self.finished():
            batches = [self._read(part, name, number) for number in range(self.buckets)]
            yield pa.Table.from_batches(batches, schema=SCHEMAS[name]).select(columns)

    def _read(self, part: Part, name: str, number: int) -> pa.RecordBatch:
        path = self._folder / part.name / name
        places = self._places.get(path)
        if places is None:
            sizes = orjson.loads(path.with_suffix(".json").read_bytes())
            places = self._places[path] = np.append(0, np.cumsum(sizes, dtype=np.int64))
        with path.open("rb", buffering=0) as file:
            file.seek(places[number])
            batch = file.read(places[number + 1] - places[number])
        return pa.ipc.read_record_batch(pa.py_buffer(batch), SCHEMAS[name])

    def _faults(self, part: Part) -> list[Fault]:
        said = orjson.loads((self._folder / part.name / "faults.json").read_bytes())
        return [Fault(**fault) for fault in said]

    def _write_file(self, path: Path, name: str, rows: pa.Table) -> list[int]:
        """The buckets one after the other; how many bytes each has.

        A file of Arrow's own would have a footer, and to read that again for every bucket takes longer than the rows.
        """
        table = rows.combine_chunks().sort_by(SORTED_BY[name]).combine_chunks()
        ids = table["battle_id"].to_pylist()
        borders = [0, *(bisect_left(ids, end) for end in self._ends), len(ids)]
        sizes = []
        with path.open("wb") as file:
            for start, end in pairwise(borders):
                batches = table.slice(start, end - start).to_batches()
                sizes.append(file.write((batches[0] if batches else _empty(name)).serialize()))
        return sizes


def _empty(name: str) -> pa.RecordBatch:
    schema = SCHEMAS[name]
    return pa.RecordBatch.from_arrays([pa.array([], field.type) for field in schema], schema=schema)


def _to_disk(path: Path) -> None:
    """A crash of the machine must not leave a finished part without what is in it."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
