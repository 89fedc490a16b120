"""A client that keeps every byte which comes off the network, from the status line to the last chunk."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from time import monotonic
from typing import Any

import httpcore2
import httpx2
from httpcore2 import AsyncNetworkBackend, AsyncNetworkStream


@dataclass(frozen=True, kw_only=True)
class Read:
    """What one read from one connection gave, and when."""

    connection: int
    at: float
    data: bytes


class Recorder(AsyncNetworkBackend):
    """Connects as the plain backend does, and keeps what arrives: no proxy, nothing decoded, nothing left out."""

    def __init__(self) -> None:
        self.reads: list[Read] = []
        self._network = httpcore2.AnyIOBackend()
        self._connections = 0

    def client(self, url: str) -> httpx2.AsyncClient:
        """A browser whose traffic is recorded; it takes no compressed answer, which a search would miss."""
        transport = httpx2.AsyncHTTPTransport(trust_env=False, verify=False)  # nothing here speaks TLS
        transport._pool = httpcore2.AsyncConnectionPool(network_backend=self)
        headers = {"Accept-Encoding": "identity"}
        return httpx2.AsyncClient(base_url=url, transport=transport, timeout=30, headers=headers)

    async def connect_tcp(self, host: str, port: int, *args: Any, **options: Any) -> AsyncNetworkStream:
        self._connections += 1
        return _RecordedStream(
            await self._network.connect_tcp(host, port, *args, **options), self, self._connections
        )

    async def sleep(self, seconds: float) -> None:
        await self._network.sleep(seconds)

    def streams(self, *, since: int = 0) -> list[bytes]:
        """What each connection received, joined, so that nothing hides on the border of two reads."""
        by_connection: dict[int, list[bytes]] = {}
        for read in self.reads[since:]:
            by_connection.setdefault(read.connection, []).append(read.data)
        return [b"".join(parts) for parts in by_connection.values()]


class _RecordedStream(AsyncNetworkStream):
    def __init__(self, stream: AsyncNetworkStream, recorder: Recorder, connection: int) -> None:
        self._stream = stream
        self._recorder = recorder
        self._connection = connection

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        data = await self._stream.read(max_bytes, timeout)
        self._recorder.reads.append(Read(connection=self._connection, at=monotonic(), data=data))
        return data

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        await self._stream.write(buffer, timeout)

    async def aclose(self) -> None:
        await self._stream.aclose()

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


def chunks(reads: Iterable[Read]) -> Iterator[tuple[float, bytes]]:
    """The chunks of one chunked answer, each with the moment at which its last byte was there."""
    buffer, in_body = b"", False
    for read in reads:
        buffer += read.data
        if not in_body and b"\r\n\r\n" in buffer:
            buffer, in_body = buffer.split(b"\r\n\r\n", 1)[1], True
        while in_body and (end := _end_of_chunk(buffer)) is not None:
            start = buffer.index(b"\r\n") + 2
            yield read.at, buffer[start : end - 2]
            buffer = buffer[end:]


def _end_of_chunk(buffer: bytes) -> int | None:
    head, separator, rest = buffer.partition(b"\r\n")
    if not separator:
        return None
    size = int(head, 16)
    end = len(head) + 2 + size + 2
    return end if len(rest) >= size + 2 else None


def found(marks: Sequence[bytes], streams: Iterable[bytes]) -> list[bytes]:
    """Which of the marks, written in small letters, occur in any of the streams, in letters of any size."""
    lowered = [stream.lower() for stream in streams]
    return [mark for mark in marks if any(mark in stream for stream in lowered)]
