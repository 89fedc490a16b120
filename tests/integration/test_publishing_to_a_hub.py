"""Releases in a Hugging Face dataset repository, by the client library itself against a small hub."""

import base64
import json
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import huggingface_hub.constants
import pytest

from arena.dataset.publishing import failures, publish_release
from arena.db import Database
from arena.settings import Settings
from tests.conftest import ROOT
from tests.integration.conftest import settings_of_tests
from tests.integration.dataset_hub import REPOSITORY, TOKEN
from tests.integration.small_release import files_of, note_release, seal, write_release

# The client library's own way to its HTTP library.
pytestmark = pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning")
DATASET = f"hf://datasets/{REPOSITORY}"


class HubOfTests:
    """The process that plays the hub."""

    def __init__(self, url: str) -> None:
        self.url = url

    def state(self) -> dict[str, Any]:
        with urllib.request.urlopen(f"{self.url}/-/state", timeout=10) as answer:
            said: dict[str, Any] = json.load(answer)
            return said

    def files(self, branch: str) -> dict[str, bytes]:
        tree = self.state()["branches"][branch]
        return {name: base64.b64decode(content) for name, content in tree.items() if name != ".gitattributes"}

    def fail(self, path: str) -> None:
        request = urllib.request.Request(f"{self.url}/-/failing", data=path.encode(), method="PUT")
        urllib.request.urlopen(request, timeout=10).close()


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[HubOfTests]:
    """Uploads go by HTTP: the hub's newer protocol for large files is a service of its own."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.integration.dataset_hub"], stdout=subprocess.PIPE, cwd=ROOT
    )
    assert process.stdout is not None
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_DISABLE_XET", True)
    try:
        yield HubOfTests(f"http://127.0.0.1:{int(process.stdout.readline())}")
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def settings_of(database: Database, home: Path, hub: HubOfTests) -> Settings:
    return settings_of_tests(database.url, home, release_destinations=DATASET, release_hf_endpoint=hub.url)


def two_releases(tmp_path: Path) -> tuple[Path, Path]:
    """An older release, and a newer one that lacks a file of it."""
    october = write_release(tmp_path, "2026-10", cut_week="2026-10-26")
    november = write_release(tmp_path, "2026-11")
    (november / "samples" / "battles.jsonl").unlink()
    seal(november)
    return october, november


async def test_release_is_a_branch_and_the_newest_is_on_main(
    database: Database, tmp_path: Path, hub: HubOfTests
) -> None:
    settings = settings_of(database, tmp_path, hub)
    october, november = two_releases(tmp_path)
    for name in ("2026-10", "2026-11"):
        await note_release(database, name)
    (outcome,) = await publish_release(database, settings, october)
    assert outcome.failure is None
    assert outcome.address == f"{hub.url}/datasets/{REPOSITORY}/tree/2026-10"
    assert hub.files("2026-10") == hub.files("main") == files_of(october)
    assert failures(await publish_release(database, settings, november)) == ""
    assert hub.files("2026-11") == hub.files("main") == files_of(november)
    assert failures(await publish_release(database, settings, october)) == ""
    assert hub.files("main") == files_of(november), "an older one published again stays off the main branch"
    assert hub.files("2026-10") == files_of(october)
    hub.state()
    for release in (october, november):
        await publish_release(database, settings, release)
    sent = [each for each in hub.state()["asked"] if "/large/" in each or "/commit/" in each]
    assert sent == [], "what is there is not sent again"


async def test_files_that_no_release_brought_stay(
    database: Database, tmp_path: Path, hub: HubOfTests
) -> None:
    settings = settings_of(database, tmp_path, hub)
    october, november = two_releases(tmp_path)
    api = huggingface_hub.HfApi(endpoint=hub.url)
    api.create_repo(REPOSITORY, repo_type="dataset")
    api.upload_file(
        path_or_fileobj=b"not ours", path_in_repo="papers/draft.txt", repo_id=REPOSITORY, repo_type="dataset"
    )
    for release in (october, november):
        await note_release(database, release.name)
        assert failures(await publish_release(database, settings, release)) == ""
    assert hub.files("main") == files_of(november) | {"papers/draft.txt": b"not ours"}
    assert "samples/battles.jsonl" in hub.files("2026-10")


async def test_interrupted_upload_leaves_no_half_release_and_goes_on(
    database: Database, tmp_path: Path, hub: HubOfTests
) -> None:
    settings = settings_of(database, tmp_path, hub)
    november = write_release(tmp_path)
    await note_release(database)
    hub.fail(f"/api/datasets/{REPOSITORY}/commit")
    (outcome,) = await publish_release(database, settings, november)
    assert "HfHubHTTPError" in (outcome.failure or "") or "BadRequest" in (outcome.failure or "")
    assert hub.files("2026-11") == {}
    hub.fail("")
    hub.state()
    assert failures(await publish_release(database, settings, november)) == ""
    state = hub.state()
    assert [each for each in state["asked"] if "/large/" in each] == [], "large files were there already"
    assert set(state["branches"]["2026-11"]) - {".gitattributes"} == set(files_of(november))


async def test_hub_that_refuses_the_token_is_told_of(
    database: Database, tmp_path: Path, hub: HubOfTests, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_another")
    november = write_release(tmp_path)
    await note_release(database)
    (outcome,) = await publish_release(database, settings_of(database, tmp_path, hub), november)
    assert "401" in (outcome.failure or "")
    assert "hf_another" not in (outcome.failure or "")
