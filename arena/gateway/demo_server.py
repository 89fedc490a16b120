"""A small model server that speaks vLLM's wire, for demo models, recorded answers and tests.

It follows vLLM 0.32 where a client can tell the difference: order and keys of the chunks, bodies of the
errors, names of the metrics, what happens when the engine dies. Faults can be had on demand.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from aiohttp import web

from arena.gateway import demo_wire as wire
from arena.gateway.demo_faults import GARBAGE_LINES, HALF_A_CHARACTER, HTML_PAGE, TOKENS_BEFORE_FAULT, Fault
from arena.gateway.demo_wire import Completion, RequestRefused, ServedModel
from arena.gateway.recordings import RecordedModel, load_recordings

__all__ = ["DemoServer", "Fault", "RecordedModel", "ServedModel", "load_recordings"]

# The faults that show only once tokens flow.
_MIDWAY = frozenset({Fault.HANG_BETWEEN_TOKENS, Fault.GARBAGE, Fault.HALF_UTF8, Fault.ERROR_EVENT, Fault.CUT})


class DemoServer:
    """Serves any models that can reply, by name; `speed` multiplies theirs, and 0 means no waiting at all."""

    def __init__(
        self,
        models: Mapping[str, ServedModel],
        *,
        faults: Mapping[str, Fault] | None = None,
        speed: float = 1.0,
        api_key: str | None = None,
        maximum_context_tokens: int = 16384,
    ) -> None:
        self.models = dict(models)
        self.faults = dict(faults or {})
        self.url = ""
        self.running: Counter[str] = Counter()
        self.disconnects = 0
        self.requests = 0
        self.engine_dead = False
        self._tokens: Counter[str] = Counter()
        self._successes: Counter[tuple[str, str]] = Counter()
        self.speed = speed
        self._api_key = api_key
        self._maximum_context_tokens = maximum_context_tokens
        self._runner: web.AppRunner | None = None

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> str:
        """Listen, and return the base url, which ends in /v1."""
        app = web.Application(middlewares=[self._answer_errors_as_json])
        app.router.add_post("/v1/chat/completions", self._chat)
        app.router.add_get("/v1/models", self._models)
        app.router.add_get("/health", self._health)
        app.router.add_get("/metrics", self._metrics)
        # A client that goes away cancels its request, as in vLLM.
        self._runner = web.AppRunner(app, handler_cancellation=True, access_log=None, shutdown_timeout=1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, host, port)
        await site.start()
        self.url = f"http://{host}:{self._runner.addresses[0][1]}/v1"
        return self.url

    async def close(self) -> None:
        """Stop listening and drop what is still running."""
        if self._runner:
            await self._runner.cleanup()
            self._runner = None

    @web.middleware
    async def _answer_errors_as_json(self, request: web.Request, handler: wire.Handler) -> web.StreamResponse:
        try:
            if request.path.startswith("/v1/"):
                wire.check_key(request, self._api_key)
            return await handler(request)
        except RequestRefused as refusal:
            return web.json_response(refusal.body, status=refusal.status)

    async def _health(self, request: web.Request) -> web.Response:
        return web.Response(status=503 if self.engine_dead else 200)

    async def _models(self, request: web.Request) -> web.Response:
        return web.json_response(wire.model_list(self.models, self._maximum_context_tokens))

    async def _metrics(self, request: web.Request) -> web.Response:
        text = wire.metrics(self.models, self.running, self._tokens, self._successes)
        return web.Response(text=text, content_type="text/plain")

    async def _chat(self, request: web.Request) -> web.StreamResponse:
        self.requests += 1
        completion = await wire.read_completion(request, self.models, self._maximum_context_tokens)
        fault = self.faults.get(completion.served_name)
        if fault in (
            Fault.REFUSE_CONNECTION,
            Fault.HTML_ERROR_PAGE,
            Fault.HTTP_500,
            Fault.NAMES_ITSELF_IN_ERROR,
        ):
            return self._refuse(request, completion, fault)
        if self.engine_dead:
            raise RequestRefused(500, wire.ENGINE_MESSAGE, "InternalServerError")
        async with self._counted(completion):
            if completion.stream:
                return await self._stream(request, completion, fault)
            await self._pace(completion, fault, len(completion.tokens))
            return web.json_response(completion.whole(), headers=completion.headers)

    def _refuse(self, request: web.Request, completion: Completion, fault: Fault) -> web.Response:
        match fault:
            case Fault.REFUSE_CONNECTION:
                _drop_connection(request)
                return web.Response()
            case Fault.HTML_ERROR_PAGE:
                return web.Response(text=HTML_PAGE, content_type="text/html")
            case Fault.NAMES_ITSELF_IN_ERROR:
                key = request.headers.get("Authorization", "no key")
                reason = f"Called with {key}, {completion.served_name} at {request.url} failed"
                raise RequestRefused(500, reason, "InternalServerError")
            case _:
                raise RequestRefused(500, "Internal Server Error", "InternalServerError")

    @asynccontextmanager
    async def _counted(self, completion: Completion) -> AsyncIterator[None]:
        name = completion.served_name
        self.running[name] += 1
        try:
            yield
            self._successes[name, completion.finish_reason] += 1
            self._tokens[name] += completion.completion_tokens
        except (asyncio.CancelledError, ConnectionResetError):
            self.disconnects += 1
            raise
        finally:
            self.running[name] -= 1

    async def _stream(
        self, request: web.Request, completion: Completion, fault: Fault | None
    ) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Cache-Control": "no-cache", **completion.headers})
        response.content_type, response.charset = "text/event-stream", "utf-8"
        await response.prepare(request)
        role = completion.role_chunk()  # comes together with the first token; the headers do not wait for it
        if fault is Fault.HANG_BEFORE_FIRST_TOKEN:
            await asyncio.Event().wait()
        async for index, token in self._paced_tokens(completion, fault):
            if self.engine_dead or (fault in _MIDWAY and index == TOKENS_BEFORE_FAULT):
                await self._break_off(request, response, fault or Fault.ERROR_EVENT)
                return response
            await response.write(role + completion.token_chunk(token))
            role = b""
        if fault is not Fault.NO_FINISH_REASON:
            await response.write(role + completion.stop_chunk())
        if completion.include_usage:
            await response.write(completion.usage_chunk())
        await response.write(wire.DONE)
        return response

    async def _paced_tokens(
        self, completion: Completion, fault: Fault | None
    ) -> AsyncIterator[tuple[int, str]]:
        began_at = asyncio.get_running_loop().time()
        for index, token in enumerate(
            completion.endless() if fault is Fault.ENDLESS else completion.streamed_tokens
        ):
            await self._pace(completion, fault, index, began_at)
            yield index, token

    async def _pace(
        self, completion: Completion, fault: Fault | None, index: int, began_at: float | None = None
    ) -> None:
        """Wait until the token of this index is due; always let others run."""
        now = asyncio.get_running_loop().time()
        due_after = completion.due_seconds(index, self.speed, slow=fault is Fault.SLOW)
        await asyncio.sleep(max(0.0, (now if began_at is None else began_at) + due_after - now))

    async def _break_off(self, request: web.Request, response: web.StreamResponse, fault: Fault) -> None:
        match fault:
            case Fault.HANG_BETWEEN_TOKENS:
                await asyncio.Event().wait()
            case Fault.GARBAGE:
                await response.write(GARBAGE_LINES)
            case Fault.HALF_UTF8:
                await response.write(HALF_A_CHARACTER)
            case Fault.CUT:
                _drop_connection(request)
            case _:
                await response.write(wire.ENGINE_DIED + wire.DONE)


def _drop_connection(request: web.Request) -> None:
    if request.transport:
        request.transport.abort()
