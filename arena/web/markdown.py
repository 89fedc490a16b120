"""Model text → safe HTML, block by block.

A text is cut into top-level blocks, and each block is rendered from its own lines alone. That is why a block
that is closed never changes, and why streaming ends with exactly the HTML of the whole text.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Final

from arena.web.block_html import build_parser, render_block, replace_unsafe_characters

_ALWAYS_SHOWN_BELOW: Final = 1024  # characters of open text
_SHOWN_PER_LENGTH: Final = 16
# A last line like `-`, `#`, `12.` or `**` says nothing until more of it has arrived.
_UNDECIDED_LINE: Final = re.compile(r"(?:^|(?<=\n))[ \t]*(?:[-+*#=_~`|:$>\\]+|\d{1,9}[.)]?)[ \t]*\Z")
_CODE_SPAN: Final = re.compile(r"`[^`]*`")
_SPLITTER: Final = build_parser()


@dataclass(frozen=True, kw_only=True)
class Block:
    """The HTML of the block at one place in an answer; empty HTML means that the place is empty again."""

    index: int
    html: str


def render_markdown(text: str) -> str:
    """Turn a whole model text into HTML that is safe to put into a page."""
    return "".join(render_block(source) for source in split_blocks(_normalized(text)))


@lru_cache(maxsize=256)
def render_stored(text: str) -> str:
    """The same for a text that will not grow, remembered: a page is often loaded again."""
    return render_markdown(text)


def split_blocks(text: str) -> list[str]:
    """Cut a text with Unix line ends into its top-level blocks, each with the blank lines after it."""
    tokens = _SPLITTER.block.parse(text, _SPLITTER, {}, []) or []
    lines = text.split("\n")
    bounds = [token.map[0] for token in tokens if token.level == 0 and token.map] + [len(lines)]
    return [_joined(lines, start, end) for start, end in pairwise(bounds)]


class BlockRenderer:
    """Renders a text that arrives in pieces, and says which blocks changed.

    Closed blocks are rendered once. The open one is rendered again as it grows; a long one only when it has
    grown by a 16th, so that the work, and the bytes sent, stay linear in its length.
    """

    def __init__(self) -> None:
        self._unread: list[str] = []
        self._unread_length = 0
        self._text = ""
        self._closed_count = 0
        self._shown: list[str] = []
        self._rendered: dict[tuple[str, bool], str] = {}
        self._finished = False

    def feed(self, text: str) -> list[Block]:
        """Take the next piece of text and return the blocks that changed."""
        if self._finished:
            raise RuntimeError("feed() after finish(): start a new BlockRenderer for a new text")
        self._unread.append(text)
        self._unread_length += len(text)
        if not self._unread_length or self._can_wait():
            return []
        self._read()
        growing = split_blocks(_UNDECIDED_LINE.sub("", self._text))
        if len(growing) == 1:
            return self._show([], growing)
        closed = self._take_closed_blocks()
        return self._show(closed, growing[len(closed) :])

    def finish(self) -> list[Block]:
        """Close what is open, at the end of the text, and return the blocks that changed."""
        self._finished = True
        self._read()
        text, self._text = _normalized(self._text), ""
        return self._show(split_blocks(text), [])

    def _can_wait(self) -> bool:
        length = len(self._text)
        return length > _ALWAYS_SHOWN_BELOW and self._unread_length * _SHOWN_PER_LENGTH < length

    def _read(self) -> None:
        new = "".join(self._unread)
        # A carriage return may be the first half of a line end: wait for what follows it.
        waits = new.endswith("\r") and not self._finished
        text = new[:-1] if waits else new
        self._unread = ["\r"] if waits else []
        self._unread_length = 0
        self._text += _normalized(text)

    def _take_closed_blocks(self) -> list[str]:
        """Remove from the text the blocks that no further text can change: all complete ones but the last."""
        complete, _, incomplete = self._text.rpartition("\n")
        *closed, last = split_blocks(complete + "\n") or [""]
        if closed:
            self._text = last + incomplete
        return closed

    def _show(self, closed: Sequence[str], growing: Sequence[str]) -> list[Block]:
        sources = [(source, False) for source in (*closed, *growing)]
        if growing:
            sources[-1] = (_with_closed_markup(growing[-1]), True)
        self._rendered = {key: self._render(*key) for key in sources}
        blocks = self._changes([self._rendered[key] for key in sources])
        self._shown = [self._rendered[key] for key in sources[len(closed) :]]
        self._closed_count += len(closed)
        return blocks

    def _render(self, source: str, is_open: bool) -> str:
        known = self._rendered.get((source, is_open))
        return render_block(source, is_open=is_open) if known is None else known

    def _changes(self, html: Sequence[str]) -> list[Block]:
        emptied = [""] * (len(self._shown) - len(html))
        return [
            Block(index=self._closed_count + place, html=new)
            for place, new in enumerate([*html, *emptied])
            if place >= len(self._shown) or self._shown[place] != new
        ]


def _normalized(text: str) -> str:
    return replace_unsafe_characters(re.sub(r"\r\n?", "\n", text))


def _joined(lines: Sequence[str], start: int, end: int) -> str:
    line_end = "\n" if end < len(lines) else ""
    return "\n".join(lines[start:end]) + line_end


def _with_closed_markup(source: str) -> str:
    """Close bold text and code that the last line has only opened, so that they do not flicker."""
    if "```" in source or "~~~" in source:
        return source
    start, line_end, line = source.rpartition("\n")
    line = line.rstrip("*`_~ ")
    text, is_in_code, _ = _CODE_SPAN.sub("", line).partition("`")
    bold = "**" if text.count("**") % 2 else ""
    return start + line_end + line + is_in_code + bold
