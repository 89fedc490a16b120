"""All 1,670,250 votes of the Chatbot Arena up to August 2024: the site and the feed give the ratings published then."""

import json
import re
from pathlib import Path
from statistics import median

import jsonschema
import pandas as pd
import pytest

from arena import snapshots
from arena.dataset.bulk import Target, import_votes
from arena.db import Database
from arena.web.schemas import SCHEMAS
from tests.integration.conftest import StartArena

BOARD = "chatbot-arena-2024-08"
TARGET = Target(name=BOARD, origin="leaderbot", license="BSD-3-Clause")
ANCHOR, ANCHORED_AT = "mixtral-8x7b-instruct-v0.1", 1114
WINNERS = ("model_a", "model_b", "tie", "both_bad")


def write_votes(counts: Path, votes: Path) -> None:
    """The published counts as votes, a line for each."""
    counted = json.loads(counts.read_text())
    names = counted["models"]
    with votes.open("w") as file:
        file.write("model_a,model_b,winner\n")
        for (one, other), outcomes in zip(counted["X"], counted["Y"], strict=True):
            for winner, number in zip(WINNERS, outcomes, strict=True):
                file.write(f"{names[one]},{names[other]},{winner}\n" * number)


@pytest.mark.slow
@pytest.mark.timeout(600)
async def test_the_published_ratings_stand_on_the_site_and_in_the_feed(
    real_data: Path, start_arena: StartArena, database: Database, tmp_path: Path
) -> None:
    folder = real_data / "chatbot-arena-2024-08"
    votes = tmp_path / "votes.csv"
    write_votes(folder / "counts.json", votes)
    done = await import_votes(database, votes, TARGET, rejects=tmp_path / "rejects.csv")
    assert (done.new, done.rejected) == (1_670_250, 0)
    await snapshots.fit(database)
    arena = await start_arena(demo=False)
    async with arena.client() as program:
        board = (await program.get(f"/feed/v1/leaderboards/{BOARD}.json")).json()
        robustness = (await program.get(f"/feed/v1/robustness/{BOARD}.json")).json()
        page = (await program.get(f"/leaderboard/{BOARD}", headers={"Accept": "text/html"})).text

    published = pd.read_csv(folder / "published_ratings.csv").set_index("model").rating
    ratings = pd.Series({entry["model"]: entry["rating"] for entry in board["entries"]})
    anchored = ratings - ratings[ANCHOR] + ANCHORED_AT
    away = (anchored - published).dropna().abs()
    assert (board["votes"], len(ratings), len(away)) == (1_670_250, 129, 127)
    # The published solver stops early: 2.63 is its distance from the maximum, at one rare model.
    assert away.max() < 2.65
    assert median(away) < 0.075
    order = ratings[published.index]
    assert order.sort_values(ascending=False).index[:11].tolist() == (
        published.sort_values(ascending=False).index[:11].tolist()
    )

    shown = re.findall(
        r'<th scope="row"><a href="/models/[^"]*">([^<]*)</a>.*?<span class="rating-number">([^<]*)</span>',
        page,
        flags=re.DOTALL,
    )
    assert shown == [(entry["model"], f"{entry['rating']:.0f}") for entry in board["entries"]]

    jsonschema.validate(robustness, SCHEMAS["robustness"])
    first = robustness["neighbours"][0]
    assert (first["better"], first["worse"]) == tuple(ratings.index[:2])
    assert f"dropping {first['drops']:,} of 1,670,250 votes</a> would swap 1 and 2" in page
    assert len(robustness["neighbours"]) == 19
    assert "for no pair" in robustness["unknown"]["voters"]
