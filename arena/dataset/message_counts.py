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

# Which signs of ASCII are part of a word to `count_tokens`, and which a mark, a token of its own; the others are space.
_WORD = bytes(chr(sign).isalnum() or sign == ord("_") for sign in range(256))
_MARK = bytes(not (word or chr(sign).isspace()) for sign, word in enumerate(_WORD))
_TOGETHER = 64  # texts: what is made of them stays close by

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
            side: np.array([markdown_counts(text) for text in said.spoken[side]]).reshape(-1, 10)
            for side in SIDES
        }

    def of_messages(self, side: Side) -> tuple[pa.Array, pa.Array]:
        """Tokens of the prompts, and of the answers of one side."""
        return pa.array(self.prompts), pa.array(self.answers[side])

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
    stretches = (texts.slice(start, _TOGETHER) for start in range(0, len(texts), _TOGETHER))
    counts = np.array([count for stretch in stretches for count in _ascii_counts(stretch)], dtype=np.int64)
    others = np.flatnonzero(pc.invert(pc.string_is_ascii(texts)).to_numpy(zero_copy_only=False))
    counts[others] = [count_tokens(text) for text in texts.take(pa.array(others)).to_pylist()]
    return counts


def _ascii_counts(texts: pa.Array) -> list[np.intp]:
    """The same of texts in ASCII; of others, any number."""
    _, offsets, signs = texts.buffers()
    borders = np.frombuffer(offsets, np.int32)[texts.offset : texts.offset + len(texts) + 1]
    text = bytearray(memoryview(signs)[borders[0] : borders[-1]] if signs else b"")
    places = borders - borders[0]
    words, tokens = (np.frombuffer(text.translate(kind), bool) for kind in (_WORD, _MARK))
    # A word is counted where it begins: its first sign follows none of a word, or is the first of a text.
    tokens[1:] |= words[1:] > words[:-1]
    firsts = places[:-1][places[:-1] < len(tokens)]
    tokens[firsts] |= words[firsts]
    # Counting the truths of a slice is much faster than adding them up to a sum at every sign.
    return [np.count_nonzero(tokens[start:end]) for start, end in pairwise(places.tolist())]
