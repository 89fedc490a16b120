"""To a program that has a file of the feed already, nothing is made and nothing compressed."""

import gzip
from datetime import UTC, datetime

import pytest
from fastapi import Request, Response

from arena.web import feed_answers
from arena.web.feed_answers import answer, content_file
from arena.web.feed_made import MadeFiles


def request(**headers: str) -> Request:
    raw = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    return Request({"type": "http", "method": "GET", "path": "/", "headers": raw})


class History:
    """Makes a file of some snapshots, and counts how often."""

    def __init__(self) -> None:
        self.files, self.made = MadeFiles(), 0

    def make(self) -> bytes:
        self.made += 1
        return b"[1, 2, 3]"

    async def ask(self, *of: str, **headers: str) -> Response:
        modified = datetime(2026, 1, 1, tzinfo=UTC)
        return await self.files.answer(request(**headers), self.make, of=of, modified=modified, links=())


async def test_made_file_is_kept_and_known_by_its_snapshots() -> None:
    history = History()
    whole = await history.ask("board", "1", "2", accept_encoding="gzip")
    plain = await history.ask("board", "1", "2")
    assert gzip.decompress(bytes(whole.body)) == plain.body == b"[1, 2, 3]"
    assert history.made == 1
    known = await history.ask("board", "1", "2", if_none_match=whole.headers["etag"])
    other = await history.ask("board", "1", "3", if_none_match=whole.headers["etag"])
    assert (known.status_code, known.body, known.headers["etag"]) == (304, b"", whole.headers["etag"])
    assert (other.status_code, history.made) == (200, 2)


async def test_nothing_is_made_for_a_program_that_has_it() -> None:
    etag = (await History().ask("board", "1")).headers["etag"]
    of_another_process = History()
    assert (await of_another_process.ask("board", "1", if_none_match=etag)).status_code == 304
    assert of_another_process.made == 0


def test_only_what_is_sent_compressed_is_compressed(monkeypatch: pytest.MonkeyPatch) -> None:
    compressed: list[bytes] = []
    compress = gzip.compress

    def count(content: bytes, level: int = 9, *, mtime: float = 0) -> bytes:
        compressed.append(content)
        return compress(content, level, mtime=mtime)

    monkeypatch.setattr(feed_answers.gzip, "compress", count)
    plain = answer(request(), content_file(b"content"))
    assert answer(request(if_none_match=plain.headers["etag"]), content_file(b"content")).status_code == 304
    assert (plain.body, compressed) == (b"content", [])
    answer(request(accept_encoding="gzip"), content_file(b"content"))
    assert compressed == [b"content"]
