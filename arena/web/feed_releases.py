"""The part of the feed that is about published releases."""

from fastapi import APIRouter, Request, Response

from arena.dataset.published import published_releases
from arena.web.deps import CurrentSettings, Db
from arena.web.feed_answers import answer, as_json, content_file, described_by
from arena.web.schemas import DIALECT, SCHEMAS
from arena.web.schemas_fields import COUNT, INSTANT, MAYBE_TEXT, TEXT
from arena.web.schemas_trust import DAY, by_name, list_of, object_of

router = APIRouter(prefix="/feed/v1", tags=["feed"])

DIGEST = {"type": "string", "pattern": "^[0-9a-f]{64}$"}
ADDRESS = object_of(
    {
        "kind": {"enum": ["site", "s3", "hub"]},
        "address": TEXT,
        "checksums_digest": DIGEST,
        "published_at": INSTANT,
    }
)
RELEASE = object_of(
    {
        "name": TEXT,
        "variant": {"const": "open"},
        "state": {"enum": ["open", "closed", "imported"]}
        | {"description": "Open: may be exported anew, when battles are withdrawn; closed: never again."},
        "cut_week": DAY | {"description": "Monday of the week in which its votes were cut off."},
        "published_at": INSTANT,
        "battles": COUNT,
        "turns": COUNT,
        "votes": COUNT,
        "models": COUNT,
        "bytes": COUNT,
        "license": {"type": "object"},
        "withheld": by_name(COUNT) | {"description": "Votes that are not in it, by reason."},
        "withdrawn": COUNT | {"description": "Battles of earlier releases that were withdrawn or erased."},
        "withdrawn_list": MAYBE_TEXT | {"description": "Address of the list of these battles."},
        "checksums_digest": DIGEST | {"description": "SHA-256 of its SHA256SUMS."},
        "signed_by": MAYBE_TEXT | {"description": "Fingerprint of the key that signed it."},
        "addresses": list_of(ADDRESS),
    }
)
SCHEMAS["releases"] = {
    "$schema": DIALECT,
    "$id": "/feed/v1/schema/releases.json",
    **object_of({"$schema": TEXT, "releases": list_of(RELEASE)}),
}


@router.head("/releases.json", include_in_schema=False)
@router.get("/releases.json")
async def releases(request: Request, db: Db, settings: CurrentSettings) -> Response:
    """Published releases, the newest first."""
    found = await published_releases(db, settings)
    says = {"$schema": "/feed/v1/schema/releases.json", "releases": found}
    return answer(request, content_file(as_json(says), links=[described_by("releases")]))
