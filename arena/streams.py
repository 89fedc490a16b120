"""A running turn's text on its way to the voter: released on one clock for both sides, followed and resumed.

A turn has one clock, not one a reader: whoever subscribes, reloads or opens a second tab sees the same text
up to the same place. What models wrote and when is stored apart; readers only ever get what was released.
"""

import asyncio
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from time import monotonic
from typing import Literal

from arena.settings import ReleasePolicy
from arena.tables import SIDES, Side

KEEPALIVE_SECONDS = 15
PLACE = re.compile(r"(?P<turn>[0-9]{1,9})-(?P<attempt>[0-9]{1,9})\.(?P<a>[0-9]{1,9})\.(?P<b>[0-9]{1,9})")
FrameKind = Literal["delta", "side_end", "side_failed", "turn_end"]


@dataclass(frozen=True, kw_only=True)
class Release:
    """The policy by which text reaches the voter."""

    policy: ReleasePolicy
    interval_seconds: float
    characters: int


@dataclass(frozen=True)
class Position:
    """How many characters of each side a reader has; the `id` of an event, so that a reader can resume.

    It names the try as well: after a retry the failed side begins anew, and an older place means nothing.
    """

    turn: int
    a: int = 0
    b: int = 0
    attempt: int = 1

    def __str__(self) -> str:
        return f"{self.turn}-{self.attempt}.{self.a}.{self.b}"

    @classmethod
    def parse(cls, value: str | None, *, turn: int, attempt: int) -> "Position":
        """The place named by `Last-Event-ID`; the start of the turn for one that is missing or not ours."""
        named = PLACE.fullmatch(value or "")
        if named is None or (int(named["turn"]), int(named["attempt"])) != (turn, attempt):
            return cls(turn, attempt=attempt)
        return cls(turn, int(named["a"]), int(named["b"]), attempt)

    def of(self, side: Side) -> int:
        return self.a if side == "a" else self.b

    def at(self, side: Side, characters: int) -> "Position":
        return replace(self, a=characters) if side == "a" else replace(self, b=characters)


@dataclass(frozen=True)
class Frame:
    """One event for a reader, and the place reached with it."""

    kind: FrameKind
    position: Position
    side: Side | None = None
    text: str = ""
    state: str | None = None


@dataclass(frozen=True, kw_only=True)
class Checkpoint:
    """What another process may know of a turn: the text saved so far and how much of it was released."""

    state: str | None
    texts: dict[Side, str]
    released: dict[Side, int]
    failed: frozenset[Side] = frozenset()


@dataclass
class SideText:
    """One side of a running turn: what was written, and how much of it is released."""

    text: str = ""
    released: int = 0
    ended: bool = False
    failed: bool = False

    @property
    def waiting(self) -> int:
        return len(self.text) - self.released

    @property
    def through(self) -> bool:
        return self.ended and self.waiting == 0


@dataclass
class LiveTurn:
    """A turn that is being answered in this process, or followed from another one."""

    battle_id: str
    index: int
    release: Release
    attempt: int = 1
    sides: dict[Side, SideText] = field(default_factory=lambda: {side: SideText() for side in SIDES})
    state: str | None = None
    _changed: asyncio.Event = field(default_factory=asyncio.Event)

    def write(self, side: Side, text: str) -> None:
        self.sides[side].text += text
        if self.release.policy == "raw":
            self._let_go(side, self.sides[side].waiting)
            self._notify()

    def end(self, side: Side, *, failed: bool = False) -> None:
        self.sides[side].ended = True
        self.sides[side].failed = failed
        if self.release.policy == "raw":
            self._notify()

    def finish(self, state: str) -> None:
        """The turn is stored; readers get the rest on the clock and then the turn's end."""
        self.state = state
        for side in self.sides.values():
            side.ended = True
        self._notify()

    @property
    def through(self) -> bool:
        """Whether everything was released, the end included."""
        return self.state is not None and all(side.through for side in self.sides.values())

    async def run_clock(self) -> None:
        """Advance the release until all is released; the one place where pacing happens."""
        while not self.through:
            await asyncio.sleep(self.release.interval_seconds)
            self.tick()

    def tick(self) -> None:
        """One beat: each side that still has text gives one frame of one size, or both wait for the slower."""
        if self.release.policy == "together":
            ready = all(side.ended for side in self.sides.values())
            amounts = {side: text.waiting if ready else 0 for side, text in self.sides.items()}
        else:
            # More than a frame must wait: an answer that fills its last frame would otherwise show by its late
            # `side_end` how long its model took to say that this was all.
            full = self.release.characters
            ready = all(text.ended or text.waiting > full for text in self.sides.values())
            amounts = {side: min(full, text.waiting) if ready else 0 for side, text in self.sides.items()}
        for side, amount in amounts.items():
            self._let_go(side, amount)
        self._notify()

    def _let_go(self, side: Side, amount: int) -> None:
        self.sides[side].released += amount

    def _notify(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()

    def mirror(self, checkpoint: Checkpoint) -> None:
        """Take over what another process saved: its text, and no more of it than it released."""
        for side, text in self.sides.items():
            text.text = checkpoint.texts[side]
            text.failed = side in checkpoint.failed
            known = len(text.text) if checkpoint.state is not None else checkpoint.released[side]
            text.released = max(text.released, known)
        if checkpoint.state is not None:
            self.finish(checkpoint.state)
        else:
            self._notify()

    def released_text(self, side: Side) -> str:
        return self.sides[side].text[: self.sides[side].released]

    async def beats(self, start: Position) -> AsyncIterator[list[Frame]]:
        """Everything from `start` on, a list a beat; an empty one now and then, so that the connection stays open.

        A reader holds no queue: it takes what was released since its last look, so a slow one costs no memory.
        """
        position = start
        told: set[Side] = set()
        spoke_at = monotonic()
        while True:
            frames = self._since(position, told)
            if frames:
                position = frames[-1].position
            if self.through:
                yield [*frames, Frame("turn_end", position, state=self.state)]
                return
            if frames or monotonic() - spoke_at > KEEPALIVE_SECONDS:
                yield frames
                spoke_at = monotonic()
            else:
                await self._next_change()

    def _since(self, position: Position, told: set[Side]) -> list[Frame]:
        frames = []
        for side, text in self.sides.items():
            if position.of(side) < text.released:
                delta = text.text[position.of(side) : text.released]
                position = position.at(side, text.released)
                frames.append(Frame("delta", position, side, delta))
        for side, text in self.sides.items():
            if text.through and side not in told and self._may_tell_end():
                told.add(side)
                frames.append(Frame("side_failed" if text.failed else "side_end", position, side))
        return frames

    def _may_tell_end(self) -> bool:
        return self.release.policy != "together" or all(side.through for side in self.sides.values())

    async def _next_change(self) -> None:
        # A bare timer: `asyncio.timeout` around each wait costs a quarter of what a token costs here.
        timer = asyncio.get_running_loop().call_later(KEEPALIVE_SECONDS, self._notify)
        try:
            await self._changed.wait()
        finally:
            timer.cancel()
