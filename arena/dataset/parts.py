"""Parts: rows of a release on their way from the order of votes to that of the files, kept over a crash.

Each part holds the rows of some votes, split by the beginning of `battle_id`.
"""

import os
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import orjson
import pyarrow as pa  # type: ignore[import-untyped]

from arena.dataset.checks import Fault
from arena.dataset.shaping import Rows
from arena.dataset.splitting import ALL_IDS, SCHEMAS, Span, Split, in_id_order, in_order

# Each takes time in each part; rows of a million battles fit in memory without being split again.
SPANS: Final = ALL_IDS.split(128)
# Another first number wherever columns or what is between spans change: parts with others are not gone on with.
LAYOUT: Final = f"3, {len(SPANS)} spans"


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

    def __init__(self, folder: Path) -> None:
        self._folder = folder
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
        sizes = Split.write(half, in_id_order(rows), SPANS).sizes
        (half / "sizes.json").write_bytes(orjson.dumps(sizes))
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

    def in_order(self, beside: Path) -> Iterator[tuple[Span, Rows]]:
        """The rows of all parts as they stand in the files; what does not fit in memory goes to the folder beside."""
        shutil.rmtree(beside, ignore_errors=True)
        return in_order(self._splits(), SPANS, beside)

    def battles(self, columns: Sequence[str]) -> Iterator[pa.Table]:
        """Columns of the battles of each part."""
        for split in self._splits():
            batches = [split.read("battles", number) for number in range(len(SPANS))]
            yield pa.Table.from_batches(batches, schema=SCHEMAS["battles"]).select(columns)

    def _splits(self) -> list[Split]:
        folders = [self._folder / part.name for part in self.finished()]
        return [Split(each, SPANS, orjson.loads((each / "sizes.json").read_bytes())) for each in folders]

    def _faults(self, part: Part) -> list[Fault]:
        said = orjson.loads((self._folder / part.name / "faults.json").read_bytes())
        return [Fault(**fault) for fault in said]


def _to_disk(path: Path) -> None:
    """A crash of the machine must not leave a finished part without what is in it."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
