"""Releases that this site itself serves: only published ones, and of those only the files that their checksums list."""

import asyncio
import hashlib
import re
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import FileResponse, RedirectResponse

from arena.dataset.destinations import content_type, site_folder
from arena.dataset.published import copy_on_site
from arena.dataset.release_folder import digest_of_file, read_checksums
from arena.errors import PublishRefused, ReleaseNotFound
from arena.records import Release
from arena.web.deps import CurrentSettings, Db
from arena.web.feed_answers import FRESH, IMMUTABLE, has_already
from ratings.release.schema import CHECKSUMS, PUBLIC_KEY, SIGNATURE

router = APIRouter(prefix="/data", tags=["data"])
NAME = re.compile(r"[a-z0-9][a-z0-9.-]*")


async def _served(release: str, db: Db, settings: CurrentSettings) -> tuple[Release, str]:
    found = await copy_on_site(db, settings, release) if NAME.fullmatch(release) else None
    if found is None:
        raise ReleaseNotFound(f"There is no release {release!r} here. The page /data lists those there are.")
    return found


Served = Annotated[tuple[Release, str], Depends(_served)]


@router.get("/{release}", include_in_schema=False)
async def release(release: str, served: Served) -> Response:
    """Where a release is told of."""
    return RedirectResponse(f"/data#{release}", 303)


@router.head("/{release}/{path:path}", include_in_schema=False)
@router.get("/{release}/{path:path}", response_class=FileResponse)
async def release_file(
    release: str, path: str, request: Request, served: Served, settings: CurrentSettings
) -> Response:
    """A file of a published release, or a range of its bytes."""
    known, digest = served
    folder = site_folder(settings) / release
    listed = await asyncio.to_thread(_listed, folder, digest)
    if path not in listed:
        raise ReleaseNotFound(
            f"The release {release!r} has no file {path!r}. Its SHA256SUMS lists all it has."
        )
    headers = dict(FRESH if known.state == "open" else IMMUTABLE) | {"ETag": f'"{listed[path]}"'}
    if has_already(headers["ETag"], None, request.headers.get("if-none-match"), None):
        return Response(status_code=304, headers=headers)
    return FileResponse(folder / path, headers=headers, media_type=content_type(path))


def _listed(folder: Path, digest: str) -> dict[str, str]:
    """The files that may be served, with their digests; raises while the folder is not as it was published."""
    try:
        sums = (folder / CHECKSUMS).read_bytes()
        listed = read_checksums(sums)
    except (OSError, PublishRefused) as error:
        raise ReleaseNotFound(f"The release {folder.name!r} is not here any more.") from error
    if hashlib.sha256(sums).hexdigest() != digest:
        raise ReleaseNotFound(f"The release {folder.name!r} is being published anew. Come back in a minute.")
    signing = {file: digest_of_file(folder / file) for file in (SIGNATURE, PUBLIC_KEY)}
    found = {file: each for file, each in signing.items() if each}
    whole = {**listed, **found, CHECKSUMS: digest}
    return {file: each for file, each in whole.items() if _is_plain(folder / file)}


def _is_plain(path: Path) -> bool:
    return path.is_file() and not path.is_symlink()
