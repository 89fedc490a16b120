"""Answers of the feed kept in memory: files of the newest snapshot, until there is a newer one."""

from dataclasses import dataclass
from functools import cached_property
from http import HTTPStatus
from typing import Self

from starlette.types import Message

from arena.web.feed_answers import has_already
from arena.web.snapshot_reader import Newest, SnapshotReader

OF_THE_BODY = (b"content-length", b"content-type", b"content-encoding")
REQUEST_ID = b"x-request-id"
REQUESTS, REQUEST_BYTES = 1024, 2048
CONDITIONS = (b"if-none-match", b"if-modified-since")
Headers = list[tuple[bytes, bytes]]


@dataclass(frozen=True)
class Held:
    """A whole answer, but for the id of the request and the date."""

    headers: Headers
    body: bytes

    @classmethod
    def of(cls, messages: list[Message]) -> Self:
        """What a route answered."""
        headers = [(name, value) for name, value in messages[0]["headers"] if name != REQUEST_ID]
        return cls(headers, b"".join(message["body"] for message in messages[1:]))

    @cached_property
    def headers_unchanged(self) -> Headers:
        """The headers of the 304."""
        return [header for header in self.headers if header[0] not in OF_THE_BODY]

    @cached_property
    def head(self) -> bytes:
        """The same as bytes on the wire, up to the value of the request's id."""
        return _head(HTTPStatus.OK, self.headers)

    @cached_property
    def head_unchanged(self) -> bytes:
        """The bytes of the 304."""
        return _head(HTTPStatus.NOT_MODIFIED, self.headers_unchanged)

    @cached_property
    def etag(self) -> bytes:
        """The entity tag with its quotes."""
        return dict(self.headers)[b"etag"]

    @cached_property
    def validators(self) -> tuple[str, str]:
        """The entity tag and the date."""
        said = dict(self.headers)
        return said[b"etag"].decode(), said[b"last-modified"].decode()

    def is_known(self, if_none_match: bytes | None, if_modified_since: bytes | None) -> bool:
        """Whether whoever asks so has it already."""
        if if_none_match is None and if_modified_since is None:
            return False
        if if_none_match == self.etag:  # nearly always
            return True
        return has_already(*self.validators, _text(if_none_match), _text(if_modified_since))


@dataclass(frozen=True)
class Answer:
    """What is sent to one request."""

    held: Held
    unchanged: bool
    method: str

    @property
    def status(self) -> int:
        return 304 if self.unchanged else 200

    @cached_property
    def parts(self) -> tuple[bytes, bytes]:
        """The bytes up to the value of the request's id, and those of the body."""
        head = self.held.head_unchanged if self.unchanged else self.held.head
        return head, b"" if self.unchanged or self.method == "HEAD" else self.held.body


def _text(value: bytes | None) -> str | None:
    return None if value is None else value.decode("latin-1")


def _head(status: HTTPStatus, headers: Headers) -> bytes:
    lines = [b"%s: %s\r\n" % header for header in headers]
    return b"HTTP/1.1 %d %s\r\n%s%s: " % (status, status.phrase.encode(), b"".join(lines), REQUEST_ID)


class HeldFiles:
    """The answers that are held, by what follows the method in a request's first line and by whether they are gzip."""

    def __init__(self, snapshots: SnapshotReader) -> None:
        self._snapshots = snapshots
        self._newest: Newest | None = None
        self._held: dict[tuple[bytes, bool], Held] = {}
        self._requests: dict[bytes, Answer] = {}

    def find(self, target: bytes, gzip: bool) -> Held | None:
        """The answer, of the snapshot that is the newest for sure; None also when that needs a look."""
        return self._held.get((target, gzip)) if self._is_fresh() else None

    def hold(self, target: bytes, gzip: bool, held: Held, of: Newest) -> None:
        """Keep an answer, unless its snapshot is the newest no more."""
        if self._is_fresh() and of is self._newest:
            self._held[target, gzip] = held

    def answer_to(self, request: bytes) -> "Answer | None":
        """The answer to a request that came in the same bytes before."""
        return self._requests.get(request) if self._is_fresh() else None

    def remember(self, request: bytes, answer: "Answer") -> None:
        """Know this request again, whose bytes are all of it; the answer is one that `find` gave just now."""
        if len(request) <= REQUEST_BYTES:
            if len(self._requests) >= REQUESTS:
                self._requests.clear()
            self._requests[request] = answer

    def _is_fresh(self) -> bool:
        newest = self._snapshots.fresh()
        if newest is not None and newest is not self._newest:
            self._newest, self._held, self._requests = newest, {}, {}
        return newest is not None
