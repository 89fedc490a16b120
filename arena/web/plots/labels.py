"""Labels that fit and do not overlap: how wide a text is, how to shorten it, where labels in a row go."""

import unicodedata
from collections.abc import Sequence
from functools import lru_cache
from typing import Final

ELLIPSIS: Final = "…"
# Advance widths in em, a little wider than the common interface fonts draw them: a label may be cut early, never late.
NARROW: Final = dict.fromkeys("ijlI|.,:;'!()[]{} ", 0.33) | dict.fromkeys('ftr-/"*°', 0.43)
WIDE: Final = dict.fromkeys("mwMWQO@%—…", 0.92) | dict.fromkeys("ABCDGHKNRUVXYZ&+=±<>~", 0.72)
ORDINARY: Final = 0.6
FULL: Final = 1.05


@lru_cache(maxsize=4096)
def text_width(text: str, size: float) -> float:
    """How wide a text is at most, in the unit of the font size."""
    return size * sum(_advance(character) for character in text)


def _advance(character: str) -> float:
    if unicodedata.combining(character) or unicodedata.category(character) in ("Mn", "Me", "Cf"):
        return 0.0
    if unicodedata.east_asian_width(character) in "WF" or ord(character) >= 0x1F000:
        return FULL
    return NARROW.get(character) or WIDE.get(character) or ORDINARY


def shorten(text: str, width: float, size: float) -> str:
    """A text cut in its middle to fit a width: names of models differ at both ends."""
    if text_width(text, size) <= width:
        return text
    for kept in range(len(text) - 1, 1, -1):
        cut = text[: (kept + 1) // 2].rstrip() + ELLIPSIS + text[len(text) - kept // 2 :].lstrip()
        if text_width(cut, size) <= width:
            return cut
    return text[:1] + ELLIPSIS


def place_labels(wanted: Sequence[float], *, gap: float, low: float, high: float) -> list[float]:
    """Positions at least a gap apart and inside bounds, at the least sum of squared distances from the wanted ones.

    Order is kept, ties by index. Where the bounds are too narrow for all labels the gap shrinks evenly.

    The labels' distances from a ladder of one gap a rung must rise, which makes this an isotonic regression; pooling
    adjacent violators solves it exactly.
    """
    if not wanted:
        return []
    gap = min(gap, (high - low) / max(len(wanted) - 1, 1))
    order = sorted(range(len(wanted)), key=lambda index: (wanted[index], index))
    pools: list[tuple[float, int]] = []  # sum and count of labels that stand shoulder to shoulder
    for rung, index in enumerate(order):
        pool = (wanted[index] - rung * gap, 1)
        while pools and pools[-1][0] / pools[-1][1] >= pool[0] / pool[1]:
            total, members = pools.pop()
            pool = (pool[0] + total, pool[1] + members)
        pools.append(pool)
    highest = high - (len(wanted) - 1) * gap
    ladder = [min(max(total / members, low), highest) for total, members in pools for _ in range(members)]
    placed = dict(zip(order, (offset + rung * gap for rung, offset in enumerate(ladder)), strict=True))
    return [placed[index] for index in range(len(wanted))]
