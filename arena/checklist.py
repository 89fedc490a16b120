"""Yes-or-no questions about a text, put to a model of the catalog; its answer is read strictly or not at all."""

import re
from collections.abc import Sequence
from contextlib import aclosing
from typing import Final

import orjson

from arena.gateway.openai_chat import ChatRequest, Delta, Finished, Message
from arena.gateway.pool import Pool

_MARK: Final = "=" * 24
_FENCE: Final = re.compile(r"\A\s*(?:```(?:json)?\s*\n)?(?P<json>\{.*\})\s*(?:\n```)?\s*\Z", re.DOTALL)
_MOST_TOKENS: Final = 400


class Checklist:
    """One set of questions, named, and the model that answers them."""

    def __init__(self, pool: Pool, model: str, questions: str, names: Sequence[str]) -> None:
        self.model = model
        self._pool = pool
        self._questions = questions
        self._names = names

    async def ask(self, text: str) -> frozenset[str] | None:
        """The names of the questions answered yes; None when the answer cannot be used.

        Raises `GatewayError` when there was no complete answer.
        """
        answer = ""
        async with aclosing(self._pool.chat(self.model, self.request(text))) as items:
            async for item in items:
                match item:
                    case Delta():
                        answer += item.text
                    case Finished():
                        break
        return read_answer(answer, self._names)

    def request(self, text: str) -> ChatRequest:
        """What the model is asked, with the text kept apart from the questions."""
        marked = f"{_MARK}\n{text.replace(_MARK, '')}\n{_MARK}"
        return ChatRequest(
            messages=(Message(role="system", content=self._questions), Message(role="user", content=marked)),
            max_tokens=_MOST_TOKENS,
            temperature=0.0,
        )


def read_answer(answer: str, names: Sequence[str]) -> frozenset[str] | None:
    """The names answered yes in one JSON object, fenced or not, of exactly these names and booleans; else None."""
    found = _FENCE.match(answer)
    if found is None:
        return None
    try:
        said = orjson.loads(found["json"])
    except orjson.JSONDecodeError:
        return None
    if set(said) != set(names) or not all(isinstance(value, bool) for value in said.values()):
        return None
    return frozenset(name for name, yes in said.items() if yes)
