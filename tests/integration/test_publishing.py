"""Releases go to folders, to S3-compatible storage, to a hub of datasets: whole, in order, and only those for all."""

import asyncio
import base64
import json
import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from threading import Event
from typing import Any
from unittest import mock

import pyarrow.parquet as pq
import pytest
from sqlalchemy import select

from arena.dataset.destinations import destinations_of
from arena.dataset.publishing import failures, publish_release
from arena.dataset.release_folder import read_release_folder
from arena.db import Database
from arena.errors import PublishRefused
from arena.records import ErasedBattle, ReleaseCopy
from arena.settings import Settings
from ratings.release.tables import TableReader
from tests.conftest import ROOT
from tests.integration import object_storage
from tests.integration.conftest import settings_of_tests
from tests.integration.small_release import FINGERPRINT, files_of, note_release, seal, write_release

S3 = f"s3://{object_storage.BUCKET}/arena"


def settings_with(database: Database, home: Path, *destinations: str, **more: Any) -> Settings:
    return settings_of_tests(database.url, home, release_destinations=",".join(destinations), **more)


async def copies(database: Database) -> dict[str, ReleaseCopy]:
    async with database.sessions() as session:
        return {copy.destination: copy for copy in await session.scalars(select(ReleaseCopy))}


class StorageOfTests:
    """The process that plays the storage."""

    def __init__(self, url: str) -> None:
        self.url = url

    def holds(self, release: str = "2026-11") -> dict[str, bytes]:
        """Content by name in the release; forgets what was asked."""
        said = self._said()
        prefix = f"arena/{release}/"
        return {
            key.removeprefix(prefix): base64.b64decode(each["body"])
            for key, each in said["objects"].items()
            if key.startswith(prefix)
        }

    def asked(self, *methods: str) -> list[str]:
        """The keys of such requests since anybody last looked, in their order."""
        found = [each.partition(" ") for each in self._said()["asked"]]
        return [key.removeprefix("arena/2026-11/") for method, _, key in found if method in methods]

    def types(self) -> dict[str, str]:
        return {key: each["content-type"] for key, each in self._said()["objects"].items()}

    def refuse(self, ending: str) -> None:
        request = urllib.request.Request(f"{self.url}/-/failing", data=ending.encode(), method="PUT")
        urllib.request.urlopen(request, timeout=10).close()

    def _said(self) -> dict[str, Any]:
        with urllib.request.urlopen(f"{self.url}/-/state", timeout=10) as answer:
            said: dict[str, Any] = json.load(answer)
            return said


@pytest.fixture
def storage() -> Iterator[StorageOfTests]:
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.integration.object_storage"], stdout=subprocess.PIPE, cwd=ROOT
    )
    assert process.stdout is not None
    credentials = {"AWS_ACCESS_KEY_ID": object_storage.ACCESS_KEY, "AWS_SECRET_ACCESS_KEY": "secret"}
    try:
        port = int(process.stdout.readline())
        with mock.patch.dict(os.environ, credentials):
            yield StorageOfTests(f"http://127.0.0.1:{port}")
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


async def test_folder_holds_the_same_bytes_and_the_second_time_nothing_is_written(
    database: Database, tmp_path: Path
) -> None:
    source = write_release(tmp_path / "made")
    await note_release(database)
    settings = settings_with(database, tmp_path, f"{tmp_path}/there", f"file://{tmp_path}/mirror/")
    assert failures(await publish_release(database, settings, source)) == ""
    target = tmp_path / "there" / "2026-11"
    assert files_of(target) == files_of(source) == files_of(tmp_path / "mirror" / "2026-11")
    written = {path: path.stat().st_mtime_ns for path in target.rglob("*")}
    await publish_release(database, settings, source)
    assert {path: path.stat().st_mtime_ns for path in target.rglob("*")} == written
    copy = (await copies(database))[f"{tmp_path}/there"]
    assert copy.address == str(target)
    assert copy.digest == read_release_folder(source).digest
    assert copy.facts["signed_by"] == FINGERPRINT
    assert copy.facts["files"]["data/votes.parquet"]["rows"] == 40


async def test_release_exported_again_replaces_the_one_there(database: Database, tmp_path: Path) -> None:
    source = write_release(tmp_path / "made")
    await note_release(database)
    settings = settings_with(database, tmp_path, f"{tmp_path}/there")
    await publish_release(database, settings, source)
    (source / "samples" / "battles.jsonl").unlink()
    (source / "README.md").write_text("Said otherwise.")
    seal(source)
    await publish_release(database, settings, source)
    assert files_of(tmp_path / "there" / "2026-11") == files_of(source)
    assert not (tmp_path / "there" / "2026-11" / "samples").exists()


async def test_damaged_list_at_a_destination_is_overwritten(database: Database, tmp_path: Path) -> None:
    source = write_release(tmp_path / "made")
    await note_release(database)
    settings = settings_with(database, tmp_path, f"{tmp_path}/there")
    await publish_release(database, settings, source)
    (tmp_path / "there" / "2026-11" / "SHA256SUMS").write_bytes(b"\0 half a disk block")
    assert failures(await publish_release(database, settings, source)) == ""
    assert files_of(tmp_path / "there" / "2026-11") == files_of(source)


async def test_storage_gets_everything_once_and_the_checksums_last(
    database: Database, tmp_path: Path, storage: StorageOfTests
) -> None:
    source = write_release(tmp_path / "made")
    with (source / "data" / "big.bin").open("wb") as big:  # in parts
        big.write(os.urandom(40 * 2**20))
    seal(source)
    await note_release(database)
    settings = settings_with(database, tmp_path, S3, release_s3_endpoint=storage.url)
    assert failures(await publish_release(database, settings, source)) == ""
    assert (await copies(database))[S3].address == f"{S3}/2026-11"
    sent = storage.asked("PUT", "POST")
    assert sent[-1] == "SHA256SUMS"
    assert sent.count("data/big.bin") == 5, "begun, three parts, completed"
    assert storage.holds() == files_of(source)
    assert storage.types()["arena/2026-11/data/votes.parquet"] == "application/vnd.apache.parquet"
    await publish_release(database, settings, source)
    assert storage.asked("PUT", "POST", "DELETE") == []


async def test_interrupted_upload_shows_and_goes_on_where_it_was(
    database: Database, tmp_path: Path, storage: StorageOfTests
) -> None:
    source = write_release(tmp_path / "made")
    await note_release(database)
    folder = f"{tmp_path}/there"
    settings = settings_with(database, tmp_path, S3, folder, release_s3_endpoint=storage.url)
    storage.refuse("votes.parquet")
    bad, good = await publish_release(database, settings, source)
    assert bad.failure is not None
    assert "votes.parquet" in bad.failure
    assert good.failure is None, "the other is published all the same"
    assert set(await copies(database)) == {folder}
    half = storage.holds()
    assert "data/battles.parquet" in half
    assert not {"SHA256SUMS", "data/votes.parquet"} & set(half)
    storage.refuse("")
    assert failures(await publish_release(database, settings, source)) == ""
    assert not set(storage.asked("PUT")) & set(half), "what was there is not sent again"
    assert storage.holds() == files_of(source)
    (source / "samples" / "battles.jsonl").unlink()
    seal(source)
    await publish_release(database, settings, source)
    assert storage.holds() == files_of(source)


async def test_audits_altered_and_foreign_releases_are_refused_everywhere(
    database: Database, tmp_path: Path
) -> None:
    settings = settings_with(database, tmp_path, f"{tmp_path}/there", "site")
    audit = write_release(tmp_path / "made", "audit", variant="audit")
    await note_release(database, "audit", variant="audit")
    with pytest.raises(PublishRefused, match="for the operator alone"):
        await publish_release(database, settings, audit)
    told_open = write_release(tmp_path / "forged", "audit", variant="open")
    with pytest.raises(PublishRefused, match="for the operator alone"):
        await publish_release(database, settings, told_open)
    foreign = write_release(tmp_path / "made", "2026-10")
    with pytest.raises(PublishRefused, match="no release '2026-10'"):
        await publish_release(database, settings, foreign)
    await note_release(database)
    source = write_release(tmp_path / "made")
    (source / "withdrawn.txt").write_text(f"{'0' * 32}\n")
    with pytest.raises(PublishRefused, match=r"not as SHA256SUMS says: withdrawn\.txt"):
        await publish_release(database, settings, source)
    seal(source)
    with pytest.raises(PublishRefused, match=r"withdrawn\.txt: 1 battles; release\.json says 0"):
        await publish_release(database, settings, source)
    for lines, told in (
        (f"{'0' * 64}  ../../secret\n", r"lists '\.\./\.\./secret', outside"),
        ("nonsense\n", "line 1 is no digest and name"),
        (f"{'0' * 64}  README.md\n" * 2, "line 2 lists a file again"),
    ):
        (source / "SHA256SUMS").write_text(lines)
        with pytest.raises(PublishRefused, match=f"SHA256SUMS: .*{told}"):
            await publish_release(database, settings, source)
    signed_by_another = settings.model_copy(update={"release_signing_key": None})
    with pytest.raises(PublishRefused, match="signed with another key"):
        await publish_release(database, signed_by_another, write_release(tmp_path / "other"))
    with pytest.raises(PublishRefused, match="no finished release"):
        await publish_release(database, settings, tmp_path)
    assert not (tmp_path / "there").exists()
    assert await copies(database) == {}


async def test_release_of_a_battle_that_was_erased_since_is_not_published_again(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = settings_with(database, tmp_path, f"{tmp_path}/there")
    source = write_release(tmp_path / "made")
    await note_release(database)
    monkeypatch.setattr(TableReader.batches, "__defaults__", (3, None))
    held = pq.read_table(source / "data" / "battles.parquet")["battle_id"][-1].as_py()
    async with database.sessions.begin() as session:
        session.add(ErasedBattle(battle_id="gone", released_as=held))
    with pytest.raises(PublishRefused, match="1 battles of '2026-11' were withdrawn or erased since"):
        await publish_release(database, settings, source)
    assert not (tmp_path / "there").exists()


async def test_what_is_not_as_it_was_exported_is_not_published(database: Database, tmp_path: Path) -> None:
    settings = settings_with(database, tmp_path, f"{tmp_path}/there")
    await note_release(database, manifest={"name": "2026-11"})
    with pytest.raises(PublishRefused, match="not '2026-11' as this arena exported it"):
        await publish_release(database, settings, write_release(tmp_path / "made"))


async def test_program_that_ends_waits_for_no_upload(database: Database, tmp_path: Path) -> None:
    source = write_release(tmp_path / "made")
    await note_release(database)
    begun = Event()

    def slow(share: float) -> None:
        begun.set()
        time.sleep(0.2)

    settings = settings_with(database, tmp_path, f"{tmp_path}/there")
    publishing = asyncio.create_task(
        publish_release(database, settings, source, lambda what: nullcontext(slow))
    )
    await asyncio.to_thread(begun.wait, 30)
    publishing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await publishing
    await asyncio.sleep(0.5)
    assert len(files_of(tmp_path / "there" / "2026-11")) <= 2
    assert await copies(database) == {}
    assert failures(await publish_release(database, settings, source)) == ""
    assert files_of(tmp_path / "there" / "2026-11") == files_of(source)


async def test_missing_client_library_is_named(database: Database, tmp_path: Path) -> None:
    source = write_release(tmp_path / "made")
    await note_release(database)
    settings = settings_with(database, tmp_path, S3, "hf://datasets/lab/arena")
    with mock.patch.dict(sys.modules, {"obstore": None, "huggingface_hub": None}):
        outcomes = await publish_release(database, settings, source)
    said = failures(outcomes)
    assert "pip install 'arena[s3]'" in said
    assert "pip install 'arena[huggingface]'" in said


@pytest.mark.parametrize("bad", ["releases", "ftp://host/x", "s3:/x", "hf://datasets/only", "../x"])
def test_places_that_are_none_are_refused_at_once(bad: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="is no place for releases"):
        settings_of_tests("postgresql://x", tmp_path, release_destinations=bad)


def test_nothing_is_published_by_default() -> None:
    assert destinations_of(Settings()) == []
