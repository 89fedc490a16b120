"""What the arena publishes about itself: feed files that keep their schemas, pages, reports and their alarm."""

import asyncio
import gzip
import io
import re
from collections.abc import Sequence
from contextlib import redirect_stdout
from datetime import UTC, datetime, timedelta
from html import unescape
from pathlib import Path
from typing import Any
from uuid import UUID

import jsonschema
import orjson
import pytest
from prometheus_client import REGISTRY
from sqlalchemy import text, update
from sqlalchemy.ext.asyncio import AsyncSession

from arena import jobs, snapshots
from arena.catalog import Catalog, CatalogModel, retire_model, sync_catalog
from arena.db import Database
from arena.integrity import spoiled_today
from arena.policy import RANKS_RULES
from arena.private_results import publish_private_results
from arena.records import Report as ReportRow
from arena.reports import Reporter, alarm_days, parsed_report
from arena.tables import Battle, Model, Vote
from arena.votes import withdraw_vote
from arena.web.schemas_trust import TRUST
from tests.integration.conftest import Says, StartArena, StartModels
from tests.integration.serving import Serving, answered_battle, vote

FILES = ("models", "private-tests", "policy", "rates", "integrity")
PAGES = ("/policy", "/methodology", "/changelog", "/integrity")
NOON = datetime(2026, 6, 15, 12, tzinfo=UTC)

BATTLES = """
    INSERT INTO battle (id, voter_id, state, model_a_id, model_b_id, propensity, decoding, release_policy, publish,
        answered_turns, not_counted_reason, created_at)
    SELECT :day || '-' || n, voter.id, 'voted', a.id, b.id, 1, '{}', 'paced', false, 1, NULL, cast(:day AS timestamptz)
    FROM generate_series(1, :votes) AS n, voter, model AS a, model AS b WHERE a.name = 'one' AND b.name = 'two'
"""
VOTES = """
    INSERT INTO vote (battle_id, voter_id, winner, counted, reason, receipt, created_at)
    SELECT id, voter_id, 'tie', reason IS NULL, reason, '', created_at FROM (
        SELECT *, CASE WHEN split_part(id, '-', 4)::int <= :spoiled THEN 'identity_revealed' END AS reason
        FROM battle WHERE id LIKE :day || '-%'
    ) AS cast_votes
"""


async def cast(database: Database, day: datetime, votes: int, spoiled: int) -> None:
    """Votes of a day, the first of them spoiled."""
    async with database.sessions.begin() as session:
        said = {"day": day.date().isoformat(), "votes": votes, "spoiled": spoiled}
        await session.execute(text(BATTLES.replace(":day", "cast(:day AS text)")), said)
        await session.execute(text(VOTES.replace(":day", "cast(:day AS text)")), said)


async def two_models(database: Database) -> None:
    async with database.sessions.begin() as session:
        listed = [CatalogModel(name=name, organization=f"Maker of {name}") for name in ("one", "two")]
        await sync_catalog(session, Catalog(model=listed), private_tests_max=3)
        await session.execute(text("INSERT INTO voter (id) VALUES ('00000000-0000-0000-0000-000000000001')"))


async def test_every_file_keeps_its_schema_and_every_page_answers(
    start_models: StartModels, start_arena: StartArena, catalog: Path, database: Database
) -> None:
    await start_models(Says("one", "Yes."), Says("two", "No."), Says("a/three", "Perhaps."))
    arena = await start_arena(catalog=catalog)
    await until_versions_are_noted(arena)
    await check_all(arena, files=FILES[:3])
    for number in range(6):
        async with arena.client() as voter:
            winner = ("model_a", "model_b", "tie")[number % 3]
            await vote(voter, (await answered_battle(voter))["id"], winner)
    await jobs.note_versions(database, arena.settings)
    async with database.sessions.begin() as session:
        await retire_model(session, "one", "Superseded by two.")
    await jobs.note_versions(database, arena.settings)
    await snapshots.fit(database)
    await move_battles_to_yesterday(database)
    await Reporter(database).report()
    await check_all(arena, files=FILES)
    async with arena.client() as program:
        records = (await program.get("/feed/v1/models.json")).json()["models"]
        one = next(record for record in records if record["model"] == "one")
        assert one["retired_reason"] == "Superseded by two."
        assert one["versions"][0]["reason"] == "Retired: Superseded by two."
        assert one["versions"][0]["decoding"]["max_tokens"] == arena.settings.answer_max_tokens
        assert (await program.get("/feed/v1/models/one.json")).json()["versions"] == one["versions"]
        with_slash = (await program.get("/feed/v1/models/a/three.json")).json()
        jsonschema.validate(with_slash, TRUST["model"])
        assert (await program.get("/feed/v1/models/none.json")).json()["type"].endswith("#model-not-found")
        board = (await program.get("/feed/v1/leaderboards/overall.json")).json()
        retired = {entry["model"]: entry["retired_on"] for entry in board["entries"]}
        assert retired["one"] == datetime.now(UTC).date().isoformat()
        assert retired["two"] is None
        assert "Superseded by two." in (await program.get("/policy")).text
        page = (await program.get("/models/one")).text
        assert "Retired: Superseded by two." in page
        assert f"max tokens {arena.settings.answer_max_tokens}" in page
        assert "self-hosted, asked for one" in page
        rates = (await program.get("/feed/v1/rates.json")).json()["days"]
        assert rates[0]["battles"] == 6
        assert sum(each["battles"] for each in rates[0]["models"].values()) == 12
        drawn = (await program.get("/feed/v1/policy.json")).json()["matchmaking"]
        shares = [each["share"] for each in rates[0]["models"].values()]
        assert drawn["rates"] == "/feed/v1/rates.json"
        assert drawn["realised"] == {
            "date": rates[0]["date"],
            "battles": 6,
            "models": len(shares),
            "least_share": min(shares),
            "greatest_share": max(shares),
            "max_min_ratio": rates[0]["max_min_ratio"],
        }
        integrity = (await program.get("/feed/v1/integrity.json")).json()
        assert (integrity["days"][0]["votes"], integrity["days"][0]["counted"]) == (6, 6)
        assert integrity["boards"]["overall"]["models"] == len(board["entries"])


async def test_retirement_stays_on_record_when_the_model_comes_back(
    start_arena: StartArena, database: Database
) -> None:
    arena = await start_arena()
    await two_models(database)
    today = datetime.now(UTC).date()
    async with arena.client() as reader:
        for reason in ("Tired.", "Tired again."):
            async with database.sessions.begin() as session:
                await retire_model(session, "one", reason)
            said = (await reader.get("/feed/v1/models/one.json")).json()
            assert (said["status"], said["retired_reason"]) == ("retired", reason)
            listed = CatalogModel(name="one", organization="Maker of one")
            async with database.sessions.begin() as session:
                assert await sync_catalog(session, Catalog(model=[listed]), private_tests_max=3) == ["one"]
        said = (await reader.get("/feed/v1/models/one.json")).json()
        jsonschema.validate(said, TRUST["model"])
        assert (said["status"], said["retired_at"]) == ("active", None)
        assert (said["license"], said["open_weights"]) == (None, None), "nothing was stated"
        assert [past["reason"] for past in said["past_retirements"]] == ["Tired.", "Tired again."]
        policy = " ".join((await reader.get("/policy")).text.split())
        day = f"{today:%-d %B %Y}"
        assert f"from {day} until {day}, when it was listed again: Tired again." in policy
        assert policy.index("Tired again.") < policy.index("Tired."), "the newest first"
        page = (await reader.get("/models/one")).text
        assert f"from {today} until {today}: Tired." in page
        assert "<dt>Licence</dt><dd>not stated</dd>" in page
        assert "<dt>Weights</dt><dd>not stated</dd>" in page


async def move_battles_to_yesterday(database: Database) -> None:
    async with database.sessions.begin() as session:
        await session.execute(update(Battle).values(created_at=Battle.created_at - timedelta(days=1)))


async def test_draws_tell_no_voter_who_answers(
    arena: Serving, database: Database, session: AsyncSession
) -> None:
    """Neither a battle of today, nor one that began before midnight and waits for its vote."""
    async with arena.client() as voter:
        battle = await answered_battle(voter)
        assert await draws_told(database, session) == ([], {})
        await move_battles_to_yesterday(database)
        assert await draws_told(database, session) == ([], {})
        models = (await vote(voter, battle["id"], "tie")).json()["models"].values()
    days, last = await draws_told(database, session)
    assert set(days[0]["models"]) == set(last) == {model["name"] for model in models}


async def draws_told(database: Database, session: AsyncSession) -> tuple[list[Any], dict[str, str]]:
    await Reporter(database).report()
    rates, integrity = await parsed_report(session, "rates"), await parsed_report(session, "integrity")
    await session.rollback()
    assert rates is not None
    assert integrity is not None
    return rates["days"], integrity["last_battles"]


async def until_versions_are_noted(arena: Serving) -> None:
    """The program does so by itself, a moment after its start."""
    async with asyncio.timeout(30), arena.client() as program:
        while True:
            records = (await program.get("/feed/v1/models.json")).json()["models"]
            if records and all(record["versions"] for record in records):
                return
            await asyncio.sleep(0.05)


async def check_all(arena: Serving, files: Sequence[str]) -> None:
    """Each file valid, 304 to who has it, open to all; each page a page, without a word of a server's address."""
    async with arena.client() as program:
        for name in files:
            answer = await program.get(f"/feed/v1/{name}.json")
            assert answer.status_code == 200, (name, answer.text)
            schema = (await program.get(f"/feed/v1/schema/{name}.json")).json()
            jsonschema.validate(answer.json(), schema, format_checker=jsonschema.FormatChecker())
            assert answer.headers["access-control-allow-origin"] == "*"
            again = await program.get(
                f"/feed/v1/{name}.json", headers={"If-None-Match": answer.headers["etag"]}
            )
            assert again.status_code == 304
            assert "127.0.0.1:" not in answer.text
        for path in PAGES:
            page = await program.get(path)
            assert page.status_code == 200, path
            assert "<h1>" in page.text


async def test_before_the_first_report_the_feed_says_so(arena: Serving) -> None:
    async with arena.client() as program:
        for name in ("rates", "integrity"):
            answer = await program.get(f"/feed/v1/{name}.json")
            assert answer.status_code == 404
            assert answer.json()["type"].endswith("#report-not-found")
        assert "Nothing has been computed yet" in (await program.get("/integrity")).text


async def test_about_says_the_rule_of_ranks_that_is_in_force(arena: Serving) -> None:
    async with arena.client() as program:
        told = " ".join((await program.get("/about")).text.split())
        rule = (await program.get("/feed/v1/policy.json")).json()["ranks"]["about"]
    assert f"share ranks. {rule}" in told
    assert not any(other in told for other in RANKS_RULES.values() if other != rule)


async def test_front_page_leads_to_the_commands_that_recompute(
    start_models: StartModels, start_arena: StartArena, catalog: Path, database: Database
) -> None:
    """Two clicks at most; and the commands shown give the ratings shown."""
    await start_models(Says("one", "Yes."), Says("two", "No."), Says("three", "Perhaps."))
    arena = await start_arena(catalog=catalog)
    for number in range(9):
        async with arena.client() as voter:
            winner = ("model_a", "model_b", "tie")[number % 3]
            await vote(voter, (await answered_battle(voter))["id"], winner)
    await snapshots.fit(database)
    async with arena.client() as reader:
        front = (await reader.get("/")).text
        assert 'href="/methodology"' in front
        page = (await reader.get("/methodology")).text
        board = (await reader.get("/feed/v1/leaderboards/overall.json")).json()
        pairs = await reader.get("/feed/v1/pairs/overall.json")
    assert f"arena leaderboard verify {board['snapshot']}" in page
    shown = re.search(r'<code id="recompute-pairs">(.*?)</code>', page, flags=re.DOTALL)
    assert shown
    code = unescape(shown[1])
    address = f"{arena.url}/feed/v1/pairs/overall.json"
    assert address in code
    printed = run_with_answer(code, pairs.content)
    told = {line.split()[0]: float(line.split()[1]) for line in printed.splitlines()[1:]}
    assert told == {entry["model"]: pytest.approx(entry["rating"], abs=0.006) for entry in board["entries"]}


def run_with_answer(code: str, answer: bytes) -> str:
    """Run the commands of the page, with the file that they would fetch; this process is busy serving it."""
    fetched = code.replace(re.search(r"urllib\.request\.urlopen\(.*?\)", code)[0], "io.BytesIO(ANSWER)")  # type: ignore[index]
    printed = io.StringIO()
    with redirect_stdout(printed):
        exec(compile(fetched, "methodology", "exec"), {"io": io, "ANSWER": answer})
    return printed.getvalue()


async def test_jump_of_spoiled_votes_raises_the_alarm_everywhere(
    start_arena: StartArena, database: Database, session: AsyncSession, caplog: pytest.LogCaptureFixture
) -> None:
    arena = await start_arena()
    await two_models(database)
    for back in range(1, 15):
        await cast(database, NOON - timedelta(days=back), 100, 2)
        reporter = Reporter(database)
        await reporter.report(NOON)
        async with arena.client() as reader:
            page = (await reader.get("/integrity")).text
        assert ("Too early to tell" in page) == (back < 7)
        assert ("No alarm" in page) == (back >= 7)
    assert await alarm_days(session) == []
    await session.rollback()
    await cast(database, NOON, 100, 40)
    await reporter.report(NOON)
    assert await alarm_days(session) == ["2026-06-15"]
    async with arena.client() as operator:
        ready = (await operator.get("/readyz")).json()
        assert ready["notes"] == [
            "The share of votes that do not count jumped on 2026-06-15: see /integrity."
        ]
        await operator.get("/metrics")
        assert REGISTRY.get_sample_value("arena_not_counted_alarm") == 1
        assert "has jumped" in (await operator.get("/integrity")).text
    await session.rollback()
    await reporter.report(NOON + timedelta(days=3))
    report = await parsed_report(session, "integrity")
    assert report is not None
    assert not report["alarm"]["active"], "three days later it is history"
    assert [day["date"] for day in report["alarm"]["days"]] == ["2026-06-15"]


async def test_votes_never_meant_to_count_are_no_part_of_the_share(
    database: Database, session: AsyncSession
) -> None:
    """Neither of the spoiled nor of those they are set against: a private test's by when its battle began."""
    await two_models(database)
    await cast(database, NOON, 4, 0)
    await cast(database, NOON - timedelta(days=1), 2, 1)
    async with database.sessions.begin() as work:
        released = {"private_since": NOON - timedelta(days=9), "listed_at": NOON.replace(hour=0)}
        await work.execute(update(Model).where(Model.name == "two").values(**released))
        for number, meant in enumerate(("demo_models", "simulated_voter", None), 1):
            name = f"2026-06-15-{number}"
            await work.execute(update(Battle).where(Battle.id == name).values(not_counted_reason=meant))
            await withdraw_vote(work, name, UUID(int=1))
        for name, reason in (("2026-06-14-1", "identity_revealed"), ("2026-06-14-2", "private_test")):
            await work.execute(update(Battle).where(Battle.id == name).values(not_counted_reason=reason))
            said = update(Vote).where(Vote.battle_id == name)
            await work.execute(said.values(counted=False, reason=reason))
    await Reporter(database).report(NOON)
    report = await parsed_report(session, "integrity")
    assert report is not None
    today, yesterday = report["days"]
    assert today["not_counted"] == {"demo_models": 1, "simulated_voter": 1, "withdrawn": 1}
    assert (today["counted"], today["spoiled_share"]) == (1, 0.5)
    assert (yesterday["not_counted"], yesterday["spoiled_share"]) == ({"private_test": 2}, None)
    assert sorted(await spoiled_today(session, NOON.date())) == [False, True]


async def test_report_without_news_keeps_its_bytes(database: Database, session: AsyncSession) -> None:
    await two_models(database)
    await cast(database, NOON, 10, 0)
    await Reporter(database).report(NOON)
    first = await parsed_report(session, "integrity")
    await session.rollback()
    await Reporter(database).report(NOON + timedelta(minutes=5))
    assert await parsed_report(session, "integrity") == first


async def test_policy_names_the_models_that_meet_the_retirement_rule(
    arena: Serving, database: Database, session: AsyncSession
) -> None:
    await Reporter(database).report(NOON)
    report = await parsed_report(session, "integrity")
    assert report is not None
    body = gzip.compress(orjson.dumps(report | {"retirable": {"low": "open weights"}}))
    await session.execute(update(ReportRow).where(ReportRow.name == "integrity").values(body=body))
    await session.commit()
    async with arena.client() as reader:
        assert '<a href="/models/low">low</a> (open weights)' in (await reader.get("/policy")).text


async def test_private_tests_are_announced_by_number_alone(
    start_models: StartModels, start_arena: StartArena, catalog: Path, database: Database
) -> None:
    await start_models(Says("one", "Yes."), Says("two", "No."), Says("hidden-three", "Maybe."))
    text = catalog.read_text()  # noqa: ASYNC240
    named = 'name = "hidden-three"\n'
    private = text.replace(named, f'{named}private_test = true\ncodename = "heron"\n')
    catalog.write_text(private)  # noqa: ASYNC240
    arena = await start_arena(catalog=catalog)
    await jobs.note_versions(database, arena.settings)
    await Reporter(database).report()
    async with arena.client() as program:
        said = (await program.get("/feed/v1/private-tests.json")).json()
        assert said["running"] == {"Maker of hidden-three": 1}
        bodies = [
            (await program.get(f"/feed/v1/{name}.json")).text for name in ("models", "rates", "integrity")
        ]
        bodies += [(await program.get(path)).text for path in PAGES]
        for body in bodies:
            assert not re.search(r"(?<!Maker of )hidden-three", body)
            assert "heron" not in body
        assert (await program.get("/feed/v1/models/hidden-three.json")).status_code == 404
        assert "Maker of hidden-three: 1 private test running" in (await program.get("/policy")).text
        catalog.write_text(text)  # noqa: ASYNC240
        await release(database, "hidden-three")
        await publish_private_results(database, 90)
        said = (await program.get("/feed/v1/private-tests.json")).json()
        jsonschema.validate(said, TRUST["private-tests"])
        assert said["running"] == {}
        assert (said["results"][0]["codename"], said["results"][0]["model"]) == ("heron", "hidden-three")
        assert "heron, released as hidden-three" in (await program.get("/policy")).text
        record: dict[str, Any] = (await program.get("/feed/v1/models/hidden-three.json")).json()
        assert record["versions"][0]["name"] == "heron"
        assert record["versions"][0]["served_models"] == ["hidden-three"]


async def release(database: Database, name: str) -> None:
    async with database.sessions.begin() as session:
        listed = CatalogModel(name=name, organization=f"Maker of {name}")
        await sync_catalog(session, Catalog(model=[listed]), private_tests_max=3)
