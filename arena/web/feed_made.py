"""Files of the feed that are made of what snapshots say, known by what they are made of: to say 304 makes nothing."""

import asyncio
import gzip
import hashlib
from collections.abc import Callable, Iterable
from datetime import datetime

from fastapi import Request, Response

from arena import __version__
from arena.web.feed_answers import COMPRESSION, FeedFile, answer, is_known
from arena.web.remembered_bytes import RememberedBytes

REMEMBERED_BYTES = 32 * 2**20


class MadeFiles:
    """Keeps the files that were asked for last, compressed."""

    def __init__(self) -> None:
        self._bodies = RememberedBytes(REMEMBERED_BYTES)

    async def answer(
        self,
        request: Request,
        make: Callable[[], bytes],
        *,
        of: tuple[str, ...],
        modified: datetime,
        links: Iterable[str],
    ) -> Response:
        """The file that is made of these names and snapshots and of nothing else; it is made in a thread."""
        etag = hashlib.sha256("\n".join((__version__, *of)).encode()).hexdigest()
        file = FeedFile(etag=etag, modified=modified, links=links)
        if is_known(request, file):
            return answer(request, file)
        if (body := self._bodies.get((etag, ""))) is None:
            body = await asyncio.to_thread(lambda: gzip.compress(make(), COMPRESSION, mtime=0))
            self._bodies.keep((etag, ""), body)
        return answer(request, FeedFile(body=body, etag=etag, modified=modified, links=links))
