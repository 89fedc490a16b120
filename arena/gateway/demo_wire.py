"""The shapes of vLLM's answers: chunks, usage, errors, model list, metrics."""

from __future__ import annotations

import asyncio
import re
import time
import uuid
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import cycle
from typing import Any, Protocol

import orjson
from aiohttp import web

from arena.gateway.demo_faults import SLOWDOWN
from arena.gateway.openai_chat import Message

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

DONE = b"data: [DONE]\n\n"
ENGINE_MESSAGE = "EngineCore encountered an issue. See stack trace (above) for the root cause."
# The one event that vLLM writes with spaces after its colons and commas.
ENGINE_DIED = (
    b'data: {"error": {"message": "%b", "type": "InternalServerError", "param": null, "code": 500}}\n\n'
    % ENGINE_MESSAGE.encode()
)
# Every character of a text is in exactly one token, so joining the tokens gives the text back.
_TOKEN = re.compile(r"\s*[A-Za-z]{1,7}|\s*\d{1,3}|\s*[^\sA-Za-z\d]|\s+")
_ROLES = ("system", "user", "assistant")


class ServedModel(Protocol):
    """What a demo server needs of a model."""

    @property
    def name(self) -> str: ...
    @property
    def tokens_per_second(self) -> float: ...
    @property
    def first_token_milliseconds(self) -> float: ...
    def reply(self, messages: Sequence[Message], seed: int | None) -> str: ...


class RequestRefused(Exception):
    """The request gets an error body instead of an answer."""

    def __init__(self, status: int, message: str, kind: str, parameter: str | None = None) -> None:
        super().__init__(message)
        self.status = status
        # vLLM answers a missing key with a bare string and everything else with an object.
        self.body: dict[str, Any] = {
            "error": message
            if status == 401
            else {"message": message, "type": kind, "param": parameter, "code": status}
        }


def split_tokens(text: str) -> list[str]:
    return _TOKEN.findall(text)


@dataclass(frozen=True, kw_only=True)
class Completion:
    """One request with its answer, ready to be sent in either form."""

    id: str
    created: int
    served_name: str
    model: ServedModel
    tokens: list[str]
    prompt_tokens: int
    finish_reason: str
    stream: bool
    include_usage: bool
    request_id: str | None

    @property
    def headers(self) -> dict[str, str]:
        return {"X-Request-Id": self.request_id} if self.request_id else {}

    @property
    def completion_tokens(self) -> int:
        """The tokens of the text, and the one by which a model says that it has ended."""
        return len(self.tokens) + (self.finish_reason == "stop")

    @property
    def usage(self) -> dict[str, Any]:
        return {
            "prompt_tokens": self.prompt_tokens,
            "total_tokens": self.prompt_tokens + self.completion_tokens,
            "completion_tokens": self.completion_tokens,
        }

    @property
    def streamed_tokens(self) -> list[str]:
        """The tokens with a chunk of their own; an answer cut short ends with the reason on its last token."""
        return self.tokens[:-1] if self.finish_reason == "length" else self.tokens

    @property
    def _last_piece(self) -> str:
        return self.tokens[-1] if self.finish_reason == "length" else ""

    def endless(self) -> Iterator[str]:
        return cycle(self.tokens or [" "])

    def due_seconds(self, index: int, speed: float, *, slow: bool) -> float:
        """When the token of this index leaves the server, counted from the request."""
        if speed == 0:
            return 0.0
        seconds = self.model.first_token_milliseconds / 1000 + index / self.model.tokens_per_second
        return seconds * (SLOWDOWN if slow else 1) / speed

    def role_chunk(self) -> bytes:
        choice = _choice({"role": "assistant", "content": ""}, None)
        return self._event({"choices": [choice], "prompt_token_ids": None, "prompt_text": None})

    def token_chunk(self, token: str) -> bytes:
        return self._event({"choices": [{**_choice({"content": token}, None), "token_ids": None}]})

    def stop_chunk(self) -> bytes:
        choice = _choice({"content": self._last_piece}, self.finish_reason)
        return self._event({"choices": [{**choice, "stop_reason": None, "token_ids": None}]})

    def usage_chunk(self) -> bytes:
        return self._event({"choices": [], "usage": self.usage, "system_fingerprint": None})

    def whole(self) -> dict[str, Any]:
        message: dict[str, Any] = {
            "role": "assistant",
            "content": "".join(self.tokens),
            "refusal": None,
            "reasoning": None,
        }
        choice = {
            "index": 0,
            "message": message,
            "logprobs": None,
            "finish_reason": self.finish_reason,
            "stop_reason": None,
        }
        return {**self._head("chat.completion"), "choices": [choice], "usage": self.usage}

    def _event(self, fields: dict[str, Any]) -> bytes:
        return b"data: " + orjson.dumps({**self._head("chat.completion.chunk"), **fields}) + b"\n\n"

    def _head(self, kind: str) -> dict[str, Any]:
        return {"id": self.id, "object": kind, "created": self.created, "model": self.served_name}


def _choice(delta: dict[str, Any], finish_reason: str | None) -> dict[str, Any]:
    return {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish_reason}


def check_key(request: web.Request, api_key: str | None) -> None:
    if api_key is not None and request.headers.get("Authorization") != f"Bearer {api_key}":
        raise RequestRefused(401, "Unauthorized", "Unauthorized")


async def read_completion(
    request: web.Request, models: Mapping[str, ServedModel], maximum_context_tokens: int
) -> Completion:
    """Check a request as vLLM does and let its model reply."""
    body = _json_object(await request.read())
    served_name, model = _model(body, models)
    messages = _messages(body)
    prompt_tokens = sum(len(split_tokens(message.content)) for message in messages)
    budget = _token_budget(body, prompt_tokens, maximum_context_tokens)
    reply = await asyncio.to_thread(model.reply, messages, _integer(body, "seed"))
    tokens = split_tokens(reply)
    request_id = request.headers.get("X-Request-Id")
    return Completion(
        id=f"chatcmpl-{request_id or uuid.uuid4().hex}",
        created=int(time.time()),
        served_name=served_name,
        model=model,
        tokens=tokens[:budget],
        prompt_tokens=prompt_tokens,
        finish_reason="length" if len(tokens) >= budget else "stop",
        stream=bool(body.get("stream")),
        include_usage=bool((body.get("stream_options") or {}).get("include_usage")),
        request_id=request_id,
    )


def _bad(message: str, parameter: str | None = None) -> RequestRefused:
    # vLLM's word for a body of the wrong shape; what its engine refuses is a BadRequestError.
    return RequestRefused(400, message, "Bad Request", parameter)


def _json_object(raw: bytes) -> dict[str, Any]:
    try:
        body = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise _bad(f"JSON decode error: {error}") from None
    if not isinstance(body, dict):
        raise _bad("The request body must be a JSON object.")
    return body


def _model(body: dict[str, Any], models: Mapping[str, ServedModel]) -> tuple[str, ServedModel]:
    name = body.get("model")
    if not isinstance(name, str) or name not in models:
        message = f"The model `{name}` does not exist. Valid aliases: {', '.join(models)}."
        raise RequestRefused(404, message, "NotFoundError", "model")
    return name, models[name]


def _messages(body: dict[str, Any]) -> list[Message]:
    messages = body.get("messages")
    if not isinstance(messages, list):
        raise _bad("messages must be a list.", "body.messages")
    if not messages:
        raise RequestRefused(400, "Provide at least one message.", "BadRequestError")
    return [_message(message) for message in messages]


def _message(message: Any) -> Message:
    if not isinstance(message, dict) or message.get("role") not in _ROLES:
        raise _bad(f"Each message needs a role, one of {', '.join(_ROLES)}.", "body.messages")
    content = message.get("content")
    if isinstance(content, list):  # the form with typed parts; only text is understood here
        content = "".join(part.get("text", "") for part in content if isinstance(part, dict))
    if not isinstance(content, str):
        raise _bad("The content of a message must be text.", "body.messages")
    return Message(role=message["role"], content=content)


def _integer(body: dict[str, Any], name: str) -> int | None:
    value = body.get(name)
    if value is not None and (not isinstance(value, int) or isinstance(value, bool)):
        raise _bad(f"{name} must be a whole number.", f"body.{name}")
    return value


def _token_budget(body: dict[str, Any], prompt_tokens: int, maximum: int) -> int:
    """How many tokens the answer may have: what is asked for, or the room that the prompt leaves."""
    name = "max_completion_tokens" if body.get("max_completion_tokens") is not None else "max_tokens"
    wanted = _integer(body, name)
    if wanted is not None and wanted < 1:
        raise _refused_by_engine(f"{name} must be at least 1, got {wanted}.", name, wanted)
    if wanted is not None and wanted > maximum:
        message = f"{name}={wanted} cannot be greater than max_model_len={maximum}. Please request fewer output tokens."
        raise _refused_by_engine(message, name, wanted)
    if prompt_tokens >= maximum:
        message = (
            f"This model's maximum context length is {maximum} tokens. However, your prompt contains at least "
            f"{prompt_tokens} input tokens, which exceeds this limit even without any output tokens. "
            "Please reduce the length of the input prompt."
        )
        raise _refused_by_engine(message, "input_tokens", prompt_tokens)
    return min(wanted or maximum, maximum - prompt_tokens)


def _refused_by_engine(message: str, parameter: str, value: int) -> RequestRefused:
    explained = f"{message} (parameter={parameter}, value={value})"
    return RequestRefused(400, explained, "BadRequestError", parameter)


def model_list(models: Mapping[str, ServedModel], maximum_context_tokens: int) -> dict[str, Any]:
    return {
        "object": "list",
        "data": [
            {
                "id": name,
                "object": "model",
                "created": int(time.time()),
                "owned_by": "arena-demo",
                "root": name,
                "parent": None,
                "max_model_len": maximum_context_tokens,
            }
            for name in models
        ],
    }


def metrics(
    models: Mapping[str, ServedModel],
    running: Counter[str],
    tokens: Counter[str],
    successes: Counter[tuple[str, str]],
) -> str:
    """Prometheus text with the names by which routers weigh vLLM servers; nothing ever waits here."""
    lines: list[str] = []
    for kind, name, values in (
        ("gauge", "num_requests_running", running),
        ("gauge", "num_requests_waiting", Counter[str]()),
        ("gauge", "kv_cache_usage_perc", Counter[str]()),
        ("counter", "generation_tokens_total", tokens),
    ):
        lines.append(f"# TYPE vllm:{name} {kind}")
        lines += [f"vllm:{name}{_labels(model)} {float(values[model])}" for model in models]
    lines.append("# TYPE vllm:request_success_total counter")
    for (model, reason), count in sorted(successes.items()):
        lines.append(f"vllm:request_success_total{_labels(model, finished_reason=reason)} {float(count)}")
    return "\n".join(lines) + "\n"


def _labels(model: str, **more: str) -> str:
    labels = {"engine": "0", "model_name": model, **more}
    return "{" + ",".join(f'{name}="{value}"' for name, value in labels.items()) + "}"
