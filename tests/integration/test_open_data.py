"""Published releases on the site: the page, the feed, and the files, of which none is served that should not be."""

import asyncio
import re
import shutil
from html import unescape
from pathlib import Path

import httpx2
import jsonschema
import pytest

from arena import snapshots
from arena.dataset.publishing import failures, publish_release
from arena.dataset.releases import close_release
from arena.db import Database
from arena.web import pages_data
from ratings.release import tables
from tests.integration.conftest import StartArena
from tests.integration.serving import Serving
from tests.integration.small_release import FINGERPRINT, ROWS, files_of, note_release, seal, write_release
from tests.integration.test_publishing import settings_with


@pytest.fixture
async def site(start_arena: StartArena, database: Database, tmp_path: Path) -> Serving:
    """An arena that has published a release on its own site, and for itself in a folder."""
    destinations = f"site,{tmp_path}/copy"
    arena = await start_arena(release_destinations=destinations)
    await note_release(database)
    source = write_release(tmp_path / "releases")  # where the schedule writes them
    assert failures(await publish_release(database, arena.settings, source)) == ""
    return arena


async def test_feed_tells_of_published_releases(site: Serving, tmp_path: Path) -> None:
    async with site.client() as program:
        answer = await program.get("/feed/v1/releases.json")
        schema = (await program.get("/feed/v1/schema/releases.json")).json()
        index = (await program.get("/openapi.json")).json()
        again = await program.get("/feed/v1/releases.json", headers={"If-None-Match": answer.headers["etag"]})
        (release,) = answer.json()["releases"]
        withdrawn = await program.get(release["withdrawn_list"])
    jsonschema.validate(answer.json(), schema, format_checker=jsonschema.FormatChecker())
    assert again.status_code == 304
    assert "/feed/v1/releases.json" in index["paths"]
    assert {what: release[what] for what in ROWS} == ROWS
    assert release["signed_by"] == FINGERPRINT
    assert release["withheld"] == {"no_consent": 19}
    assert [each["address"] for each in release["addresses"]] == ["/data/2026-11"], "no folder of ours"
    assert str(tmp_path) not in answer.text
    assert (withdrawn.status_code, withdrawn.text) == (200, "")


async def test_page_links_all_files_of_a_table(
    start_arena: StartArena, database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (tables, pages_data):
        monkeypatch.setattr(module, "FILE_ROWS", 15)
    arena = await start_arena(release_destinations="site")
    await note_release(database)
    source = write_release(tmp_path / "releases")
    assert failures(await publish_release(database, arena.settings, source)) == ""
    async with arena.client() as visitor:
        page = (await visitor.get("/data")).text
        links = {*re.findall(r'href="(/data/2026-11/data/[^"]+)"', page)}
        served = [(await visitor.get(link)).status_code for link in links]
        release = (await visitor.get("/feed/v1/releases.json")).json()["releases"][0]
    assert {200} == {*served}
    parts = {f"/data/2026-11/{path.relative_to(source)}" for path in (source / "data").iterdir()}
    assert links == {link for link in parts if "models_" not in link}
    assert "votes (3 of 3)</a>" in page
    assert {what: release[what] for what in ROWS} == ROWS


async def test_every_listed_file_is_served_as_it_is(site: Serving, tmp_path: Path) -> None:
    files = files_of(tmp_path / "releases" / "2026-11")
    async with site.client() as program:
        for name, content in files.items():
            answer = await program.get(f"/data/2026-11/{name}")
            assert (answer.status_code, answer.content) == (200, content), name
        votes = "/data/2026-11/data/votes.parquet"
        whole = await program.get(votes)
        part = await program.get(votes, headers={"Range": "bytes=4-19"})
        tail = {"Range": "bytes=-4", "If-Range": whole.headers["etag"]}
        stale = {"Range": "bytes=-4", "If-Range": '"another"'}
        assert (part.status_code, part.content) == (206, whole.content[4:20])
        assert part.headers["content-range"] == f"bytes 4-19/{len(whole.content)}"
        assert (await program.get(votes, headers=tail)).content == b"PAR1"
        assert (await program.get(votes, headers=stale)).status_code == 200
        assert (await program.get(votes, headers={"Range": "bytes=9999999-"})).status_code == 416
        head = await program.head(votes)
        known = await program.get(votes, headers={"If-None-Match": whole.headers["etag"]})
    assert whole.headers["content-type"] == "application/vnd.apache.parquet"
    assert whole.headers["access-control-allow-origin"] == "*"
    assert "immutable" not in whole.headers["cache-control"]
    assert (head.status_code, head.headers["content-length"]) == (200, str(len(whole.content)))
    assert (known.status_code, known.content) == (304, b"")


async def test_closed_release_may_be_kept_for_ever(site: Serving, database: Database) -> None:
    async with database.sessions.begin() as session:
        await close_release(session, "2026-11")
    async with site.client() as program:
        answer = await program.get("/data/2026-11/release.json")
        (release,) = (await program.get("/feed/v1/releases.json")).json()["releases"]
    assert "immutable" in answer.headers["cache-control"]
    assert release["state"] == "closed"


async def test_feed_readers_hear_of_releases(site: Serving, database: Database) -> None:
    await snapshots.fit(database)
    async with site.client() as reader:
        (entry,) = (await reader.get("/feed/v1/feed.json")).json()["items"]
        atom = await reader.get("/feed/v1/atom.xml")
        (release,) = (await reader.get("/feed/v1/releases.json")).json()["releases"]
    assert entry["url"].endswith("/data#2026-11")
    assert entry["date_published"] == entry["date_modified"] == release["published_at"]
    assert entry["title"].startswith(f"{release['published_at'][:10]} · Release 2026-11")
    assert entry["title"] in atom.text
    assert "40 battles with 40 votes" in entry["content_text"]
    assert entry["id"] == "tag:127.0.0.1,2026-11-23:release-2026-11"
    assert entry["id"] in atom.text
    assert atom.text.count("<entry>") == 1


TRICKS = (
    "/data/2026-11/../../secret_key",
    "/data/2026-11/%2e%2e/%2e%2e/secret_key",
    "/data/2026-11/..%2f..%2fsecret_key",
    "/data/2026-11//etc/passwd",
    "/data/2026-11/data/../../../secret_key",
    "/data/2026-11/data%5c..%5c..%5csecret_key",
    "/data/2026-11/data",
    "/data/2026-11/",
    "/data/2026-11/.unfinished/export.json",
    "/data/2026-11/notes.txt",
    "/data/2026-11/link.txt",
    "/data/2026-11/samples/battles.jsonl",
    "/data/%2e%2e/secret_key",
    "/data/2026-10/release.json",
    "/data/audit/release.json",
    "/data/2026-11/release.json%00",
)


async def test_nothing_else_is_served(site: Serving, database: Database, tmp_path: Path) -> None:
    """Neither what lies beside a release, nor what is not listed, nor an audit that lies in the same folder."""
    (tmp_path / "secret_key").write_text("very secret")
    folder = tmp_path / "releases" / "2026-11"
    (folder / "notes.txt").write_text("very secret")
    (folder / "link.txt").symlink_to(tmp_path / "secret_key")
    (folder / "samples" / "battles.jsonl").unlink()
    (folder / "samples" / "battles.jsonl").symlink_to(tmp_path / "secret_key")
    (folder / ".unfinished").mkdir()
    (folder / ".unfinished" / "export.json").write_text("very secret")
    write_release(tmp_path / "releases", "audit", variant="audit")
    await note_release(database, "audit", variant="audit")
    for path in TRICKS:
        answer = await raw_answer(site, path)
        assert answer.startswith(b"HTTP/1.1 404"), (path, answer[:100])
        assert b"very secret" not in answer, path


async def raw_answer(site: Serving, path: str) -> bytes:
    """What is said to exactly these bytes: a client would tidy them."""
    reader, writer = await asyncio.open_connection("127.0.0.1", httpx2.URL(site.url).port)
    writer.write(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
    answer = await reader.read()
    writer.close()
    return answer


async def test_release_that_was_exported_anew_waits_until_it_is_published(
    site: Serving, database: Database, tmp_path: Path
) -> None:
    folder = tmp_path / "releases" / "2026-11"
    (folder / "README.md").write_text("Said otherwise.")
    seal(folder)
    async with site.client() as program:
        before = await program.get("/data/2026-11/README.md")
        await publish_release(database, site.settings, folder)
        after = await program.get("/data/2026-11/README.md")
    assert (before.status_code, after.status_code) == (404, 200)
    assert "published anew" in before.text


async def test_site_that_is_no_destination_serves_nothing(
    start_arena: StartArena, database: Database, tmp_path: Path
) -> None:
    await note_release(database)
    await publish_release(
        database, settings_with(database, tmp_path, "site"), write_release(tmp_path / "made")
    )
    arena = await start_arena()
    async with arena.client() as program:
        assert (await program.get("/data/2026-11/release.json")).status_code == 404
        (release,) = (await program.get("/feed/v1/releases.json")).json()["releases"]
    assert release["addresses"] == []


async def test_page_tells_how_to_get_and_check_a_release(site: Serving, tmp_path: Path) -> None:
    async with site.client() as reader:
        page = await reader.get("/data")
        led = await reader.get("/data/2026-11")
        (release,) = (await reader.get("/feed/v1/releases.json")).json()["releases"]
        for link in re.findall(r'href="(/data/[^"]+)"', page.text):
            assert (await reader.get(link)).status_code == 200, link
    assert (led.status_code, led.headers["location"]) == (303, "/data#2026-11")
    assert release["checksums_digest"] in page.text
    assert 'id="2026-11"' in page.text
    if shutil.which("curl"):
        command = unescape(re.search(r'<code id="get-release">(.*?)</code>', page.text, re.DOTALL)[1])  # type: ignore[index]
        process = await asyncio.create_subprocess_shell(
            f"set -e\n{command}", cwd=tmp_path, stderr=asyncio.subprocess.DEVNULL
        )
        assert await process.wait() == 0
        assert files_of(tmp_path / "2026-11") == files_of(tmp_path / "releases" / "2026-11")


async def test_without_a_release_page_and_feed_say_so(arena: Serving) -> None:
    async with arena.client() as reader:
        page = await reader.get("/data")
        assert page.status_code == 200
        assert "No release has been published yet" in page.text
        assert "arena dataset export" in page.text
        assert (await reader.get("/feed/v1/releases.json")).json()["releases"] == []
        assert (await reader.get("/data/2026-11")).status_code == 404
        front = (await reader.get("/")).text
    assert 'href="/data"' in front
