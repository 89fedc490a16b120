"""A badge for other people's pages: a model's rating with its interval and ranks, never a bare number."""

from dataclasses import dataclass
from typing import Final

from arena.web.plots.labels import text_width
from arena.web.plots.scales import format_number
from arena.web.plots.svg import Element

HEIGHT: Final = 20.0
SIZE: Final = 11.0
PADDING: Final = 8.0
EVEN: Final = 1.5  # points by which both sides of an interval may differ and still be one number
FONT: Final = "system-ui,-apple-system,'Segoe UI',Roboto,Helvetica,Arial,sans-serif"
LABEL_COLOUR: Final = "#2f353d"
SETTLED_COLOUR: Final = "#0e5a6b"
UNSETTLED_COLOUR: Final = "#59606b"


@dataclass(frozen=True, kw_only=True)
class Badge:
    """What a badge says about a model; `label` names the arena or the board."""

    model: str
    rating: float | None
    lower: float | None = None
    upper: float | None = None
    rank_lower: int | None = None
    rank_upper: int | None = None
    preliminary: bool = False
    label: str = "arena rating"

    @property
    def message(self) -> str:
        """`1287 ±12 | rank 1–3`."""
        if self.rating is None:
            return "not rated yet"
        told = [f"{format_number(self.rating)} {self._spread(self.rating)}"]
        if self.rank_lower is not None and self.rank_upper is not None:
            told += ["rank " + "–".join(map(str, sorted({self.rank_lower, self.rank_upper})))]
        return " | ".join([*told, *(["preliminary"] if self.preliminary else [])])

    def _spread(self, rating: float) -> str:
        if self.lower is None or self.upper is None:
            return "(interval unknown)"
        above, below = self.upper - rating, rating - self.lower
        if abs(above - below) < EVEN:
            return f"±{format_number(max(above, below))}"
        return f"+{format_number(above)} \N{MINUS SIGN}{format_number(below)}"

    @property
    def colour(self) -> str:
        """Grey as long as too few votes stand behind it."""
        return UNSETTLED_COLOUR if self.rating is None or self.preliminary else SETTLED_COLOUR


def draw_badge(badge: Badge) -> str:
    """A whole SVG document with its own colours, 20 pixels high, as badges are."""
    left, right = (text_width(text, SIZE) + 2 * PADDING for text in (badge.label, badge.message))
    width = left + right
    root = Element.root(
        "svg",
        xmlns="http://www.w3.org/2000/svg",
        width=width,
        height=HEIGHT,
        role="img",
        aria_label=f"{badge.model}, {badge.label}: {badge.message}",
    )
    root.add("title", f"{badge.model}, {badge.label}: {badge.message}")
    root.add("clipPath", id="round").add("rect", width=width, height=HEIGHT, rx=3.0)
    parts = root.add("g", clip_path="url(#round)")
    parts.add("rect", width=left, height=HEIGHT, fill=LABEL_COLOUR)
    parts.add("rect", x=left, width=right, height=HEIGHT, fill=badge.colour)
    texts = root.add("g", fill="#fff", font_family=FONT, font_size=SIZE, text_anchor="middle")
    texts.write(left / 2, 14.0, badge.label)
    texts.write(left + right / 2, 14.0, badge.message)
    return str(root.markup())


def badge_fields(badge: Badge) -> dict[str, str | int]:
    """The same in the shape that badge servers read."""
    return {
        "schemaVersion": 1,
        "label": badge.label,
        "message": badge.message,
        "color": badge.colour.removeprefix("#"),
    }
