"""From a model's name to an answer: endpoints, their slots and health, and one more try elsewhere.

A request goes to the least loaded endpoint of its model that is in health, waits there for a slot, and is
repeated on another endpoint only as long as no token has been seen. Endpoints that keep failing are left
alone and probed until they are well.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, replace
from time import monotonic

import aiohttp

from arena.gateway.breaker import Breaker, BreakerState, Health
from arena.gateway.errors import EndpointUnreachable, FirstTokenTimeout, GatewayError, NoEndpointAvailable
from arena.gateway.openai_chat import ChatRequest, Delta, Endpoint, Finished, Timeouts, stream_chat
from arena.gateway.probe import Verdict, probe

# Below the five seconds after which vLLM's server hangs up on an idle connection: a request sent into a
# connection that is just being closed is lost.
KEEPALIVE_SECONDS = 4


@dataclass(frozen=True, kw_only=True)
class EndpointStatus:
    """One endpoint as the doctor and the metrics see it."""

    endpoint_id: str
    model: str
    breaker_state: BreakerState
    consecutive_failures: int
    in_flight: int
    waiting: int
    slots: int


class _Lane:
    """One endpoint with its slots and its health."""

    def __init__(self, endpoint: Endpoint, breaker: Breaker) -> None:
        self.endpoint = endpoint
        self.health = Health(breaker)
        self.free_slots = asyncio.Semaphore(endpoint.slots)
        self.in_flight = 0
        self.waiting = 0

    @property
    def load(self) -> float:
        return (self.in_flight + self.waiting) / self.endpoint.slots

    @property
    def has_free_slot(self) -> bool:
        return self.in_flight + self.waiting < self.endpoint.slots

    def status(self) -> EndpointStatus:
        return EndpointStatus(
            endpoint_id=self.endpoint.id,
            model=self.endpoint.model,
            breaker_state=self.health.state,
            consecutive_failures=self.health.consecutive_failures,
            in_flight=self.in_flight,
            waiting=self.waiting,
            slots=self.endpoint.slots,
        )


class Pool:
    """All endpoints of all models, and the one HTTP session that talks to them."""

    def __init__(
        self,
        timeouts: Timeouts,
        *,
        breaker: Breaker = Breaker(),
        keepalive_seconds: float = KEEPALIVE_SECONDS,
    ) -> None:
        self._timeouts = timeouts
        self._breaker = breaker
        self._keepalive_seconds = keepalive_seconds
        self._lanes: dict[str, _Lane] = {}
        self._session: aiohttp.ClientSession | None = None
        self._probing: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Open the HTTP session and begin to watch the endpoints."""
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=self._keepalive_seconds),
            cookie_jar=aiohttp.DummyCookieJar(),
            trust_env=False,
        )
        self._probing = asyncio.create_task(self._watch_endpoints(self._session), name="gateway probes")

    async def close(self) -> None:
        """Stop watching and close every connection."""
        if self._probing:
            self._probing.cancel()
            await asyncio.gather(self._probing, return_exceptions=True)
        if self._session:
            await self._session.close()
        self._probing = self._session = None

    def set_endpoints(self, endpoints: Sequence[Endpoint]) -> None:
        """Replace the endpoints; one that stays as it was keeps its slots and health."""
        lanes: dict[str, _Lane] = {}
        for endpoint in endpoints:
            if endpoint.id in lanes:
                raise ValueError(f"two endpoints have the id {endpoint.id}; ids must be distinct")
            known = self._lanes.get(endpoint.id)
            lanes[endpoint.id] = (
                known if known and known.endpoint == endpoint else _Lane(endpoint, self._breaker)
            )
        self._lanes = lanes

    def has_capacity(self, model: str) -> bool:
        """Whether a request for this model would get a slot right now."""
        return any(lane.has_free_slot for lane in self._admitting(model))

    def available_models(self) -> frozenset[str]:
        """The models with at least one endpoint whose breaker is not open."""
        return frozenset(lane.endpoint.model for lane in self._lanes.values() if lane.health.state != "open")

    def snapshot(self) -> list[EndpointStatus]:
        return [lane.status() for lane in self._lanes.values()]

    async def chat(self, model: str, request: ChatRequest) -> AsyncGenerator[Delta | Finished]:
        """Answer with this model; closing or cancelling ends the upstream request at once."""
        ends_at = monotonic() + self._timeouts.total_seconds
        tried: list[str] = []
        while True:
            lane = self._choose(model, tried)
            tried.append(lane.endpoint.id)
            try:
                async with (
                    self._slot(lane, ends_at) as timeouts,
                    aclosing(stream_chat(self._open_session(), lane.endpoint, request, timeouts)) as items,
                ):
                    async for item in items:
                        if isinstance(item, Finished):
                            finished = replace(item, attempts=len(tried))
                        else:
                            yield item
            except GatewayError as error:
                error.attempts = len(tried)
                if not error.worth_another_endpoint or not self._untried(model, tried):
                    raise
            else:
                # The slot is free again even if the caller never asks for more than this.
                lane.health.succeeded()
                yield finished
                return

    def _open_session(self) -> aiohttp.ClientSession:
        if self._session is None:
            raise RuntimeError("the pool is not started; call `await pool.start()` first")
        return self._session

    def _admitting(self, model: str) -> list[_Lane]:
        return [lane for lane in self._lanes.values() if lane.endpoint.model == model and lane.health.admits]

    def _untried(self, model: str, tried: Sequence[str]) -> list[_Lane]:
        return [lane for lane in self._admitting(model) if lane.endpoint.id not in tried]

    def _choose(self, model: str, tried: Sequence[str]) -> _Lane:
        lanes = self._untried(model, tried)
        if not lanes:
            raise NoEndpointAvailable(f"no endpoint of {model} is in health")
        return min(lanes, key=lambda lane: (lane.load, lane.endpoint.id))

    @asynccontextmanager
    async def _slot(self, lane: _Lane, ends_at: float) -> AsyncGenerator[Timeouts]:
        """Hold a slot of the endpoint and judge its health; gives what the wait left of the time."""
        waited_seconds = await self._wait_for_slot(lane, ends_at - monotonic())
        lane.in_flight += 1
        lane.health.begin()
        try:
            yield replace(
                self._timeouts,
                first_token_seconds=self._timeouts.first_token_seconds - waited_seconds,
                total_seconds=ends_at - monotonic(),
            )
        except GatewayError as error:
            if error.endpoint_at_fault and not _was_only_crowded(error, waited_seconds):
                lane.health.failed(monotonic())
            raise
        finally:
            lane.health.end_without_verdict()
            lane.in_flight -= 1
            lane.free_slots.release()

    async def _wait_for_slot(self, lane: _Lane, seconds_left: float) -> float:
        began_at = monotonic()
        lane.waiting += 1
        try:
            async with asyncio.timeout(min(self._timeouts.first_token_seconds, seconds_left)):
                await lane.free_slots.acquire()
        except TimeoutError:
            raise FirstTokenTimeout("no slot became free in time") from None
        finally:
            lane.waiting -= 1
        if not lane.health.admits:
            lane.free_slots.release()
            raise EndpointUnreachable("the endpoint failed for others while this request waited for a slot")
        return monotonic() - began_at

    async def _watch_endpoints(self, session: aiohttp.ClientSession) -> None:
        while True:
            await asyncio.sleep(self._breaker.probe_seconds)
            due = [lane for lane in self._lanes.values() if lane.health.probe_due(monotonic())]
            # A probe that fails in a way nobody thought of says nothing, and must not end the watch over all.
            await asyncio.gather(*(self._probe(session, lane) for lane in due), return_exceptions=True)

    async def _probe(self, session: aiohttp.ClientSession, lane: _Lane) -> None:
        is_open = lane.health.state == "open"
        verdict = await probe(session, lane.endpoint, self._breaker.probe_timeout_seconds, thorough=is_open)
        if verdict is Verdict.WELL:
            lane.health.looks_well()
        elif is_open or verdict is Verdict.DEAD_ENGINE:
            lane.health.open(monotonic())
        elif not lane.in_flight:  # a busy server may be slow to say that it is well
            lane.health.failed(monotonic())


def _was_only_crowded(error: GatewayError, waited_seconds: float) -> bool:
    """Whether the patience was spent waiting for a slot, which is no sign of illness."""
    return isinstance(error, FirstTokenTimeout) and waited_seconds > 1
