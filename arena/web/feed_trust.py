"""The part of the feed that is about the arena itself: models, private tests, policy, draws, integrity."""

import gzip
from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter, Request, Response

from arena.catalog import find_model
from arena.draws import newest_draws
from arena.private_results import published_results, result_record
from arena.private_tests import running_tests
from arena.reports import parsed_report, read_report
from arena.versions import model_record, public_models, versions_of
from arena.web.deps import CurrentPolicy, CurrentSettings, Db
from arena.web.feed_answers import answer, as_json, content_file, described_by
from arena.web.schemas_trust import TRUST

router = APIRouter(prefix="/feed/v1", tags=["feed"])


@router.head("/models.json", include_in_schema=False)
@router.get("/models.json")
async def models(request: Request, db: Db) -> Response:
    """Every model ever served, with each period's facts, aliases and decoding settings."""
    found = await public_models(db)
    versions = await versions_of(db, found)
    records = [model_record(model, versions[model.id]) for model in found]
    return _said(request, "models", {"models": records})


@router.head("/models/{name:path}.json", include_in_schema=False)
@router.get("/models/{name:path}.json")
async def model(name: str, request: Request, db: Db) -> Response:
    """The same of one model."""
    found = await find_model(db, name)
    versions = await versions_of(db, [found])
    return _said(request, "model", model_record(found, versions[found.id]))


@router.head("/private-tests.json", include_in_schema=False)
@router.get("/private-tests.json")
async def private_tests(request: Request, db: Db, settings: CurrentSettings) -> Response:
    """How many private tests each organisation runs, and what those that ended came to."""
    results = [result_record(result, model) for result, model in await published_results(db)]
    says = {
        "at_once": settings.private_tests_max,
        "unreleased_days": settings.private_result_days,
        "running": await running_tests(db),
        "results": results,
    }
    return _said(request, "private-tests", says)


@router.head("/policy.json", include_in_schema=False)
@router.get("/policy.json")
async def policy(request: Request, db: Db, policy: CurrentPolicy) -> Response:
    """The rules in numbers, as the program runs by them, and how the draw came out."""
    rates = await parsed_report(db, "rates")
    realised = {"realised": newest_draws(rates["days"] if rates else [])}
    return _said(request, "policy", policy | {"matchmaking": policy["matchmaking"] | realised})


@router.head("/rates.json", include_in_schema=False)
@router.get("/rates.json")
async def rates(request: Request, db: Db) -> Response:
    """How often each model and organisation was really drawn, by day."""
    return _answer(request, "rates", gzip.decompress(await read_report(db, "rates")))


@router.head("/integrity.json", include_in_schema=False)
@router.get("/integrity.json")
async def integrity(request: Request, db: Db) -> Response:
    """Votes that count and do not, by reason and day; alarms; how well each board's comparisons hold together."""
    return _answer(request, "integrity", gzip.decompress(await read_report(db, "integrity")))


def _said(request: Request, schema: str, says: Mapping[str, Any]) -> Response:
    return _answer(request, schema, as_json({"$schema": f"/feed/v1/schema/{schema}.json", **says}))


def _answer(request: Request, schema: str, content: bytes) -> Response:
    assert schema in TRUST, "every file is described"
    return answer(request, content_file(content, links=[described_by(schema)]))
