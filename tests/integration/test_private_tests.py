"""Private tests from the catalog to the published result, and every period in which a model was served."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from time import monotonic
from typing import Any

import orjson
import pytest
from sqlalchemy import select, text, update
from sqlalchemy.ext.asyncio import AsyncSession

from arena import jobs, private_results, snapshots
from arena.battles import decoding_of
from arena.catalog import (
    Catalog,
    CatalogModel,
    battle_models,
    read_catalog,
    register_endpoint,
    retire_model,
    sync_catalog,
)
from arena.db import Database
from arena.errors import CatalogInvalid
from arena.private_results import publish_private_results
from arena.private_tests import running_tests
from arena.records import ModelVersion, PrivateResult
from arena.settings import Settings
from arena.tables import Battle, Endpoint, Model
from arena.versions import (
    NO_ENDPOINT,
    NOT_RECORDED,
    endpoint_kind,
    model_record,
    public_served_model,
    record_versions,
)
from tests.integration.conftest import Says, StartArena, StartModels
from tests.integration.serving import answered_battle, vote
from tests.integration.test_boards import VOTES, import_text

DECODING = decoding_of(Settings(secret_key="k" * 32))


def listed(name: str, **more: Any) -> CatalogModel:
    endpoint = [{"url": "https://api.example.com/v1", "slots": 1}]
    return CatalogModel.model_validate(
        {"name": name, "organization": "Lab", "license": "MIT", "endpoint": endpoint} | more
    )


async def sync(database: Database, *models: CatalogModel, most: int = 3) -> None:
    async with database.sessions.begin() as session:
        await sync_catalog(session, Catalog(model=list(models)), private_tests_max=most)


async def record(database: Database, **decoding: Any) -> int:
    async with database.sessions.begin() as session:
        return await record_versions(session, DECODING | decoding)


async def versions(session: AsyncSession) -> list[ModelVersion]:
    query = select(ModelVersion).order_by(ModelVersion.id).execution_options(populate_existing=True)
    return list(await session.scalars(query))


async def test_every_change_of_what_is_served_is_a_period(database: Database, session: AsyncSession) -> None:
    await sync(database, listed("one"), listed("two"))
    assert await record(database) == 2
    assert await record(database) == 0, "nothing changed"
    await sync(database, listed("one", aliases=["uno"], license="Apache-2.0"), listed("two"))
    assert await record(database) == 1
    assert await record(database, temperature=0.1) == 2
    await sync(database, listed("one", aliases=["uno"], license="Apache-2.0"))
    assert await record(database, temperature=0.1) == 1
    async with database.sessions.begin() as work:
        await retire_model(work, "one", "Its maker asked for it.")
    assert await record(database, temperature=0.1) == 1
    found = [(v.license, v.aliases, v.decoding["temperature"], v.reason) for v in await versions(session)]
    assert found == [
        ("MIT", [], 0.7, "Changed: license, aliases."),
        ("MIT", [], 0.7, "Changed: decoding."),
        ("Apache-2.0", ["uno"], 0.7, "Changed: decoding."),
        ("Apache-2.0", ["uno"], 0.1, "Retired: Its maker asked for it."),
        ("MIT", [], 0.1, NO_ENDPOINT),
    ]
    assert all(version.endpoints == ["hosted"] for version in await versions(session))


@pytest.mark.parametrize(
    ("url", "source", "kind"),
    [
        ("demo:", "demo", "demo"),
        ("http://127.0.0.1:8000/v1", "catalog", "self-hosted"),
        ("http://10.0.0.4:8000/v1", "catalog", "self-hosted"),
        ("http://[::1]:8000/v1", "catalog", "self-hosted"),
        ("http://vllm-1:8000/v1", "catalog", "self-hosted"),
        ("http://gpu.example.org:8000/v1", "model-server", "self-hosted"),
        ("https://api.example.com/v1", "catalog", "hosted"),
        ("http://[2606:4700::1]/v1", "catalog", "hosted"),
    ],
)
def test_kind_of_an_endpoint_says_nothing_of_its_address(url: str, source: str, kind: str) -> None:
    assert endpoint_kind(Endpoint(url=url, source=source)) == kind


@pytest.mark.parametrize(
    ("asked_for", "told"),
    [
        ("qwen3-8b", "qwen3-8b"),
        ("Qwen/Qwen3-8B", "Qwen/Qwen3-8B"),
        ("accounts/fireworks/models/llama-v3p1", "accounts/fireworks/models/llama-v3p1"),
        ("llama3.3:70b", "llama3.3:70b"),
        ("/models/secret-path/qwen3-8b/", "qwen3-8b"),
        ("./secret-path/qwen3-8b", "qwen3-8b"),
        ("~/secret-path/qwen3-8b", "qwen3-8b"),
        ("secret-path/qwen3-8b-q4.GGUF", "qwen3-8b-q4.GGUF"),
        ("s3://secret-path/qwen3-8b", "qwen3-8b"),
        (r"C:\secret-path\qwen3-8b", "qwen3-8b"),
    ],
)
def test_folders_of_a_served_file_are_told_to_nobody(asked_for: str, told: str) -> None:
    assert public_served_model(asked_for) == told


async def test_other_model_behind_the_same_name_is_a_period(
    database: Database, session: AsyncSession
) -> None:
    def served(*names: str) -> CatalogModel:
        return listed(
            "one", endpoint=[{"url": "https://api.example.com/v1", "served_model": it} for it in names]
        )

    for names in (["m-1"], ["/secret/a/m-2"], ["/secret/b/m-2"], ["m-3", "m-2"]):
        await sync(database, served(*names))
        assert await record(database) == 1
    assert await record(database) == 0
    found = [(v.served_models, v.reason) for v in await versions(session)]
    changed = "Changed: model asked for."
    assert found == [
        (["m-1"], changed),
        (["/secret/a/m-2"], changed),
        (["/secret/b/m-2"], changed),
        (["m-2", "m-3"], None),
    ]
    model = await session.scalar(select(Model))
    assert model is not None
    told = [version["served_models"] for version in model_record(model, await versions(session))["versions"]]
    assert told == [["m-1"], ["m-2"], ["m-2"], ["m-2", "m-3"]]


async def test_period_of_before_the_record_of_served_models_says_so(
    database: Database, session: AsyncSession
) -> None:
    await sync(database, listed("one"))
    await record(database)
    async with database.sessions.begin() as work:
        await work.execute(text("UPDATE model_version SET served_models = NULL"))
    assert await record(database) == 1
    found = [(v.served_models, v.reason) for v in await versions(session)]
    assert found == [(None, NOT_RECORDED), (["one"], None)]


async def test_cap_holds_for_an_organisation_however_it_is_spelled(database: Database) -> None:
    tests = [listed(f"v{number}", private_test=True) for number in range(3)]
    await sync(database, *tests, listed("theirs", organization="Other", private_test=True))
    with pytest.raises(CatalogInvalid, match=r"Lab has 4 private tests: v0, v1, v2, v3\. At most 3"):
        await sync(database, *tests, listed("v3", organization="LAB", private_test=True))


async def test_private_test_that_a_model_server_keeps_is_under_the_cap(
    database: Database, session: AsyncSession
) -> None:
    """Until its result is published: then it is drawn no more."""
    await sync(database, listed("one"), listed("v0", private_test=True))
    await record(database)
    await sync(database, listed("one"))
    await record(database)
    async with database.sessions.begin() as work:
        await register_endpoint(work, "v0", "http://127.0.0.1:9/v1", "v0", 1)
    assert [model.name for model in await battle_models(session)] == ["one", "v0"]
    others = [listed(f"v{number}", private_test=True) for number in (1, 2, 3)]
    with pytest.raises(CatalogInvalid, match=r"Lab has 4 private tests: v1, v2, v3, v0\. At most 3"):
        await sync(database, *others)
    assert len(await publish_private_results(database, 0)) == 1
    assert [model.name for model in await battle_models(session)] == ["one"]
    assert await running_tests(session) == {}
    await sync(database, *others)


async def test_model_server_of_one_test_too_many_is_refused(database: Database) -> None:
    await sync(database, listed("v0", private_test=True))
    await sync(database, *(listed(f"v{number}", private_test=True) for number in (1, 2, 3)))
    with pytest.raises(CatalogInvalid, match=r"Lab has 4 private tests: v1, v2, v3, v0\. At most 3"):
        async with database.sessions.begin() as work:
            await register_endpoint(work, "v0", "http://127.0.0.1:9/v1", "v0", 1, private_tests_max=3)


async def test_no_model_is_listed_under_a_codename(database: Database) -> None:
    await sync(database, listed("one", private_test=True, codename="heron"))
    with pytest.raises(CatalogInvalid, match="heron: this name is the codename of a private test"):
        await sync(database, listed("heron"))
    with pytest.raises(CatalogInvalid, match="heron: this name is the codename of a private test"):
        async with database.sessions.begin() as work:
            await register_endpoint(work, "heron", "http://127.0.0.1:9/v1", "heron", 1)


async def test_private_test_cannot_be_taken_back(database: Database, session: AsyncSession) -> None:
    await sync(database, listed("one"), listed("two", private_test=True, codename="heron"))
    await sync(database, listed("one"), listed("two", private_test=True))
    with pytest.raises(CatalogInvalid, match="one is public and cannot become a private test"):
        await sync(database, listed("one", private_test=True))
    with pytest.raises(CatalogInvalid, match="its codename is 'heron' for good"):
        await sync(database, listed("two", private_test=True, codename="stork"))
    before = await session.scalar(select(Model.listed_at).where(Model.name == "two"))
    await sync(database, listed("two"))
    released = (
        await session.execute(
            select(Model.private_test, Model.listed_at, Model.codename).where(Model.name == "two")
        )
    ).one()
    assert released.codename == "heron"
    assert not released.private_test
    assert before is not None
    assert released.listed_at > before, "the release is the commitment"


@pytest.mark.parametrize("codename", ["one", "heron"])
async def test_codename_of_another_model_is_refused(codename: str, database: Database) -> None:
    await sync(database, listed("one"), listed("two", private_test=True, codename="heron"))
    with pytest.raises(CatalogInvalid, match=f"three: the codename '{codename}' belongs to another model"):
        await sync(database, listed("three", private_test=True, codename=codename))


def test_codenames_are_unique_and_no_names(tmp_path: Path) -> None:
    path = tmp_path / "catalog.toml"
    entry = '[[model]]\nname = "{}"\norganization = "x"\nprivate_test = true\ncodename = "{}"\n'
    path.write_text(entry.format("one", "heron") + entry.format("two", "heron"))
    with pytest.raises(CatalogInvalid, match="codenames that are not unique: heron"):
        read_catalog(path)
    path.write_text(entry.format("one", "two") + entry.format("two", "heron"))
    with pytest.raises(CatalogInvalid, match="codenames that are not unique: two"):
        read_catalog(path)


def make_private(catalog: Path, name: str, codename: str) -> None:
    """Add the two lines to a catalog that turn a model into a private test."""
    named = f'name = "{name}"\n'
    text = catalog.read_text()
    catalog.write_text(text.replace(named, f'{named}private_test = true\ncodename = "{codename}"\n'))


@asynccontextmanager
async def private_arena(
    start_models: StartModels, start_arena: StartArena, catalog: Path
) -> AsyncIterator[Any]:
    """Two public models, and a private test called heron."""
    await start_models(Says("one", "Yes."), Says("two", "No."), Says("secret-three", "Maybe."))
    make_private(catalog, "secret-three", "heron")
    yield await start_arena(catalog=catalog)


async def test_private_test_from_reveal_to_result(
    start_models: StartModels,
    start_arena: StartArena,
    catalog: Path,
    database: Database,
    session: AsyncSession,
) -> None:
    async with private_arena(start_models, start_arena, catalog) as arena:
        counted = private = 0
        while not (counted >= 4 and private >= 4):
            async with arena.client() as voter:
                battle = await answered_battle(voter)
                said = (
                    await vote(voter, battle["id"], "model_a" if (counted + private) % 2 else "model_b")
                ).json()
                names = {model["name"] for model in said["models"].values()}
                assert "secret-three" not in str(said), "its name is not told"
                assert said["counted"] == ("heron" not in names)
                if "heron" in names:
                    private += 1
                    assert said["reason"] == "private_test"
                    heron = next(m for m in said["models"].values() if m["name"] == "heron")
                    assert heron["private_test"]
                    assert heron["organization"] == "not yet announced"
                    assert heron["open_weights"] is None
                    for path in (
                        f"/api/v1/battles/{battle['id']}",
                        f"/b/{battle['id']}",
                        "/me",
                        "/api/v1/me/votes",
                    ):
                        page = (await voter.get(path, headers={"Accept": "text/html, */*"})).text
                        assert "heron" in page, path
                        assert "secret-three" not in page, path
                        assert "Maker of secret-three" not in page, path
                else:
                    counted += 1
        async with arena.client() as reader:
            assert (await reader.get("/models/secret-three")).status_code == 404
        await snapshots.fit(database)
        overall = await snapshots.read_file(session, "leaderboards/overall.json")
        assert b"secret-three" not in overall
        assert b"heron" not in overall
        assert await publish_private_results(database, 90) == [], "not before the release"
        released = read_catalog(catalog)
        released.model[2].private_test = False
        await sync(database, *released.model)
        assert await publish_private_results(database, 90) == ["secret-three"]
        assert await publish_private_results(database, 90) == [], "once"
        result = (await session.scalars(select(PrivateResult))).one()
        assert (result.votes, result.released, result.variants) == (private, True, 1)
        assert result.opponents <= 2
        reasons = select(Battle.not_counted_reason).distinct()
        assert set(await session.scalars(reasons)) == {None, "private_test"}, (
            "earlier battles keep their reason"
        )
        async with arena.client() as reader:
            assert (await reader.get("/models/secret-three")).status_code == 200


async def test_imported_votes_tell_nothing_of_a_private_test(
    database: Database, session: AsyncSession, tmp_path: Path
) -> None:
    """An imported board may name a model by chance; whose it is stays private."""
    await sync(database, listed("x"), listed("y", private_test=True))
    await import_text(database, tmp_path, VOTES)
    await snapshots.fit(database)
    board = orjson.loads(await snapshots.read_file(session, "leaderboards/imported.json"))
    assert {entry["model"]: entry["organization"] for entry in board["entries"]} == {
        "x": "Lab",
        "y": None,
        "z": None,
    }


async def test_given_up_test_is_published_after_a_while(database: Database, session: AsyncSession) -> None:
    await sync(database, listed("one"), listed("two", private_test=True, codename="heron"))
    await record(database)
    await sync(database, listed("one"))
    assert await publish_private_results(database, 90) == [], "it runs, as far as anybody wrote down"
    await record(database)
    assert await publish_private_results(database, 90) == []
    async with database.sessions.begin() as work:
        await work.execute(
            update(ModelVersion)
            .where(ModelVersion.served_as == "heron")
            .values(last_served_at=ModelVersion.last_served_at - timedelta(days=91))
        )
    assert await publish_private_results(database, 90) == ["heron"]
    result = (await session.scalars(select(PrivateResult))).one()
    assert (result.votes, result.released, result.rating) == (0, False, None)
    assert result.unrated == "No vote was cast on it."
    with pytest.raises(CatalogInvalid, match="two: this private test ended and its result is published"):
        await sync(database, listed("one"), listed("two", private_test=True))


async def test_result_that_fails_holds_up_no_other(
    database: Database,
    session: AsyncSession,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    await sync(
        database, *(listed(name, private_test=True, codename=f"{name}-bird") for name in ("one", "two"))
    )
    await sync(database, listed("one"), listed("two"))
    result = private_results._result

    def broken(ballots: Any, numbers: Any, test: Any) -> dict[str, Any]:
        if test.model.name == "one":
            raise ArithmeticError("the numbers do not add up")
        return result(ballots, numbers, test)

    monkeypatch.setattr(private_results, "_result", broken)
    assert await publish_private_results(database, 90) == ["two"]
    assert "private_result_failed" in caplog.text
    monkeypatch.undo()
    assert await publish_private_results(database, 90) == ["one"]


async def test_private_results_that_fail_are_no_failure_of_the_boards(
    database: Database, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def broken(*_: object) -> list[str]:
        raise ArithmeticError("the numbers do not add up")

    monkeypatch.setattr(jobs, "publish_private_results", broken)
    fitter, settings = snapshots.Fitter(database), Settings(secret_key="k" * 32)
    assert await jobs.fit_leaderboards(database, fitter, settings) is not None
    assert "private_results_failed" in caplog.text


async def test_job_notes_what_the_program_serves(
    start_models: StartModels,
    start_arena: StartArena,
    catalog: Path,
    database: Database,
    session: AsyncSession,
) -> None:
    async with private_arena(start_models, start_arena, catalog) as arena:
        ends_at = monotonic() + 10
        while not await versions(session) and monotonic() < ends_at:  # another process may be at it
            await jobs.note_versions(database, arena.settings)
        assert [v.served_as for v in await versions(session)] == ["one", "two", "heron"]
