"""What a release's files cost to read."""

from pathlib import Path

import numpy as np
import pyarrow as pa

from ratings.release.parquet import open_reader, open_writer

GROUPS, ROWS, BYTES = 20, 64, 16_384


def test_reading_piece_by_piece_keeps_nothing(tmp_path: Path) -> None:
    noise = np.random.default_rng(1)
    schema = pa.schema([("text", pa.binary())])
    with open_writer(tmp_path / "texts.parquet", schema, group_rows=ROWS) as writer:
        for _ in range(GROUPS):
            writer.write(pa.table({"text": [noise.bytes(BYTES) for _ in range(ROWS)]}, schema=schema))
    before, held, rows = pa.total_allocated_bytes(), 0, 0
    with open_reader(tmp_path / "texts.parquet") as file:
        for batch in file.iter_batches(ROWS):
            held, rows = max(held, pa.total_allocated_bytes() - before), rows + batch.num_rows
    assert rows == GROUPS * ROWS
    assert held < GROUPS * ROWS * BYTES / 4  # five groups, and what Arrow needs to take them apart
