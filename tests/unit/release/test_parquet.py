"""What a release's files cost to write and to read."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ratings.release import parquet
from ratings.release.tables import TableReader, TableWriter

GROUPS, ROWS, BYTES = 20, 64, 16_384


def test_reading_piece_by_piece_keeps_nothing(tmp_path: Path) -> None:
    noise = np.random.default_rng(1)
    schema = pa.schema([("text", pa.binary())])
    with TableWriter(tmp_path / "texts.parquet", schema, group_rows=ROWS) as writer:
        for _ in range(GROUPS):
            writer.write(pa.table({"text": [noise.bytes(BYTES) for _ in range(ROWS)]}, schema=schema))
    before, held, rows = pa.total_allocated_bytes(), 0, 0
    for batch in TableReader(tmp_path / "texts.parquet").batches(ROWS):
        held, rows = max(held, pa.total_allocated_bytes() - before), rows + batch.num_rows
    assert rows == GROUPS * ROWS
    assert held < GROUPS * ROWS * BYTES / 4  # five groups, and what Arrow needs to take them apart


def test_the_same_rows_in_other_batches_are_the_same_bytes(tmp_path: Path) -> None:
    random = np.random.default_rng(3)
    texts = [
        None if random.random() < 0.1 else "word " * int(random.integers(1, 2_000)) for _ in range(5_000)
    ]
    kinds = [["email"] * int(random.integers(0, 3)) for _ in texts]
    table = pa.table({"prompt": texts, "redacted": kinds, "index": np.arange(len(texts))})
    written = []
    for cuts in (0, 1, 40, 900):
        path = tmp_path / f"{cuts}.parquet"
        borders = [0, *np.sort(random.integers(0, len(texts), cuts)).tolist(), len(texts)]
        with TableWriter(path, table.schema, group_rows=2_048) as writer:
            for start, end in pairwise(borders):
                writer.write(table.slice(start, end - start))
        written.append(path.read_bytes())
    assert len(set(written)) == 1
    assert pq.read_table(path).equals(table)


def test_texts_have_no_dictionary_and_no_bounds(tmp_path: Path) -> None:
    path = tmp_path / "turns.parquet"
    message = pa.struct([("role", pa.string()), ("content", pa.string())])
    schema = pa.schema([("prompt", pa.string()), ("state", pa.string()), ("said", pa.list_(message))])
    said = [{"role": "user", "content": "Why?"}]
    with TableWriter(path, schema) as writer:
        writer.write(
            pa.table({"prompt": ["Why?"] * 9, "state": ["answered"] * 9, "said": [said] * 9}, schema=schema)
        )
    group = pq.read_metadata(path).row_group(0)
    columns = {group.column(place).path_in_schema: group.column(place) for place in range(group.num_columns)}
    coded = {name for name, column in columns.items() if "RLE_DICTIONARY" in column.encodings}
    assert coded == {"state", "said.list.element.role"}
    assert coded == {name for name, column in columns.items() if column.is_stats_set}


def test_groups_grow_where_there_are_many(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is kept of each group while a file is written or read is less for each row of a large file."""
    monkeypatch.setattr(parquet, "MANY_GROUPS", 3)
    table = pa.table({"number": range(1_000)})
    written = []
    for rows in (1_000, 17):
        path = tmp_path / f"{rows}.parquet"
        with TableWriter(path, table.schema, group_rows=ROWS) as writer:
            for start in range(0, len(table), rows):
                writer.write(table.slice(start, rows))
        written.append(path.read_bytes())
    found = pq.read_metadata(path)
    sizes = [found.row_group(group).num_rows for group in range(found.num_row_groups)]
    assert sizes == [64, 64, 64, 256, 256, 256, 40]
    assert written[0] == written[1]
    assert pq.read_table(path).equals(table)
