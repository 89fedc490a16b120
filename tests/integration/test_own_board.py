"""My board: what a voter's own votes come to, seen by the cookie's owner alone."""

import re

import httpx2

from arena import snapshots
from arena.db import Database
from arena.own_board import VOTES_LEAST
from tests.integration.conftest import Says, StartArena, StartModels
from tests.integration.serving import answered_battle, vote


async def test_own_board_comes_from_the_cookie_and_stands_beside_the_general_rank(
    start_models: StartModels, start_arena: StartArena, catalog: object, database: Database
) -> None:
    await start_models(Says("good", "Right."), Says("odd", "Wrong."))
    arena = await start_arena(catalog=catalog)
    async with arena.client() as one, arena.client() as other:
        empty = await one.get("/me/board")
        assert "Start a battle" in empty.text
        for voter, liked, votes in ((other, "Right.", VOTES_LEAST + 4), (one, "Wrong.", VOTES_LEAST - 1)):
            for _ in range(votes):
                await _prefer(voter, liked)
        await snapshots.fit(database)
        assert "too early" in (await one.get("/me/board")).text
        await _prefer(one, "Wrong.")
        await snapshots.fit(database)
        page = await one.get("/me/board")
        assert page.headers["cache-control"] == "no-store"
        assert "too early" not in page.text
        assert f"{VOTES_LEAST} votes of yours" in page.text
        rows = _rows(page.text)
        assert [row[2] for row in rows] == ["odd", "good"], (
            "the own order, though the other voter sees it otherwise"
        )
        assert [row[0] for row in rows] == ["1", "2"]
        assert rows[0][4:] == [str(VOTES_LEAST), "0", "0"]
        board = (await one.get("/feed/v1/leaderboards/overall.json")).json()
        assert board["entries"][0]["model"] == "good"
        ranks = {entry["model"]: entry for entry in board["entries"]}
        lower, upper = ranks["odd"]["rank_lower"], ranks["odd"]["rank_upper"]
        assert rows[0][1] == (str(lower) if lower == upper else f"{lower}–{upper}")
        battle = (await one.get("/api/v1/me/votes")).json()[0]["battle"]
        assert (await one.delete(f"/api/v1/me/votes/{battle}")).status_code == 204
        assert "too early" in (await one.get("/me/board")).text, "a withdrawn vote is out at once"


async def _prefer(voter: httpx2.AsyncClient, liked: str) -> None:
    battle = await answered_battle(voter)
    side = next(s for s in "ab" if battle["turns"][0]["responses"][s]["text"] == liked)
    await vote(voter, battle["id"], f"model_{side}")


def _rows(html: str) -> list[list[str]]:
    """The words of the cells of each row of the first table."""
    body = html[html.index("<tbody>") : html.index("</tbody>")]
    rows = re.findall(r"<tr>(.*?)</tr>", body, flags=re.DOTALL)
    cells = [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row, flags=re.DOTALL) for row in rows]
    return [[re.sub(r"<[^>]*>", "", cell).strip() for cell in row] for row in cells]
