"""What an interrupted export left is gone on with only where it is whole and of this layout."""

import shutil
from datetime import UTC, datetime
from pathlib import Path

import orjson
import pytest

from arena.dataset.folders import STANDING, UNFINISHED, Folder
from arena.records import Release


def folder_with_a_part(path: Path) -> Folder:
    """A folder that an export has begun in."""
    opened_at = datetime(2026, 11, 1, tzinfo=UTC)
    folder = Folder(path, Release(name="2026-11", variant="open", opened_at=opened_at), least_group=10)
    folder.begin()
    (folder.parts / "a-part").mkdir(parents=True)
    return folder


def test_parts_of_the_same_export_stay(tmp_path: Path) -> None:
    folder = folder_with_a_part(tmp_path)
    (folder.files / "data" / "half.parquet").touch()
    folder.begin()
    assert (folder.parts / "a-part").exists()
    assert not [*(folder.files / "data").iterdir()]


def test_parts_of_an_earlier_layout_are_thrown_away(tmp_path: Path) -> None:
    folder = folder_with_a_part(tmp_path)
    standing = tmp_path / UNFINISHED / STANDING
    said = orjson.loads(standing.read_bytes())
    del said["layout"]
    standing.write_bytes(orjson.dumps({**said, "buckets": 454}))
    folder.begin()
    assert not folder.parts.exists()
    assert orjson.loads(standing.read_bytes())["layout"]


def test_parts_that_were_half_thrown_away_are_not_gone_on_with(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = folder_with_a_part(tmp_path)

    def killed(path: Path) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(shutil, "rmtree", killed)
        with pytest.raises(KeyboardInterrupt):
            folder.discard()
    assert (folder.parts / "a-part").exists()
    folder.begin()
    assert not folder.parts.exists()
