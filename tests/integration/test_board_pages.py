"""The pages of boards, pairs, history and models over a filled arena: what they say; no address breaks them."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import redirect_stdout
from datetime import UTC, datetime, timedelta
from html import unescape
from io import StringIO
from pathlib import Path
from typing import Any

import httpx2
import jsonschema
import pytest

from arena import simulate, snapshots
from arena.dataset.bulk import Target, import_votes
from arena.db import Database
from arena.web.rendering import breakable
from arena.web.schemas import SCHEMAS
from tests.filled_arena import DAYS_BACK, NEWCOMER, STRENGTHS, VOTES_A_DAY, fill
from tests.integration.conftest import StartArena
from tests.integration.serving import answered_battle, vote

BEST, SECOND = list(STRENGTHS)[:2]
DAYS = [(datetime.now(UTC) - timedelta(days=back)).date().isoformat() for back in DAYS_BACK]
PATHS = (
    "/leaderboard",
    "/leaderboard/code",
    "/leaderboard/english",
    f"/leaderboard/overall/{DAYS[0]}",
    "/plot/overall",
    "/pairs/overall?top=10",
    "/robustness/overall",
    "/history/overall",
    "/history/overall/diff",
    "/compare",
    f"/compare?a={BEST}&b={SECOND}",
    f"/models/{BEST}",
)


@pytest.fixture
async def page(start_arena: StartArena, database: Database) -> AsyncIterator[httpx2.AsyncClient]:
    """A browser on an arena with some history."""
    await fill(database)
    arena = await start_arena(demo=False)
    async with arena.client(headers={"Accept": "text/html"}) as client:
        yield client


def rows_of(html: str) -> list[str]:
    """The models of the first table with a column of ranks, in its order."""
    names = re.findall(r'<th scope="row"><a href="/models/[^"]*">(.*?)</a>', html)
    return [name.replace("/<wbr>", "/") for name in names]


async def test_pages_say_what_the_boards_say(page: httpx2.AsyncClient) -> None:
    for path in PATHS:
        answer = await page.get(path)
        assert answer.status_code == 200, (path, answer.text)

    assert (await page.get("/models")).headers["location"] == "/leaderboard"
    board = (await page.get("/feed/v1/leaderboards/overall.json")).json()
    html = (await page.get("/leaderboard/overall")).text
    assert rows_of(html) == [entry["model"] for entry in board["entries"]]
    assert f"{VOTES_A_DAY * len(DAYS_BACK):,} votes" in html
    assert 'rel="alternate" type="application/json" href="/feed/v1/leaderboards/overall.json"' in html
    assert f"new: {NEWCOMER}" in html
    assert board["snapshot"] in html
    styled = (await page.get("/feed/v1/leaderboards/overall.json?style_control=true")).json()
    for entry in styled["entries"]:
        assert re.search(rf'<td class="style wide">{entry["rating"]:.0f}\b', html), entry

    await recomputing_as_the_page_says_gives_the_ratings(html, board)
    await a_board_is_cited_by_its_day(page, html, board)
    await battles_of_one_organisation_are_counted(page, board)
    await pairs_say_how_sure_a_difference_is(page)
    await little_would_change_the_board(page, html)
    await filters_and_order_are_in_the_address(page)
    await what_makes_no_sense_is_named(page)
    await no_value_breaks_a_page(page)
    await what_is_not_there_names_the_nearest(page)
    await days_have_addresses_of_their_own(page)
    await model_page_counts_the_votes(page)


async def printed_by_the_commands(html: str) -> str:
    program = re.search(
        r'<code (?:class="recompute"|id="recompute-pairs")>(.*?)</code>', html, flags=re.DOTALL
    )
    assert program
    with redirect_stdout(StringIO()) as printed:
        await asyncio.to_thread(exec, compile(unescape(program[1]), "the page", "exec"), {})
    return printed.getvalue()


async def recomputing_as_the_page_says_gives_the_ratings(html: str, board: dict[str, Any]) -> None:
    program = re.search(r'<code class="recompute">(.*?)</code>', html, flags=re.DOTALL)
    assert program
    found: dict[str, Any] = {}
    await asyncio.to_thread(exec, compile(unescape(program[1]), "the page", "exec"), found)
    again = dict(found["board"].table[["model", "rating"]].to_numpy().tolist())
    assert again == {it["model"]: pytest.approx(it["rating"], abs=0.006) for it in board["entries"]}


async def battles_of_one_organisation_are_counted(page: httpx2.AsyncClient, board: dict[str, Any]) -> None:
    makers = {entry["model"]: entry["organization"] for entry in board["entries"]}
    pairs = (await page.get("/feed/v1/pairs/overall.json")).json()["pairs"]
    votes = sum(pair["votes"] for pair in pairs if makers[pair["model_a"]] == makers[pair["model_b"]])
    told = {
        path: " ".join((await page.get(path)).text.split())
        for path in ("/leaderboard/overall", "/methodology")
    }
    assert all(
        "Both models of a battle stay the same through all its turns" in text for text in told.values()
    )
    assert f"same organisation: {votes:,} of {board['votes']:,}." in told["/methodology"]
    assert f"<code>/leaderboard/overall/{board['generated_at'][:10]}</code>" in told["/methodology"]


async def little_would_change_the_board(page: httpx2.AsyncClient, html: str) -> None:
    file = (await page.get("/feed/v1/robustness/overall.json")).json()
    first = file["neighbours"][0]
    assert f"dropping {first['drops']:,} of {file['votes']:,} votes</a> would swap 1 and 2" in html
    shown = (await page.get("/robustness/overall")).text
    assert list(file["methods"]) == ["plain", "style_controlled", "capped", "ties_left_out"]
    for pair in file["neighbours"]:
        row = re.search(
            rf">{breakable(pair['better'])}, {breakable(pair['worse'])}</a>.*?</tr>", shown, flags=re.DOTALL
        )
        assert row
        numbers = re.findall(r'<td class="number">([\d,]+) <span', row[0])
        assert numbers == [f"{pair[change]:,}" for change in ("drops", "flips", "adds", "voters")]
    for band in file["models"]:
        assert f">{band['rating_lowest']:.0f}–{band['rating_highest']:.0f}</td>" in shown
    assert (await page.get("/robustness/code")).headers["location"] == "/robustness/overall"


async def pairs_say_how_sure_a_difference_is(page: httpx2.AsyncClient) -> None:
    file = (await page.get("/feed/v1/pairs/overall.json")).json()
    jsonschema.validate(file, SCHEMAS["pairs"])
    board = (await page.get("/feed/v1/leaderboards/overall.json")).json()
    ratings = {entry["model"]: entry["rating"] for entry in board["entries"]}
    for pair in file["pairs"]:
        assert pair["difference"] == pytest.approx(
            ratings[pair["model_a"]] - ratings[pair["model_b"]], abs=0.02
        )
        assert pair["difference_lower"] < pair["difference"] < pair["difference_upper"]
        assert pair["expected"] == pytest.approx(1 / (1 + 10 ** (-pair["difference"] / 400)), abs=1e-3)
        assert pair["votes"] == sum(pair[name] for name in ("wins", "losses", "ties", "both_bad"))
    pair = file["pairs"][0]
    html = (await page.get(f"/compare?a={pair['model_b']}&b={pair['model_a']}")).text
    assert f"{pair['model_b']} won <strong>{pair['losses']}</strong>" in html, "seen from the other side"
    assert "Choose two different models" in (await page.get(f"/compare?a={BEST}&b={BEST}")).text


async def filters_and_order_are_in_the_address(page: httpx2.AsyncClient) -> None:
    board: list[dict[str, Any]] = (await page.get("/feed/v1/leaderboards/overall.json")).json()["entries"]

    async def shown(query: str) -> list[str]:
        return rows_of((await page.get(f"/leaderboard/overall?{query}")).text)

    assert await shown("license=MIT") == [it["model"] for it in board if it["license"] == "MIT"]
    for weights, stated in {"open": True, "closed": False, "unknown": None}.items():
        of_these = [it["model"] for it in board if it["open_weights"] is stated]
        assert of_these, weights
        assert await shown(f"weights={weights}") == of_these
    small = [it["model"] for it in board if it["parameters_billions"] == 8.2]
    assert small, "some models are small"
    assert await shown("size=small") == small
    unknown = [it["model"] for it in board if it["parameters_billions"] is None]
    assert await shown("size=unknown") == unknown
    assert await shown("status=retired") == [it["model"] for it in board if it["status"] == "retired"]
    assert await shown("q=HERON") == ["birds/heron-one"]
    by_votes = [it["votes"] for name in await shown("sort=-votes") for it in board if it["model"] == name]
    assert by_votes == sorted((it["votes"] for it in board), reverse=True)
    html = (await page.get("/leaderboard/overall?sort=-votes")).text
    assert len(re.findall(r'aria-sort="', html)) == 1
    assert 'aria-sort="descending"><a href="?sort=votes">Votes' in html
    by_rank = sorted(board, key=lambda it: (it["rank_lower"], it["rank_upper"], -it["rating"]))
    assert by_rank != board, "the order of ranks is not that of ratings"
    assert await shown("sort=rank") == [it["model"] for it in by_rank]
    assert await shown("sort=-rank") == [it["model"] for it in reversed(by_rank)]
    assert await shown("") == await shown("sort=-rating") == [it["model"] for it in board]
    html = (await page.get("/leaderboard/overall")).text
    assert re.findall(r'aria-sort="\w+"><a href="[^"]*">\w+', html) == [
        'aria-sort="descending"><a href="?sort=rating">Rating'
    ]
    code = (await page.get("/feed/v1/leaderboards/code.json")).json()["entries"]
    by_rank = sorted(code, key=lambda it: (it["rank_lower"], it["rank_upper"], -it["rating"]))
    assert await shown("sort=code") == [it["model"] for it in by_rank]
    nothing = (await page.get("/leaderboard/overall?q=emu&license=MIT")).text
    assert "No model on this board fits these filters" in nothing
    assert '<a href="/leaderboard/overall">Clear the filters</a>' in nothing
    chosen = await page.get("/leaderboard?board=code&view=pairs&license=MIT")
    assert (chosen.status_code, chosen.headers["location"]) == (303, "/pairs/code?license=MIT")


async def what_makes_no_sense_is_named(page: httpx2.AsyncClient) -> None:
    for query, said in {
        "weights=heavy": "it is open or closed or unknown",
        "license=mti": "the nearest are MIT",
        "sort=price": "means nothing here",
        "organization=<script>": "&lt;script&gt;",
        f"q={'x' * 500}": "cut to 100 characters",
    }.items():
        answer = await page.get(f"/leaderboard/overall?{query}")
        assert answer.status_code == 200
        assert said in answer.text, query
    assert "it is 10, 20, 40" in (await page.get("/pairs/overall?top=many")).text
    assert "means nothing here" in (await page.get(f"/models/{BEST}?population=mars")).text


async def no_value_breaks_a_page(page: httpx2.AsyncClient) -> None:
    odd = ("", "%00", "%ff", "%ED%A0%80", "--rank", "-1", "9999-12-31", "2026-W48-4", "..%2F..", "x" * 3000)
    for value in odd:
        for address in (
            "/leaderboard/{}",
            "/leaderboard/overall/{}",
            "/leaderboard/overall?q={}&sort={}&organization={}&weights={}",
            "/pairs/overall?top={}",
            "/history/overall/diff?from={}&to={}",
            "/compare?a={}&b={}&board={}",
            "/models/{}",
            f"/models/{BEST}?population={{}}",
        ):
            answer = await page.get(address.replace("{}", value))
            assert answer.status_code in (200, 404, 307), (address, value)


async def what_is_not_there_names_the_nearest(page: httpx2.AsyncClient) -> None:
    for path, near in {
        "/leaderboard/coed": "code",
        "/plot/overal": "overall",
        "/pairs/cod": "code",
        "/history/maths": "math",
        "/models/osprey-tow": "osprey-two",
        f"/compare?a={BEST}&b=robin": "robin-three",
        "/compare?board=chess": "overall",
        "/leaderboard/overall/2020-01-01": DAYS[0],
        "/history/overall/diff?from=2020-01-01": DAYS[0],
        "/leaderboard?board=maht": "math",
    }.items():
        answer = await page.get(path)
        assert answer.status_code == 404, path
        assert near in answer.text, path
    for path in ("/leaderboard/overall/yesterday", "/history/overall/diff?to=32-13-2026"):
        answer = await page.get(path)
        assert (answer.status_code, "is no day" in answer.text) == (404, True)


async def days_have_addresses_of_their_own(page: httpx2.AsyncClient) -> None:
    first = (await page.get(f"/leaderboard/overall/{DAYS[0]}")).text
    assert NEWCOMER not in rows_of(first)
    assert f'rel="next" href="/leaderboard/overall/{DAYS[1]}"' in first
    history = (await page.get("/history/overall")).text
    assert all(f'href="/leaderboard/overall/{day}"' in history for day in DAYS)
    assert "Preliminary models are left out" in history, "the newcomer is one"
    html = (await page.get(f"/history/overall/diff?from={DAYS[1]}&to={DAYS[-1]}")).text
    assert f"+{VOTES_A_DAY * 2}, from {VOTES_A_DAY * 2} to {VOTES_A_DAY * 4:,}" in html
    assert re.search(rf"{NEWCOMER}</a> <span class=\"badge\">New</span>", html)
    changes = re.findall(
        r'<td class="number wide">(\d+)</td>\s*<td class="number wide">(\d+)</td>\s*<td class="number">(.*?)</td>',
        html,
    )
    assert len(changes) == len(STRENGTHS) - 1
    for rating_then, rating_now, change in changes:
        assert int(rating_now) - int(rating_then) == int(change.replace("−", "-")), "as shown"
    turned = (await page.get(f"/history/overall/diff?from={DAYS[-1]}&to={DAYS[1]}")).text
    assert "<h2>From" in turned
    assert f"+{VOTES_A_DAY * 2}," in turned, "days in either order"


async def a_board_is_cited_by_its_day(page: httpx2.AsyncClient, html: str, board: dict[str, Any]) -> None:
    cited = re.search(r'class="permalink" href="([^"]*)">(.*?)</a>\s*\(<a href="([^"]*)">as JSON', html)
    assert cited
    address, said, file = cited.groups()
    assert said.replace("<wbr>", "") == f"{page.base_url}{address}"
    assert address == f"/leaderboard/overall/{board['generated_at'][:10]}"
    assert rows_of((await page.get(address)).text) == rows_of(html)
    assert (await page.get(file)).json() == board


async def test_days_are_those_of_the_board(
    start_arena: StartArena, database: Database, tmp_path: Path
) -> None:
    """A board that came to an arena with a history has none of its own yet."""
    await fill(database)
    (tmp_path / "votes.csv").write_text("model_a,model_b,winner\n" + "x,y,model_a\ny,x,model_a\n" * 60)
    await import_votes(database, tmp_path / "votes.csv", Target(name="study"))
    await snapshots.fit(database)
    arena = await start_arena(demo=False)
    async with arena.client(headers={"Accept": "text/html"}) as page:
        history = (await page.get("/history/study")).text
        assert "Preliminary models are left out" not in history
        (only,) = re.findall(r'href="(/leaderboard/study/[^"]+)"', history)
        dated = await page.get(only)
        assert dated.status_code == 200
        assert 'rel="prev"' not in dated.text
        assert "compared with itself" in (await page.get("/history/study/diff")).text
        assert "compared with itself" not in (await page.get("/history/overall/diff")).text
        assert "There is no board of an earlier day yet" in (await page.get("/leaderboard/study")).text
        filtered = (await page.get("/leaderboard/overall?q=teal&organization=Birds")).text
        form = re.search(r'<form class="board-choice".*?</form>', filtered, re.DOTALL)
        assert "\0" not in (await page.get("/leaderboard/overall?q=%00&organization=%00")).text
    assert form
    assert '<input type="hidden" name="organization" value="Birds">' in form[0]


async def test_boards_of_few_votes_stand_beside_the_simulated_one(
    start_arena: StartArena, database: Database, tmp_path: Path
) -> None:
    (tmp_path / "votes.csv").write_text("model_a,model_b,winner\nx,y,model_a\nz,w,model_b\n")
    await import_votes(database, tmp_path / "votes.csv", Target(name="study"))
    arena = await start_arena()
    await simulate.play(arena.url, arena.settings, battles=60, at_once=12, seed=7)
    async with arena.client(headers={"Accept": "text/html"}) as page:
        cast = (await vote(page, (await answered_battle(page))["id"])).json()
        await snapshots.fit(database)
        met = {model["name"] for model in cast["models"].values()}
        simulated = (await page.get("/feed/v1/leaderboards/simulated.json")).json()
        others = [entry["model"] for entry in simulated["entries"] if entry["model"] not in met]
        await compare_names_the_model_that_is_unknown(page, met.pop(), others)
        for path in ("/leaderboard", "/compare"):
            assert 'value="simulated" selected' in (await page.get(path)).text, "not the one of a single vote"
        offered = re.findall(
            r'<option value="(?:demo|simulated|study)[^>]*>([^<]+)<', (await page.get("/compare")).text
        )
        assert {"Demo models", "Simulated voters", "study", "Simulated voters: Math"} <= {*offered}
        assert not any("(" in title for title in offered)
        methodology = (await page.get("/methodology")).text
        assert "/feed/v1/pairs/simulated.json" in methodology
        for html in (methodology, (await page.get("/leaderboard/demo")).text):
            assert "NaN" not in await printed_by_the_commands(html.replace("/simulated.json", "/demo.json"))
        never_met = (await page.get("/compare?a=x&b=z&board=study")).text
        assert "They never met on this board. Nothing is known yet of how they compare." in never_met
        assert "comes from votes against others" not in never_met


async def compare_names_the_model_that_is_unknown(
    page: httpx2.AsyncClient, met: str, others: list[str]
) -> None:
    async def detail(query: str) -> str:
        answer = await page.get(f"/compare?{query}", headers={"Accept": "application/json"})
        assert answer.status_code == 404
        told: str = answer.json()["detail"]
        return told

    for query in (f"a={others[0]}&b=nope", f"a=nope&b={others[0]}", f"a={others[0]}&b=nope&board=demo"):
        told = await detail(query)
        assert told.startswith("There is no model 'nope' on any board. There are: "), "nothing is near it"
        assert others[0] not in told.partition(".")[0]
    both = await detail(f"a={others[0]}x&b=nope")
    assert f"no model '{others[0]}x' on any board. The nearest are: {others[0]}" in both
    assert "no model 'nope'" in both
    told = await detail(f"a={others[0]}&b={others[1]}&board=demo")
    assert f"There is no model '{others[0]}' on the board 'demo'." in told
    assert f"There is no model '{others[1]}' on the board 'demo'." in told
    assert (await page.get(f"/compare?a={met}&b={others[0]}")).status_code == 200, "a board that has both"
    assert (await page.get(f"/compare?a={others[0]}")).status_code == 200, "a board that has it"


async def model_page_counts_the_votes(page: httpx2.AsyncClient) -> None:
    html = (await page.get(f"/models/{BEST}")).text
    pairs = (await page.get("/feed/v1/pairs/overall.json")).json()["pairs"]
    votes = sum(pair["votes"] for pair in pairs if BEST in (pair["model_a"], pair["model_b"]))
    weeks = re.search(r'id="weeks".*?</figure>', html, flags=re.DOTALL)
    assert weeks
    cells = re.findall(r'<td class="number">(\d+)</td>', weeks[0])
    assert sum(map(int, cells)) >= votes, "wins, losses and ties of all weeks"
    assert f"Averages of {votes} battles" in html
    assert 'id="categories"' in html
    assert "Also served as" in html
    periods = html[html.index("As it was served") :]
    assert periods.index("temperature 1.0") < periods.index("temperature 0.7"), "the newest first"
    assert "Changed: decoding." in periods
    assert html.count('href="/compare?board=overall') == len(STRENGTHS) - 1
