"""Tokens and Markdown of messages, kind by kind, as the published Chatbot Arena releases count them."""

import re
from typing import Any, Final

import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]

from arena.dataset.conversations import Conversations
from arena.tables import SIDES, Side
from ratings.arrays import IntArray
from ratings.text_features import count_tokens

HEADERS: Final = ("h1", "h2", "h3", "h4", "h5", "h6")
LISTS: Final = ("ordered", "unordered")
BOLD: Final = ("**", "__")

_CODE = re.compile(r"```[^`]*```")
_HEADER = re.compile(r"^(#{1,6})\s", re.MULTILINE)
_ORDERED = re.compile(r"^\s*\d+\.\s", re.MULTILINE)
_UNORDERED = re.compile(r"^\s*[-*+]\s", re.MULTILINE)
_STARS = re.compile(r"\*\*[^*\n]+\*\*")
_UNDERSCORES = re.compile(r"__[^_\n]+__")


def markdown_counts(text: str) -> list[int]:
    """The counts of `HEADERS`, `LISTS` and `BOLD`, in this order; code blocks left out."""
    if "```" in text:
        text = _CODE.sub("", text)
    levels = [len(signs) for signs in _HEADER.findall(text)] if "#" in text else []
    return [
        *(levels.count(level) for level in range(1, 7)),
        len(_ORDERED.findall(text)),
        len(_UNORDERED.findall(text)),
        len(_STARS.findall(text)) if "**" in text else 0,
        len(_UNDERSCORES.findall(text)) if "__" in text else 0,
    ]


class MessageCounts:
    """The counts of all messages of some conversations."""

    def __init__(self, said: Conversations) -> None:
        self._said = said
        self.prompts = _tokens(said.prompts)
        self.answers = {side: _tokens(said.answers[side]) for side in SIDES}
        self._markdown = {
            side: np.array([markdown_counts(text) for text in said.answers[side].to_pylist()]).reshape(-1, 10)
            for side in SIDES
        }

    def of_messages(self, side: Side) -> pa.Array:
        """Tokens of the prompts, then of the answers of one side."""
        return pa.array(np.concatenate([self.prompts, self.answers[side]]))

    def metadata(self, kind: pa.StructType) -> pa.StructArray:
        """What a conversation comes to, as a struct of this type."""
        said = self._said
        prompts = said.sums(self.prompts)
        found: dict[str, Any] = {"sum_user_tokens": pa.array(prompts), "turns": pa.array(said.turns)}
        last = said.offsets[1:] - 1
        for side in SIDES:
            answers = said.sums(self.answers[side])
            sums = [pa.array(said.sums(column)) for column in self._markdown[side].T]
            found |= {
                f"sum_assistant_{side}_tokens": pa.array(answers),
                # All that the model was sent for its last answer.
                f"context_{side}_tokens": pa.array(prompts + answers - self.answers[side][last]),
                f"header_count_{side}": pa.StructArray.from_arrays(sums[:6], names=[*HEADERS]),
                f"list_count_{side}": pa.StructArray.from_arrays(sums[6:8], names=[*LISTS]),
                f"bold_count_{side}": pa.StructArray.from_arrays(sums[8:], names=[*BOLD]),
            }
        return pa.StructArray.from_arrays([found[field.name] for field in kind], fields=[*kind])


def _tokens(texts: pa.Array) -> IntArray:
    return np.array([count_tokens(text) for text in texts.to_pylist()], dtype=np.int64)
