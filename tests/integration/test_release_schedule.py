"""Releases on schedule: each period once, published and closed; failures are told; a crash anywhere loses nothing."""

import asyncio
import hashlib
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from prometheus_client import REGISTRY
from sqlalchemy import select

from arena import doctor
from arena.dataset import publishing
from arena.dataset.release_folder import ReleaseFolder
from arena.dataset.releases import close_release
from arena.dataset.schedule import (
    TRY_AGAIN,
    Export,
    export_in_a_process,
    failing_schedule,
    last_period,
    release_on_schedule,
)
from arena.db import Database
from arena.records import ErasedBattle, Release, ReleaseCopy, ReleaseSchedule
from arena.settings import Settings
from ratings.release.verification import verify
from tests.integration.conftest import Says, StartArena, StartModels
from tests.integration.serving import start_battle, vote, wait_until_settled
from tests.integration.small_release import files_of, note_release, write_release
from tests.integration.test_publishing import settings_with

SET = datetime(2026, 10, 20, tzinfo=UTC)
OVER = datetime(2026, 11, 1, 0, 3, tzinfo=UTC)
NAME = "2026-10"


class Exporter:
    """Exports a small release as the command does, and can be told to fail."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.exported: list[str] = []
        self.failure: BaseException | None = None

    async def __call__(self, settings: Settings, name: str, directory: Path) -> None:
        self.exported.append(name)
        async with self.database.sessions() as session:
            opened = await session.get(Release, name)
        if opened is None:
            await note_release(self.database, name, opened_at=OVER + timedelta(days=61))
        if self.failure:
            raise self.failure
        await asyncio.to_thread(write_release, directory.parent, name)


@pytest.fixture
def export(database: Database) -> Exporter:
    return Exporter(database)


def monthly(database: Database, home: Path, *destinations: str) -> Settings:
    return settings_with(database, home, *destinations, release_schedule="monthly")


async def due(database: Database, settings: Settings, export: Export, now: datetime = OVER) -> str | None:
    """Set the schedule in October, and look whether anything is due now."""
    assert await release_on_schedule(database, settings, export=export, now=SET) is None
    return await release_on_schedule(database, settings, export=export, now=now)


@pytest.mark.parametrize(
    ("schedule", "now", "name", "ended"),
    [
        ("monthly", datetime(2026, 1, 31, 23, tzinfo=UTC), "2025-12", datetime(2026, 1, 1, tzinfo=UTC)),
        ("monthly", datetime(2026, 3, 1, tzinfo=UTC), "2026-02", datetime(2026, 3, 1, tzinfo=UTC)),
        ("weekly", datetime(2026, 11, 26, tzinfo=UTC), "2026-w47", datetime(2026, 11, 23, tzinfo=UTC)),
        ("weekly", datetime(2027, 1, 4, tzinfo=UTC), "2026-w53", datetime(2027, 1, 4, tzinfo=UTC)),
    ],
)
def test_periods_end_where_the_calendar_says(
    schedule: str, now: datetime, name: str, ended: datetime
) -> None:
    period = last_period(schedule, now)  # type: ignore[arg-type]
    assert (period.name, period.ended_at) == (name, ended)


async def test_month_that_is_over_is_released_once_and_closed(
    database: Database, tmp_path: Path, export: Exporter
) -> None:
    settings = monthly(database, tmp_path, "site", f"{tmp_path}/there")
    assert await due(database, settings, export, now=datetime(2026, 10, 31, 23, 59, tzinfo=UTC)) is None
    assert await due(database, settings, export) == NAME
    assert files_of(tmp_path / "there" / NAME) == files_of(tmp_path / "releases" / NAME)
    async with database.sessions() as session:
        release = await session.get_one(Release, NAME)
        copies = {*await session.scalars(select(ReleaseCopy.destination))}
    assert (release.state, release.key) == ("closed", None)
    assert copies == {"site", f"{tmp_path}/there"}
    for later in (OVER, OVER + timedelta(days=20)):
        assert await release_on_schedule(database, settings, export=export, now=later) is None
    assert export.exported == [NAME]


async def test_schedule_asks_for_nothing_that_was_over_before_it_was_set(
    database: Database, tmp_path: Path, export: Exporter
) -> None:
    settings = monthly(database, tmp_path)
    never = settings_with(database, tmp_path)
    for each, now in ((settings, OVER), (settings, OVER), (never, OVER), (never, OVER + timedelta(days=35))):
        assert await release_on_schedule(database, each, export=export, now=now) is None
    later = OVER + timedelta(days=40)
    for now in (later, later + timedelta(minutes=1)):
        assert await release_on_schedule(database, settings, export=export, now=now) is None
    assert export.exported == [], "December began while it was set to never"


async def test_failure_is_told_everywhere_and_tried_again(
    database: Database, tmp_path: Path, export: Exporter, start_arena: StartArena
) -> None:
    settings = monthly(database, tmp_path, "site", f"{tmp_path}/full/releases")
    (tmp_path / "full").write_text("a file, so that no folder can be made in it")
    before = REGISTRY.get_sample_value("arena_release_failures_total") or 0
    assert await due(database, settings, export) is None
    arena = await start_arena(release_schedule="monthly", release_destinations="site")
    async with arena.client() as operator:
        (note,) = (await operator.get("/readyz")).json()["notes"]
        assert "The release that is due fails since 2026-11-01 00:03 UTC" in note
        await operator.get("/metrics")
    assert REGISTRY.get_sample_value("arena_late_release") == 1
    assert REGISTRY.get_sample_value("arena_release_failures_total") == before + 1
    findings = await asyncio.to_thread(lambda: asyncio.run(doctor.examine(settings)))
    (told,) = (each.what for each in findings if each.grade == "fault" and "release" in each.what)
    assert f"{tmp_path}/full/releases: " in told
    async with database.sessions() as session:
        assert (await session.get_one(Release, NAME)).state == "open"
        assert {*await session.scalars(select(ReleaseCopy.destination))} == {"site"}
    assert (
        await release_on_schedule(database, settings, export=export, now=OVER + timedelta(minutes=1)) is None
    )
    assert export.exported == [NAME], "not all the time"
    (tmp_path / "full").unlink()
    assert await release_on_schedule(database, settings, export=export, now=OVER + TRY_AGAIN) == NAME
    async with database.sessions() as session:
        assert (await session.get_one(ReleaseSchedule, 1)).error is None
        assert (await session.get_one(Release, NAME)).state == "closed"


async def test_release_that_failed_until_the_next_is_due_is_finished_first(
    database: Database, tmp_path: Path, export: Exporter
) -> None:
    settings = monthly(database, tmp_path, f"{tmp_path}/full/releases")
    (tmp_path / "full").write_text("a file, so that no folder can be made in it")
    assert await due(database, settings, export) is None
    (tmp_path / "full").unlink()
    later = OVER + timedelta(days=61)
    made = [await release_on_schedule(database, settings, export=export, now=later) for _ in range(3)]
    assert made == [NAME, "2026-12", None], "November's was never begun"
    async with database.sessions() as session:
        assert {*await session.scalars(select(Release.state))} == {"closed"}


@pytest.mark.parametrize("crashed_in", ["export", "publishing", "closing"])
async def test_crash_is_gone_on_from(
    crashed_in: str, database: Database, tmp_path: Path, export: Exporter, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = monthly(database, tmp_path, f"{tmp_path}/there")

    async def crash(*arguments: object) -> None:
        raise asyncio.CancelledError

    with monkeypatch.context() as patch:
        if crashed_in == "export":
            export.failure = asyncio.CancelledError()
        else:
            part = {"publishing": "publish_release", "closing": "close_release"}[crashed_in]
            patch.setattr(f"arena.dataset.schedule.{part}", crash)
        with pytest.raises(asyncio.CancelledError):
            await due(database, settings, export)
    export.failure = None
    assert await release_on_schedule(database, settings, export=export, now=OVER) == NAME
    async with database.sessions() as session:
        assert (await session.get_one(Release, NAME)).state == "closed"
    assert files_of(tmp_path / "there" / NAME) == files_of(tmp_path / "releases" / NAME)


async def test_release_of_a_battle_that_was_erased_during_the_upload_stays_open(
    database: Database, tmp_path: Path, export: Exporter, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = monthly(database, tmp_path, f"{tmp_path}/there")
    upload = publishing._publish

    async def erasing(database: Database, folder: ReleaseFolder, *more: Any) -> publishing.Outcome:
        outcome = await upload(database, folder, *more)
        battles = pq.read_table(folder.path / "data" / "battles.parquet")["battle_id"]
        async with database.sessions.begin() as session:
            session.add(ErasedBattle(battle_id="gone", released_as=battles[0].as_py()))
        return outcome

    monkeypatch.setattr(publishing, "_publish", erasing)
    assert await due(database, settings, export) is None
    async with database.sessions() as session:
        release = await session.get_one(Release, NAME)
        said = (await session.get_one(ReleaseSchedule, 1)).error
    assert (release.state, release.key) == ("open", bytes(32))
    assert "1 battles of '2026-10' were withdrawn or erased since" in str(said)


async def test_two_processes_make_one_release(database: Database, tmp_path: Path, export: Exporter) -> None:
    settings = monthly(database, tmp_path, f"{tmp_path}/there")
    await release_on_schedule(database, settings, export=export, now=SET)
    both = (release_on_schedule(database, settings, export=export, now=OVER) for _ in range(2))
    assert sorted(map(str, await asyncio.gather(*both))) == [NAME, "None"]
    assert export.exported == [NAME]


async def test_name_that_is_taken_is_told(database: Database, tmp_path: Path, export: Exporter) -> None:
    await note_release(database, NAME, variant="audit")
    assert await due(database, monthly(database, tmp_path, "site"), export) is None
    assert export.exported == []
    async with database.sessions() as session:
        assert "is taken" in str((await session.get_one(ReleaseSchedule, 1)).error)


async def test_release_opened_by_hand_before_its_month_was_over_is_left_to_the_operator(
    database: Database, tmp_path: Path, export: Exporter
) -> None:
    await note_release(database, NAME, opened_at=SET)
    settings = monthly(database, tmp_path, f"{tmp_path}/there")
    assert await due(database, settings, export) is None
    async with database.sessions() as session:
        said = (await session.get_one(ReleaseSchedule, 1)).error
        assert (await session.get_one(Release, NAME)).state == "open"
    assert "'2026-10' was opened by hand on 2026-10-20, before its time was over" in str(said)
    assert "arena dataset close 2026-10" in str(said)
    next_month = datetime(2026, 12, 1, tzinfo=UTC)
    assert await release_on_schedule(database, settings, export=export, now=next_month) == "2026-11"
    assert export.exported == ["2026-11"]
    assert not (tmp_path / "there" / NAME).exists()


async def test_failure_is_over_once_the_release_is_closed_by_hand(
    database: Database, tmp_path: Path, export: Exporter
) -> None:
    await note_release(database, NAME, opened_at=SET)
    settings = monthly(database, tmp_path)
    assert await due(database, settings, export) is None
    async with database.sessions.begin() as session:
        assert await failing_schedule(session, settings) is not None
        await close_release(session, NAME)
    later = OVER + TRY_AGAIN
    assert await release_on_schedule(database, settings, export=export, now=later) is None
    async with database.sessions() as session:
        assert await failing_schedule(session, settings) is None
    assert export.exported == []


async def test_whole_program_releases_its_battles_by_itself(
    start_arena: StartArena, start_models: StartModels, catalog: Path, database: Database, tmp_path: Path
) -> None:
    """With the real command: interrupted once, then exported, verified, served, and closed."""
    await start_models(Says("heron", "The moon pulls."), Says("teal", "Nobody knows."))
    destinations = f"site,{tmp_path}/there"
    arena = await start_arena(
        catalog=catalog, release_schedule="monthly", release_destinations=destinations, release_least_group=2
    )
    for number, publish in enumerate((True, True, False)):
        async with arena.client() as voter:
            battle = await start_battle(voter, f"What makes tide {number}?", publish=publish)
            await wait_until_settled(voter, battle["id"])
            await vote(voter, battle["id"])
    now = datetime.now(UTC)  # the command opens the release at the real time
    name = last_period("monthly", now).name
    await release_on_schedule(database, arena.settings, now=now - timedelta(days=40))
    interrupted = asyncio.create_task(release_on_schedule(database, arena.settings, now=now))
    await asyncio.sleep(1)
    interrupted.cancel()
    with pytest.raises(asyncio.CancelledError):
        await interrupted
    assert await release_on_schedule(database, arena.settings, now=now) == name
    async with arena.client() as reader:
        (release,) = (await reader.get("/feed/v1/releases.json")).json()["releases"]
        sums = (await reader.get(f"/data/{name}/SHA256SUMS")).text
    assert (release["state"], release["battles"], release["withheld"]) == ("closed", 2, {"no_consent": 1})
    assert hashlib.sha256(sums.encode()).hexdigest() == release["checksums_digest"]
    assert verify(tmp_path / "there" / name) == []
    assert files_of(tmp_path / "there" / name) == files_of(tmp_path / "releases" / name)
    assert await release_on_schedule(database, arena.settings, now=now) is None


async def test_failing_command_says_why(database: Database, tmp_path: Path) -> None:
    """The real command, in its process, on a name that is no longer to be exported."""
    await note_release(database, NAME, variant="audit")
    with pytest.raises(Exception, match="of the variant 'audit'"):
        await export_in_a_process(monthly(database, tmp_path), NAME, tmp_path / "releases" / NAME)
