"""Tokens and Markdown of messages, kind by kind, as the published Chatbot Arena releases count them."""

import re
from itertools import pairwise
from typing import Any, Final

import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.compute as pc  # type: ignore[import-untyped]

from arena.dataset.conversations import Conversations
from arena.tables import SIDES, Side
from ratings.arrays import IntArray
from ratings.text_features import count_tokens

HEADERS: Final = ("h1", "h2", "h3", "h4", "h5", "h6")
LISTS: Final = ("ordered", "unordered")
BOLD: Final = ("**", "__")

_WORD, _MARK = 1, 2
# What each sign of ASCII is to `count_tokens`: part of a word, white space, or a mark, which is a token of its own.
_KINDS = np.array(
    [
        _WORD if chr(sign).isalnum() or sign == ord("_") else 0 if chr(sign).isspace() else _MARK
        for sign in range(256)
    ],
    np.uint8,
)
_CODE = re.compile(r"```[^`]*```")
_HEADER = re.compile(r"^(#{1,6})\s", re.MULTILINE)
# Of a text with a line break put before it: a pattern that begins with a sign is searched for by that sign.
_ITEM = re.compile(r"\n\s*(?:(\d+\.)|[-*+])(?=\s)")
_STARS = re.compile(r"\*\*[^*\n]+\*\*")
_UNDERSCORES = re.compile(r"__[^_\n]+__")


def markdown_counts(text: str) -> list[int]:
    """The counts of `HEADERS`, `LISTS` and `BOLD`, in this order; code blocks left out."""
    if "```" in text:
        text = _CODE.sub("", text)
    items = _ITEM.findall("\n" + text)
    ordered = len(items) - items.count("")
    levels = [len(signs) for signs in _HEADER.findall(text)] if "#" in text else []
    return [
        *(levels.count(level) for level in range(1, 7)),
        ordered,
        len(items) - ordered,
        len(_STARS.findall(text)) if "**" in text else 0,
        len(_UNDERSCORES.findall(text)) if "__" in text else 0,
    ]


class MessageCounts:
    """The counts of all messages of some conversations."""

    def __init__(self, said: Conversations) -> None:
        self._said = said
        self.prompts = token_counts(said.prompts)
        self.answers = {side: token_counts(said.answers[side]) for side in SIDES}
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


def token_counts(texts: pa.Array) -> IntArray:
    """`count_tokens` of each text; those in ASCII are counted together, sign by sign."""
    _, offsets, signs = texts.buffers()
    if not len(texts) or signs is None:
        return np.zeros(len(texts), dtype=np.int64)
    borders = np.frombuffer(offsets, np.int32)[texts.offset : texts.offset + len(texts) + 1]
    kinds = _KINDS[np.frombuffer(signs, np.uint8)[borders[0] : borders[-1]]]
    borders = borders - borders[0]
    begins = np.ones(len(kinds), dtype=bool)
    np.not_equal(kinds[1:], kinds[:-1], out=begins[1:])
    begins[borders[:-1][borders[:-1] < len(kinds)]] = True
    tokens = (kinds == _MARK) | (kinds == _WORD) & begins
    # Counting the truths of a slice is much faster than adding them up to a sum at every sign.
    places = borders.tolist()
    counted = [np.count_nonzero(tokens[start:end]) for start, end in pairwise(places)]
    counts: IntArray = np.array(counted, dtype=np.int64)
    others = np.flatnonzero(pc.invert(pc.string_is_ascii(texts)).to_numpy(zero_copy_only=False))
    counts[others] = [count_tokens(text) for text in texts.take(pa.array(others)).to_pylist()]
    return counts
