"""Releases of a running arena pass their checks, and an audit of all votes gives the snapshot's boards."""

from pathlib import Path

import pytest
from sqlalchemy import text

from arena import simulate, snapshots
from arena.dataset.finish import finish
from arena.dataset.signing import signing_key
from arena.db import Database
from arena.settings import Settings
from arena.verification import verify
from ratings.release.verification import verify as verify_release
from tests.integration.conftest import StartArena
from tests.integration.releasing import export
from tests.integration.serving import Serving, answered_battle, vote


@pytest.fixture
async def played(start_arena: StartArena) -> Serving:
    """Simulated voters and a person on the demo models, and an imported study."""
    arena = await start_arena()
    await simulate.play(arena.url, arena.settings, battles=30, at_once=12, seed=5)
    async with arena.client() as person:
        await vote(person, (await answered_battle(person))["id"])
    return arena


async def import_study(database: Database) -> None:
    async with database.sessions.begin() as session:
        await session.execute(text("INSERT INTO board (name, title, votes) VALUES ('study', 'A study', 3)"))
        votes = "(VALUES (1, 'model_a', 'one'), (2, 'model_b', NULL), (3, 'tie', 'two'))"
        await session.execute(
            text(
                f"""INSERT INTO imported_vote (board_id, file_digest, line, model_a, model_b, winner, voter)
                SELECT id, 'f', line, 'x', 'y', winner, voter FROM board, {votes} AS given (line, winner, voter)"""
            )
        )


@pytest.mark.usefixtures("played")
async def test_an_audit_release_gives_the_snapshot(database: Database, tmp_path: Path) -> None:
    await import_study(database)
    snapshot = await snapshots.fit(database)
    assert snapshot is not None
    directory = tmp_path / "audit"
    await export(database, directory, "2026-11-audit", "audit")
    async with database.readings() as session:
        assert await verify(session, snapshot, release=directory) == []
    async with database.sessions.begin() as session:
        turned = "CASE winner WHEN 'tie' THEN 'model_a' ELSE 'tie' END"
        await session.execute(
            text(f"UPDATE vote SET winner = {turned} WHERE id = (SELECT min(id) FROM vote)")
        )
    async with database.readings() as session:
        assert await verify(session, snapshot, release=directory) == [], "the release is as it was"
        (changed,) = await verify(session, snapshot)
    assert "changed since" in changed


@pytest.mark.usefixtures("played")
async def test_an_open_release_is_whole_and_no_audit(database: Database, tmp_path: Path) -> None:
    snapshot = await snapshots.fit(database)
    directory = tmp_path / "open"
    manifest = await export(database, directory)
    finish(directory, manifest, signing_key(Settings(home=tmp_path)))
    assert verify_release(directory) == []
    async with database.readings() as session:
        (refused,) = await verify(session, snapshot or "", release=directory)
    assert "give an audit release" in refused


def test_the_signing_key_is_made_once_for_its_owner_alone(tmp_path: Path) -> None:
    first, again = (signing_key(Settings(home=tmp_path / "home")) for _ in range(2))
    assert first.private_bytes_raw() == again.private_bytes_raw()
    kept = tmp_path / "home" / "release-signing-key"
    assert kept.stat().st_mode & 0o777 == 0o600
    assert [path.name for path in kept.parent.iterdir()] == [kept.name]
    elsewhere = Settings(home=tmp_path / "other", release_signing_key=kept)
    assert signing_key(elsewhere).private_bytes_raw() == first.private_bytes_raw()
    for wrong in ("", "no key"):
        kept.write_text(wrong)
        with pytest.raises(ValueError, match="cannot be read as a private key"):
            signing_key(elsewhere)
