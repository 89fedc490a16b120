"""What `arena doctor` says of installations that lack something."""

import socket
from collections.abc import Iterator
from pathlib import Path
from time import monotonic

import pytest
from sqlalchemy import make_url, text

from arena import doctor
from arena.db import Database
from arena.doctor import Finding, examine
from tests.integration.conftest import Says, StartModels, settings_of_tests

AWAY = "postgresql://somebody:a-canary@127.0.0.1:9/votes"


def catalog_of(path: Path, *urls: str) -> Path:
    """A catalog of models named by numbers, an endpoint each."""
    file = path / "catalog.toml"
    file.write_text(
        "".join(
            f'[[model]]\nname = "model-{number}"\norganization = "Lab"\n[[model.endpoint]]\nurl = "{url}"\n'
            for number, url in enumerate(urls)
        )
    )
    return file


def graded(found: list[Finding], grade: str) -> str:
    return "\n".join(f"{each.what} {each.mend}" for each in found if each.grade == grade)


@pytest.fixture
def silent() -> Iterator[str]:
    """A server that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}/v1"


async def test_database_that_is_away_is_located_and_the_rest_is_told(
    start_models: StartModels, tmp_path: Path
) -> None:
    server = await start_models(Says("one", "1"), Says("two", "2"))
    found = await examine(settings_of_tests(AWAY, tmp_path, catalog=tmp_path / "catalog.toml"))
    assert "Postgres at 127.0.0.1, port 9, database votes: Connection refused." in graded(found, "fault")
    assert "correct host and port in ARENA_DATABASE_URL" in graded(found, "fault")
    for said in ("GB free", "Signing key", "with an endpoint: 2.", "2 models can battle."):
        assert said in graded(found, "ok")
    assert f"one: {server.url} answers." in graded(found, "ok")
    assert "canary" not in str(found)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"database": "nowhere"}, 'database "nowhere" does not exist. Create it with createdb'),
        ({"username": "nobody"}, 'role "nobody" does not exist. Correct the user'),
    ],
)
async def test_reason_and_remedy_are_those_of_the_database(
    database_url: str, tmp_path: Path, change: dict[str, str], said: str
) -> None:
    url = make_url(database_url).set(**change).render_as_string(hide_password=False)
    assert said in graded(await examine(settings_of_tests(url, tmp_path)), "fault")


@pytest.mark.parametrize("url", ["sqlite:///votes.db", "no address", "postgresql://me:p@a-canary@host/votes"])
async def test_address_that_is_none_is_a_finding(url: str, tmp_path: Path) -> None:
    found = await examine(settings_of_tests(url, tmp_path))
    assert "ARENA_DATABASE_URL" in graded(found, "fault")
    assert "canary" not in str(found)


async def test_database_that_hangs_is_given_up(
    tmp_path: Path, silent: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doctor, "DATABASE_SECONDS", 0.5)
    port = make_url(silent).port
    found = await examine(settings_of_tests(f"postgresql://me@127.0.0.1:{port}/votes", tmp_path))
    assert f"port {port}, database votes: no answer within 0.5 seconds" in graded(found, "fault")


async def test_endpoints_are_asked_beside_each_other_and_told_one_by_one(
    database: Database,
    tmp_path: Path,
    silent: str,
    start_models: StartModels,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(doctor, "ENDPOINT_SECONDS", 1)
    server = await start_models(Says("model-9", "1"))
    with_path = [f"{silent.removesuffix('/v1')}/{number}/v1" for number in range(8)]
    catalog = catalog_of(tmp_path, *with_path, "http://127.0.0.1:9/v1", server.url, f"{server.url}/v1")
    began = monotonic()
    found = await examine(settings_of_tests(database.url, tmp_path, catalog=catalog))
    assert monotonic() - began < 5
    for number, url in enumerate(with_path):
        assert f"model-{number}: {url} cannot be reached: no answer within 1 seconds." in graded(
            found, "fault"
        )
    assert "model-8: http://127.0.0.1:9/v1 cannot be reached: " in graded(found, "fault")
    assert f"model-9: {server.url} answers." in graded(found, "ok")
    assert f"model-10: {server.url}/v1 answers 404" in graded(found, "fault")


async def test_misspelt_served_model_is_noticed(
    database: Database, tmp_path: Path, start_models: StartModels
) -> None:
    server = await start_models(Says("right", "1"))
    catalog = catalog_of(tmp_path, server.url, server.url)
    found = await examine(settings_of_tests(database.url, tmp_path, catalog=catalog))
    assert "does not list 'model-0'. It lists: right." in graded(found, "note")


async def test_catalog_of_one_model_is_a_fault(
    database: Database, tmp_path: Path, start_models: StartModels
) -> None:
    await start_models(Says("lonely", "1"))
    found = await examine(settings_of_tests(database.url, tmp_path, catalog=tmp_path / "catalog.toml"))
    assert "Only lonely has an endpoint, and a battle takes two" in graded(found, "fault")
    assert "with an endpoint: 1." in graded(found, "note")


async def test_missing_catalog_gets_one_piece_of_advice(database: Database, tmp_path: Path) -> None:
    found = await examine(settings_of_tests(database.url, tmp_path, catalog=tmp_path / "nowhere.toml"))
    (fault,) = [each for each in found if each.grade == "fault"]
    assert "nowhere.toml: No such file or directory. Give the path of a catalog file." in fault.what
    assert fault.mend == "`arena serve` does not start until this is mended."
    assert "List" not in graded(found, "note")


async def test_without_a_catalog_demo_models_battle(database: Database, tmp_path: Path) -> None:
    found = await examine(settings_of_tests(database.url, tmp_path))
    assert "No model of your own has an endpoint, and a battle takes two; demo models" in graded(
        found, "note"
    )
    assert not graded(found, "fault")
    found = await examine(settings_of_tests(database.url, tmp_path, demo=False))
    assert "No model of your own has an endpoint" in graded(found, "fault")


@pytest.mark.parametrize(
    ("revision", "grade", "said"),
    [("from the future", "fault", "newer version"), ("2aea470219d4", "note", "older version")],
)
async def test_schema_of_another_version_is_told(
    database: Database, tmp_path: Path, revision: str, grade: str, said: str
) -> None:
    async with database.sessions.begin() as session:
        current = await session.scalar(text("SELECT version_num FROM alembic_version"))
        await session.execute(text("UPDATE alembic_version SET version_num = :to"), {"to": revision})
    try:
        found = await examine(settings_of_tests(database.url, tmp_path))
    finally:
        async with database.sessions.begin() as session:
            await session.execute(text("UPDATE alembic_version SET version_num = :to"), {"to": current})
    assert said in graded(found, grade)
