"""What a release's files cost to write and to read."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

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


def test_texts_have_no_dictionary_and_no_bounds(tmp_path: Path) -> None:
    path = tmp_path / "turns.parquet"
    message = pa.struct([("role", pa.string()), ("content", pa.string())])
    schema = pa.schema([("prompt", pa.string()), ("state", pa.string()), ("said", pa.list_(message))])
    said = [{"role": "user", "content": "Why?"}]
    with open_writer(path, schema) as writer:
        writer.write(
            pa.table({"prompt": ["Why?"] * 9, "state": ["answered"] * 9, "said": [said] * 9}, schema=schema)
        )
    group = pq.read_metadata(path).row_group(0)
    columns = {group.column(place).path_in_schema: group.column(place) for place in range(group.num_columns)}
    coded = {name for name, column in columns.items() if "RLE_DICTIONARY" in column.encodings}
    assert coded == {"state", "said.list.element.role"}
    assert coded == {name for name, column in columns.items() if column.is_stats_set}
