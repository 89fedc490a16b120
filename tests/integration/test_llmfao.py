"""Real votes through the whole program: 8,931 of crowd workers on 59 models, imported, rated, released and verified.

The votes and the scores that were published for them: tests/unit/ratings/test_real_data.py.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from arena import snapshots
from arena.dataset.bulk import Target, import_votes
from arena.db import Database
from arena.tables import ImportedVote
from ratings import online_elo
from ratings.release.verification import verify
from tests.integration.releasing import export
from tests.integration.serving import Serving

TARGET = Target(name="llmfao", origin="LLMFAO, D. Ustalov", license="CC-BY-4.0")


def published(real_data: Path, algorithm: str) -> pd.Series:
    scores = pd.read_csv(real_data / "llmfao" / "evalica-golden.csv")
    return scores[scores.algorithm == algorithm].set_index("item").score


@pytest.fixture
async def llmfao(real_data: Path, database: Database, tmp_path: Path) -> Database:
    votes = real_data / "llmfao" / "crowd-comparisons.csv"
    done = await import_votes(database, votes, TARGET, rejects=tmp_path / "rejects.csv")
    assert (done.new, done.rejected) == (8931, 0)
    assert await snapshots.fit(database) is not None
    return database


async def board_of(arena: Serving) -> dict[str, Any]:
    async with arena.client() as program:
        board: dict[str, Any] = (await program.get("/feed/v1/leaderboards/llmfao.json")).json()
    return board


async def test_feed_has_the_published_bradley_terry_scores(
    real_data: Path, arena: Serving, llmfao: Database
) -> None:
    """Published is exp(strength) divided by its sum over models; a rating is 400/ln 10 of a strength, plus 1000."""
    board = await board_of(arena)
    scores = published(real_data, "bradley_terry")
    ratings = pd.Series({entry["model"]: entry["rating"] for entry in board["entries"]})
    assert ratings.index.tolist() == scores.sort_values(ascending=False).index.tolist()
    odds = 10 ** (ratings / 400)
    # The feed rounds ratings to hundredths.
    np.testing.assert_allclose(odds / odds.sum(), scores[ratings.index], rtol=0.01 * np.log(10) / 400)
    assert board["votes"] == 8931
    assert board["method"]["parameters"]["cluster"] == "voter"
    assert board["license"] == "CC-BY-4.0"


async def test_stored_votes_have_the_published_elo_scores(
    real_data: Path, llmfao: Database, session: AsyncSession
) -> None:
    """Elo depends on the order of the votes, which the lines of the file keep."""
    columns = ["model_a", "model_b", "winner"]
    stored = select(*(getattr(ImportedVote, name) for name in columns)).order_by(ImportedVote.line)
    votes = pd.DataFrame([tuple(row) for row in await session.execute(stored)], columns=columns)
    scores = published(real_data, "elo")
    ratings = online_elo(votes, k=4.0)
    np.testing.assert_allclose(ratings, scores[ratings.index], rtol=1e-9)


async def test_release_of_the_votes_is_verified(arena: Serving, llmfao: Database, tmp_path: Path) -> None:
    manifest = await export(llmfao, tmp_path / "release")
    assert manifest["files"]["boards/llmfao.parquet"] == {"rows": 8931}
    assert manifest["license"]["boards"] == {"llmfao": "CC-BY-4.0"}
    assert verify(tmp_path / "release") == []
    released = json.loads((tmp_path / "release" / "leaderboard" / "llmfao.json").read_text())
    served = (await board_of(arena))["entries"]
    assert len(released["entries"]) == 59
    for said, entry in zip(released["entries"], served, strict=True):
        assert said.items() <= entry.items()
