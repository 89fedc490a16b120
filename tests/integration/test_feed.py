"""Every address of the feed, with real votes and several days: valid, cacheable, open, clear about what is missing."""

import asyncio
import csv
import io
import json
import re
import shutil
import subprocess
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import httpx2
import jsonschema
import pytest

from tests.conftest import ROOT
from tests.integration.conftest import settings_of_tests
from tests.integration.published_days import AGES, BAD, GOOD, NEW, clear, day, publish
from tests.integration.serving import Serving

ATOM = "{http://www.w3.org/2005/Atom}"


@pytest.fixture(scope="module")
def published(database_url: str, real_data: Path) -> Iterator[str]:
    """A database with boards of three days, for the tests of this file, which only read."""
    asyncio.run(publish(database_url, real_data / "llmfao" / "crowd-comparisons.csv"))
    yield database_url
    asyncio.run(clear(database_url))


@pytest.fixture
async def program(published: str, tmp_path: Path) -> AsyncIterator[httpx2.AsyncClient]:
    """A program that reads the feed."""
    async with Serving(settings_of_tests(published, tmp_path)) as arena, arena.client() as client:
        yield client


def addresses(index: dict[str, Any]) -> Iterator[str]:
    """Every address that the index lists, and each template for every board and day, or for a model."""
    yield "/feed/v1/index.json"
    for group in (
        "files",
        "leaderboards",
        "style_control",
        "csv",
        "pairs",
        "robustness",
        "history",
        "embeds",
        "schemas",
    ):
        yield from index[group].values()
    for template in index["templates"].values():
        path = template.partition("{?")[0]
        if "{+model}" in path:
            yield path.replace("{+model}", GOOD)
            if path.startswith("/badge/"):
                yield path.replace("{+model}", "Airoboros L2 70B") + "?board=llmfao"
            continue
        for date, snapshot in index["days"].items():
            dated = path.replace("{date}", date).replace("{snapshot}", snapshot)
            yield from (dated.replace("{board}", name) for name in index["leaderboards"])


async def test_every_address_is_valid_cacheable_and_open(program: httpx2.AsyncClient) -> None:
    index = (await program.get("/feed/v1/index.json")).json()
    schemas = {name: (await program.get(path)).json() for name, path in index["schemas"].items()}
    assert {"overall", "llmfao", "english"} <= index["leaderboards"].keys()
    assert {"overall", "english"} <= index["style_control"].keys()
    first, *_ = index["days"].items()
    asked, seen = set(addresses(index)), set()
    assert len(asked) > 100
    for path in asked:
        answer = await program.get(path)
        if answer.status_code == 404:  # the categories came with the second day
            robustness_of_category = "/robustness/" in path and f"{path.rpartition('/')[2]}" not in {
                f"{name}.json" for name in index["robustness"]
            }
            assert robustness_of_category or any(part in path for part in first), path
            assert re.search("(The nearest|There) are: ", answer.json()["detail"])
        else:
            assert answer.status_code == 200, (path, answer.text[:300])
            seen.add(await hold_to_its_promises(program, path, answer, schemas))
    assert seen == {*schemas, "schema", "text/csv", "application/atom+xml", "image/svg+xml", "text/html"}


async def hold_to_its_promises(
    program: httpx2.AsyncClient, path: str, answer: httpx2.Response, schemas: dict[str, Any]
) -> str:
    """Check one answer; returns the name of its schema, or its media type."""
    headers = answer.headers
    assert headers["access-control-allow-origin"] == "*", path
    assert "set-cookie" not in headers
    assert headers["content-encoding"] == "gzip", path
    assert "frame-ancestors" in headers["content-security-policy"]
    assert ("frame-ancestors *" in headers["content-security-policy"]) == path.startswith("/embed/")
    etag = headers["etag"]
    assert etag.startswith('"')
    for condition in conditions(headers):
        again = await program.get(path, headers=condition)
        assert (again.status_code, again.content) == (304, b""), (path, condition)
        assert again.headers["etag"] == etag
        assert again.headers["access-control-allow-origin"] == "*"
    other = await program.get(path, headers={"If-None-Match": '"other"'})
    assert other.status_code == 200, path
    plain = await program.get(path, headers={"Accept-Encoding": "gzip;q=0, identity"})
    assert "content-encoding" not in plain.headers
    assert plain.content == answer.content, path
    head = await program.head(path)
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == headers["content-length"]
    assert (await program.options(path)).headers["access-control-allow-methods"] == "GET, HEAD"
    media_type = headers["content-type"].partition(";")[0]
    if "json" not in media_type:
        return str(media_type)
    if media_type == "application/schema+json":
        jsonschema.Draft202012Validator.check_schema(answer.json())
        return "schema"
    described = headers["link"].partition(">")[0].removeprefix("</feed/v1/schema/").removesuffix(".json")
    jsonschema.validate(answer.json(), schemas[described], format_checker=jsonschema.FormatChecker())
    return str(described)


def conditions(headers: httpx2.Headers) -> Iterator[dict[str, str]]:
    """What a program may send back to be told 304."""
    etag = headers["etag"]
    for given in (etag, f'"x", {etag}', f"W/{etag}", "*"):
        yield {"If-None-Match": given}
    if "last-modified" in headers:
        yield {"If-Modified-Since": headers["last-modified"]}


async def test_csv_says_what_the_json_says(program: httpx2.AsyncClient) -> None:
    board = (await program.get("/feed/v1/leaderboards/llmfao.json")).json()
    answer = await program.get("/feed/v1/leaderboards/llmfao.csv")
    links = (await program.get("/feed/v1/leaderboards/llmfao.json")).headers["link"]
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert [row["model"] for row in rows] == [entry["model"] for entry in board["entries"]]
    assert [float(row["rating"]) for row in rows] == [entry["rating"] for entry in board["entries"]]
    assert {row["preliminary"] for row in rows} <= {"true", "false"}
    assert {row["open_weights"] for row in rows} == {""}
    assert '</feed/v1/leaderboards/llmfao.csv>; rel="alternate"; type="text/csv"' in links
    assert '<https://spdx.org/licenses/CC-BY-4.0.html>; rel="license"' in links


async def test_alternates_show_the_same_numbers(program: httpx2.AsyncClient) -> None:
    days = (await program.get("/feed/v1/index.json")).json()["days"]
    date, snapshot = list(days.items())[1]
    cases = {
        "leaderboards/llmfao.json": ["/feed/v1/leaderboards/llmfao.csv", "/leaderboard/llmfao"],
        "leaderboards/llmfao.csv": ["/feed/v1/leaderboards/llmfao.json", "/leaderboard/llmfao"],
        "pairs/llmfao.json": ["/pairs/llmfao"],
        "robustness/llmfao.json": ["/robustness/llmfao"],
        "history/llmfao.json": ["/history/llmfao"],
        f"history/llmfao.json?to={date}": [],
        f"history/llmfao/{date}.json": [f"/leaderboard/llmfao/{date}"],
        f"snapshots/{snapshot}/leaderboards/llmfao.json": [],
        f"snapshots/{snapshot}/pairs/llmfao.json": [],
        f"snapshots/{snapshot}/robustness/llmfao.json": [],
    }
    for path, others in cases.items():
        link = (await program.get(f"/feed/v1/{path}")).headers["link"]
        assert re.findall('<([^>]*)>; rel="alternate"', link) == others, path
        assert all([(await program.get(other)).status_code == 200 for other in others]), path


async def test_history_has_a_point_a_model_and_day(program: httpx2.AsyncClient) -> None:
    history = (await program.get("/feed/v1/history/overall.json")).json()
    first, second, third = history["days"]
    assert first["entries"] == []
    assert [each["date"] for each in history["days"]] == [day(age).isoformat() for age in AGES]
    assert {entry["model"] for entry in second["entries"]} == {GOOD, BAD}
    newest = (await program.get("/feed/v1/leaderboards/overall.json")).json()
    assert third["snapshot"] == newest["snapshot"]
    assert third["entries"] == [
        {name: entry[name] for name in third["entries"][0]} for entry in newest["entries"]
    ]
    part = await program.get(f"/feed/v1/history/overall.json?from={second['date']}&to={second['date']}")
    assert part.json()["days"] == [second]
    assert (await program.get("/feed/v1/history/overall.json?to=2001-01-01")).json()["days"] == []
    of_day = await program.get(f"/feed/v1/history/llmfao/{second['date']}.json")
    named = await program.get(f"/feed/v1/snapshots/{second['snapshot']}/leaderboards/llmfao.json")
    assert of_day.content == named.content
    assert "immutable" in of_day.headers["cache-control"]
    today = await program.get(f"/feed/v1/history/llmfao/{third['date']}.json")
    assert "immutable" not in today.headers["cache-control"]


async def test_changes_tell_who_came_left_and_moved(program: httpx2.AsyncClient) -> None:
    changes = (await program.get("/feed/v1/changes.json")).json()["changes"]
    feed = (await program.get("/feed/v1/feed.json")).json()
    atom = ElementTree.fromstring((await program.get("/feed/v1/atom.xml")).content)
    second_day = (await program.get(f"/feed/v1/changes.json?to={day(1)}")).json()
    last, earlier = changes
    assert last["boards"].keys() == {"overall"}
    assert last["boards"]["overall"]["models_added"] == [NEW]
    assert last["boards"]["overall"]["models_retired"] == [BAD]
    assert set(earlier["boards"]["overall"]["models_added"]) == {GOOD, BAD}
    assert earlier["since"] == day(5).isoformat()
    assert second_day["changes"] == [earlier]
    assert "Overall: retired: bad." in last["summary"]
    assert [item["content_text"].split("\n") for item in feed["items"]] == [
        last["summary"],
        earlier["summary"],
    ]
    entries = atom.findall(f"{ATOM}entry")
    assert [entry.findtext(f"{ATOM}id") for entry in entries] == [item["id"] for item in feed["items"]]
    assert entries[0].findtext(f"{ATOM}updated") == last["generated_at"]
    for required in ("id", "title", "updated"):
        assert atom.findtext(f"{ATOM}{required}")
        assert all(entry.findtext(f"{ATOM}{required}") for entry in entries)


async def test_badge_carries_the_interval(program: httpx2.AsyncClient) -> None:
    entry = (await program.get("/feed/v1/leaderboards/overall.json")).json()["entries"][0]
    fields = (await program.get("/badge/maker/good.json")).json()
    picture = await program.get("/badge/maker/good.svg")
    other = (await program.get("/badge/maker/good.svg?board=llmfao")).json()
    assert entry["model"] == "maker/good"
    assert fields["message"].startswith(f"{entry['rating']:.0f} ")
    assert "rank" in fields["message"]
    assert "preliminary" in (await program.get(f"/badge/{NEW}.json")).json()["message"]
    svg = ElementTree.fromstring(picture.text)
    assert fields["message"] in "".join(svg.itertext())
    assert "It is on: overall; name one" in other["detail"], "not on every category"


async def test_embedded_board_has_no_script_and_no_cookie(program: httpx2.AsyncClient) -> None:
    page = await program.get("/embed/leaderboard/llmfao?top=3&theme=dark")
    missing = await program.get("/embed/leaderboard/lmfao")
    wrong = await program.get("/embed/leaderboard/llmfao?top=0")
    assert page.text.count('<th scope="row">') == 3
    assert 'data-theme="dark"' in page.text
    assert "<script" not in page.text
    assert "The first 3 of 59 models" in page.text
    assert missing.status_code == 404
    assert "frame-ancestors *" in missing.headers["content-security-policy"]
    assert "The nearest are: llmfao" in missing.text
    assert wrong.status_code == 422


async def test_what_is_not_there_is_named_with_the_nearest(program: httpx2.AsyncClient) -> None:
    cases = (
        ("leaderboards/lmfao.json", "leaderboard-not-found", "llmfao"),
        ("leaderboards/lmfao.csv", "leaderboard-not-found", "llmfao"),
        (f"history/{'lmfao' * 1000}.json", "leaderboard-not-found", "llmfao"),
        ("pairs/lmfao.json", "leaderboard-not-found", "llmfao"),
        ("robustness/lmfao.json", "leaderboard-not-found", "llmfao"),
        ("robustness/english.json", "leaderboard-not-found", "robustness"),
        ("history/lmfao.json", "leaderboard-not-found", "llmfao"),
        (f"history/llmfao/{day(3)}.json", "day-not-found", f"{day(2)}"),
        (f"history/lmfao/{day(0)}.json", "leaderboard-not-found", "llmfao"),
        ("history/llmfao/2026-13-45.json", "invalid-input", "/day"),
        ("history/llmfao.json?from=2026-02-02&to=2026-02-01", "invalid-input", "Swap the two"),
        ("history/llmfao.json?from=yesterday", "invalid-input", "/from"),
        ("history/llmfao.json?from=0", "invalid-input", "2026-11-01"),
        ("history/llmfao/0.json", "invalid-input", "2026-11-01"),
        ("leaderboards/overall.style.json", "leaderboard-not-found", "asked for apart"),
        ("history/overall.style.json", "leaderboard-not-found", "asked for apart"),
        ("../../badge/maker/good.json?board=overall.style", "leaderboard-not-found", "asked for apart"),
        ("../../badge/maker/good.json?board=a%00b", "leaderboard-not-found", "digits and hyphens"),
        ("leaderboards/llmfao.json?style_control=true", "leaderboard-not-found", "style control"),
        ("snapshots/abc/pairs/llmfao.json", "snapshot-not-found", "abc"),
        ("models/maker/god.json", "model-not-found", "maker/good"),
        ("schema/leaderbord.json", "not-found", "leaderboard"),
        ("../../badge/maker/god.svg", "model-not-found", "maker/good"),
        ("../../badge/maker/good.svg?board=overal", "leaderboard-not-found", "overall"),
    )
    for path, slug, said in cases:
        answer = await program.get(f"/feed/v1/{path}")
        assert answer.status_code in (404, 422), path
        assert answer.json()["type"].endswith(f"#{slug}"), (path, answer.json())
        assert said in json.dumps(answer.json(), ensure_ascii=False), (path, answer.json())
        assert answer.headers["access-control-allow-origin"] == "*"


async def test_nothing_else_is_open_to_scripts_of_other_sites(program: httpx2.AsyncClient) -> None:
    for path in ("/", "/leaderboard/llmfao", "/api/v1/me/votes", "/livez", "/openapi.json", "/nothing"):
        answer = await program.get(path, headers={"Origin": "https://other.example"})
        assert "access-control-allow-origin" not in answer.headers, path


async def test_documented_examples_run(
    program: httpx2.AsyncClient, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each example as it stands, asked of this program; the one in JavaScript runs in a browser test."""
    text = (ROOT / "docs" / "feed.md").read_text("utf-8")
    text = text.replace("http://localhost:8080", str(program.base_url)).replace("simulated", "llmfao")
    examples = re.findall(r"```(python|sh)\n(.*?)```", text, flags=re.DOTALL)
    assert [kind for kind, _ in examples].count("python") == 3
    for kind, example in examples:
        if kind == "python":
            await asyncio.to_thread(exec, compile(example, "docs/feed.md", "exec"), {})
        elif shutil.which("curl"):
            command = ["sh", "-ec", example.replace("curl ", "curl --fail --noproxy '*' ")]
            done = await asyncio.to_thread(subprocess.run, command, cwd=tmp_path, capture_output=True)
            assert done.returncode == 0, done.stderr
    assert "Airoboros L2 70B" in capsys.readouterr().out
    if shutil.which("curl"):
        assert json.loads((tmp_path / "board.json").read_text())["category"] == "llmfao"
