"""How the feed answers: open to scripts of every site, cached by validators, compressed once for all who ask."""

import gzip
import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from functools import lru_cache
from urllib.parse import quote

import orjson
from fastapi import Request, Response

from arena.web.snapshot_reader import Newest

OPEN = {"Access-Control-Allow-Origin": "*", "Access-Control-Expose-Headers": "ETag, Link"}
FRESH = OPEN | {"Cache-Control": "public, max-age=15, stale-while-revalidate=60"}
IMMUTABLE = OPEN | {"Cache-Control": "public, max-age=31536000, immutable"}
PREFLIGHT = OPEN | {
    "Access-Control-Allow-Methods": "GET, HEAD",
    "Access-Control-Allow-Headers": "If-None-Match, If-Modified-Since",
    "Access-Control-Max-Age": "86400",
}
COMPRESSION = 3  # what is compressed when it is asked for, not once for all
# The snapshot of which an answer is a file, told to the layer that keeps such answers.
FILE_OF = "file_of_newest_snapshot"
SPDX_IDENTIFIER = re.compile(r"[A-Za-z0-9][A-Za-z0-9.+-]*")
WEB_ADDRESS = re.compile(r"https?://[!#-;=?-~]+")  # printable, and neither quote nor angle bracket


@dataclass(frozen=True, kw_only=True)
class FeedFile:
    """A file of the feed with what its headers say."""

    etag: str
    body: bytes = b""  # compressed
    content: bytes | None = None  # instead of `body`, to be compressed for those who need it
    modified: datetime | None = None
    media_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=lambda: FRESH)
    links: Iterable[str] = ()


def content_file(
    content: bytes,
    *,
    modified: datetime | None = None,
    media_type: str = "application/json",
    headers: Mapping[str, str] = FRESH,
    links: Iterable[str] = (),
) -> FeedFile:
    """A file that is no file of a snapshot, known by the digest of its content."""
    return FeedFile(
        etag=hashlib.sha256(content).hexdigest(),
        content=content,
        modified=modified,
        media_type=media_type,
        headers=headers,
        links=links,
    )


def answer(request: Request, file: FeedFile, *, of: Newest | None = None) -> Response:
    """The file, compressed for those who take it so, or 304 for a program that has it already.

    A file of the newest snapshot and of nothing else may be kept until there is a newer one: `of` says of which.
    """
    headers = dict(file.headers) | {"ETag": f'"{file.etag}"', "Vary": "Accept-Encoding"}
    if file.modified is not None:
        headers["Last-Modified"] = http_date(file.modified)
    if file.links:
        headers["Link"] = ", ".join(file.links)
    if of is not None:
        setattr(request.state, FILE_OF, of)
    if is_known(request, file):
        return Response(status_code=304, headers=headers)
    content = file.content
    if takes_gzip(request.headers.get("accept-encoding", "")):
        headers["Content-Encoding"] = "gzip"
        body = file.body if content is None else gzip.compress(content, COMPRESSION, mtime=0)
    else:
        body = gzip.decompress(file.body) if content is None else content
    return Response(body, media_type=file.media_type, headers=headers)


def is_known(request: Request, file: FeedFile) -> bool:
    """Whether the program that asks has this version of the file."""
    return has_already(
        f'"{file.etag}"',
        None if file.modified is None else http_date(file.modified),
        request.headers.get("if-none-match"),
        request.headers.get("if-modified-since"),
    )


def has_already(etag: str, modified: str | None, if_none_match: str | None, if_modified: str | None) -> bool:
    """Whether the program that asks has this version.

    A date counts only when it is the very one that we sent: an older snapshot can become the newest again, when
    votes are erased, and then a later date would be no sign of a newer file.
    """
    if if_none_match is not None:
        given = [tag.strip().removeprefix("W/") for tag in if_none_match.split(",")]
        return if_none_match.strip() == "*" or etag in given
    return modified is not None and if_modified == modified


@lru_cache(maxsize=256)
def takes_gzip(accepted: str) -> bool:
    """What `Accept-Encoding` says of gzip; an entry with `q=0` forbids it."""
    weights = {}
    for entry in accepted.lower().split(","):
        coding, *parameters = (part.strip() for part in entry.split(";"))
        refused = any(re.fullmatch(r"q\s*=\s*0(\.0*)?", parameter) for parameter in parameters)
        weights[coding] = not refused
    return weights.get("gzip", weights.get("x-gzip", weights.get("*", False)))


def http_date(instant: datetime) -> str:
    """As HTTP writes times, to the second."""
    return format_datetime(instant.astimezone(UTC), usegmt=True)


def as_json(says: object) -> bytes:
    """The bytes of a JSON file of the feed."""
    return orjson.dumps(says, option=orjson.OPT_UTC_Z)


def described_by(schema: str) -> str:
    """The link to the JSON Schema of a file."""
    return f'</feed/v1/schema/{schema}.json>; rel="describedby"; type="application/schema+json"'


def alternate(path: str, media_type: str) -> str:
    """The link to the same in another form; the path as it is, not yet quoted."""
    return f'<{quote(path, safe="/?=&")}>; rel="alternate"; type="{media_type}"'


def licensed(license: str | None) -> list[str]:
    """The link to a licence that goes by its SPDX identifier or its address; none for any other words."""
    if license and SPDX_IDENTIFIER.fullmatch(license):
        return [f'<https://spdx.org/licenses/{license}.html>; rel="license"']
    return [f'<{license}>; rel="license"'] if license and WEB_ADDRESS.fullmatch(license) else []
