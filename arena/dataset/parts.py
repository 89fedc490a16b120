"""Parts: rows of a release on their way from the order of votes to that of the files, kept over a crash.

Each part holds the rows of some votes, sorted and split into buckets by the beginning of `battle_id`. The rows of a
file are those of the first bucket of all parts, sorted, then those of the second: all rows are never in memory.
"""

import os
import shutil
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

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

    def write(self, part: Part, rows: Sequence[Rows], faults: Sequence[Fault]) -> None:
        """Keep the rows of a part: all of it, or after a crash nothing."""
        half = self._folder / f"{part.name}.half"
        half.mkdir()
        for name in SCHEMAS:
            self._write_file(half / f"{name}.arrow", name, [getattr(each, name) for each in rows])
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

    def bucket(self, name: str, number: int, columns: Sequence[str] | None = None) -> pa.Table:
        """The rows of one bucket of all parts, sorted as in the files."""
        batches = []
        for part in self.finished():
            with pa.OSFile(str(self._folder / part.name / f"{name}.arrow")) as file:
                batch = pa.ipc.open_file(file).get_batch(number)
                batches.append(batch.select(columns) if columns else batch)
        table = pa.Table.from_batches(batches, schema=batches[0].schema if batches else SCHEMAS[name])
        return table if columns else table.combine_chunks().sort_by(SORTED_BY[name])

    def _faults(self, part: Part) -> list[Fault]:
        said = orjson.loads((self._folder / part.name / "faults.json").read_bytes())
        return [Fault(**fault) for fault in said]

    def _write_file(self, path: Path, name: str, tables: Sequence[pa.Table]) -> None:
        table = pa.concat_tables(tables).combine_chunks().sort_by(SORTED_BY[name]).combine_chunks()
        ids = table["battle_id"].to_pylist()
        borders = [0, *(bisect_left(ids, end) for end in self._ends), len(ids)]
        with pa.OSFile(str(path), "wb") as file, pa.ipc.new_file(file, SCHEMAS[name]) as writer:
            for start, end in zip(borders, borders[1:], strict=False):
                batches = table.slice(start, end - start).to_batches()
                writer.write_batch(batches[0] if batches else _empty(name))


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
