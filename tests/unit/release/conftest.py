"""A small release with everything in it, made once, and a copy of it for who wants to break something."""

import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa  # type: ignore[import-untyped]
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from arena.dataset.finish import finish
from arena.dataset.signing import sign
from benchmarks.synthetic_release import write_data
from ratings.release.checksums import write_checksums
from ratings.release.manifest import read_manifest, write_manifest
from ratings.release.tables import TableReader, TableWriter

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
Broken = Callable[[pa.Table], pa.Table]


@pytest.fixture(scope="session")
def release(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("releases") / "2026-11"
    finish(directory, write_data(directory), KEY)
    return directory


@pytest.fixture
def copied(release: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(release, tmp_path / "copy"))


def seal(directory: Path, **manifest: Any) -> None:
    """Write checksums and signature of what is there, as somebody with the key would who made a mistake."""
    write_manifest(directory, read_manifest(directory) | manifest)
    write_checksums(directory)
    sign(directory, KEY)


def rewrite(directory: Path, name: str, change: Broken) -> None:
    """Change the rows of one table, and seal the release again."""
    table = change(TableReader(directory / name).read())
    with TableWriter(directory / name, table.schema) as writer:
        writer.write(table)
    files: Mapping[str, Any] = read_manifest(directory)["files"]
    seal(directory, files=dict(files) | {name: {"rows": table.num_rows}})


def changed(table: pa.Table, column: str, row: int, value: Any) -> pa.Table:
    """The table with one other value."""
    values = table[column].to_pylist()
    values[row] = value
    field = table.schema.field(column)
    return table.set_column(table.schema.get_field_index(column), field, pa.array(values, field.type))
