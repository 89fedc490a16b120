"""The page about open data: what a release holds, which there are, how to check, to use and to cite them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from math import ceil
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response

from arena.dataset.destinations import SITE
from arena.dataset.published import published_releases
from arena.web.deps import CurrentSettings, Db
from arena.web.rendering import render_page
from ratings.release.tables import FILE_ROWS, numbered_names

router = APIRouter()
KEPT = {"Cache-Control": "no-cache"}
# In the words of somebody who wants to know what to download.
HELD = {
    "battles": "which two models met, how the pair was drawn, under which settings",
    "turns": "prompts and both answers, with timings and token counts, personal data replaced",
    "votes": "every vote, whether it counts and why not, style of the answers, tags, the voter's pseudonym",
    "models": "the models, with licences and the periods in which each was served",
    "withheld": "how many votes are not in it, and why",
    "boards": "votes that came from elsewhere, each board under its own licence",
    "leaderboard": "the leaderboards, computed from exactly these files",
    "compat": "the same votes in the columns of published arenas, for notebooks that read those",
    "preference": "prompt, chosen and rejected answer, for training",
}


@dataclass(frozen=True, kw_only=True)
class DataPage:
    """What `data.html` shows."""

    releases: Sequence[Mapping[str, Any]]
    example: Mapping[str, Any] | None  # the newest that this site serves
    held: Mapping[str, str]
    base: str


@router.get("/data")
async def data(request: Request, db: Db, settings: CurrentSettings) -> Response:
    """Every published release."""
    releases = [_shown(each) for each in await published_releases(db, settings)]
    base = (settings.public_url or str(request.base_url)).rstrip("/")
    example = next((each for each in releases if each["here"]), None)
    page = DataPage(releases=releases, example=example, held=HELD, base=base)
    return render_page(request, "data.html", page, headers=KEPT)


def _shown(record: Mapping[str, Any]) -> dict[str, Any]:
    here = any(each["kind"] == SITE for each in record["addresses"])
    tables = {
        what: [*islice(numbered_names(f"data/{what}.parquet"), max(1, ceil(record[what] / FILE_ROWS)))]
        for what in ("battles", "turns", "votes")
    }
    return {**record, "here": here, "size": size_in_words(record["bytes"]), "tables": tables}


def size_in_words(size: int) -> str:
    """Bytes as people say them."""
    amount = float(size)
    for unit in ("bytes", "kB", "MB"):
        if amount < 1000:
            return f"{amount:.0f} {unit}"
        amount /= 1000
    return f"{amount:.1f} GB"
