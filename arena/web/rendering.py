"""Pages from templates: autoescaped, strict about undefined names, one context dataclass a page."""

import hashlib
import math
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from markupsafe import Markup

THEMES = ("auto", "light", "dark")
THEME_COOKIE = "arena_theme"
KEYS_COOKIE = "arena_keys"
PACKAGE = Path(__file__).resolve().parent.parent
STATIC = PACKAGE / "static"
TEMPLATES = next(path for path in (PACKAGE.parent / "templates", PACKAGE / "templates") if path.is_dir())


def _digest_of_static() -> str:
    """One digest for the whole folder: a module that imports another gets it from the same version."""
    digest = hashlib.sha256()
    for path in sorted(path for path in STATIC.rglob("*") if path.is_file()):
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:16]


STATIC_DIGEST = _digest_of_static()


def static_url(name: str) -> str:
    """The address of a static file, which changes when any of them changes and so may be cached for ever."""
    return f"/static/{STATIC_DIGEST}/{name}"


def breakable(name: str) -> Markup:
    """A name that a narrow line breaks after `/`; after `-` browsers break by themselves."""
    return Markup("/<wbr>").join(name.split("/"))


environment = Environment(
    loader=FileSystemLoader(TEMPLATES),
    autoescape=select_autoescape(default=True),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
environment.globals["static_url"] = static_url
environment.filters["number"] = lambda value: f"{value:,}"
environment.filters["options"] = lambda values: {value: value for value in values}
# With no-break spaces, so that no line ends within a date.
environment.filters["day"] = lambda value: value.strftime("%-d\N{NO-BREAK SPACE}%B\N{NO-BREAK SPACE}%Y")
environment.filters["moment"] = lambda value: value.strftime(
    "%-d\N{NO-BREAK SPACE}%B\N{NO-BREAK SPACE}%Y, %H:%M\N{NO-BREAK SPACE}UTC"
)
environment.filters["share"] = lambda value: "–" if value is None else f"{100 * value:.0f}%"
environment.filters["odds"] = lambda value: "–" if value is None else f"×{math.exp(value):.2f}"
environment.filters["signed"] = lambda value: f"{value:+,}".replace("-", "−")
environment.filters["points"] = lambda value: (
    "–" if value is None else f"{round(value) + 0:+d}".replace("-", "−")
)
environment.filters["breakable"] = breakable
environment.filters["count"] = lambda value, noun: f"{value:,} {noun}{'' if value == 1 else 's'}"


def render_page(
    request: Request, template: str, context: Any, *, status: int = 200, headers: dict[str, str] | None = None
) -> HTMLResponse:
    """Render one page; a dataclass context gives its fields by name, without copying what is in them."""
    if is_dataclass(context) and not isinstance(context, type):
        context = {field.name: getattr(context, field.name) for field in fields(context)}
    body = environment.get_template(template).render(
        **context,
        request=request,
        settings=request.state.settings,
        theme=theme_of(request),
        keys=keys_of(request),
    )
    # No page may hold a NUL, wherever it came from: what a visitor asked for is said again in many places.
    return HTMLResponse(
        body.replace("\0", "\N{REPLACEMENT CHARACTER}"), status, headers or {"Cache-Control": "no-store"}
    )


def theme_of(request: Request) -> str:
    """The theme this browser asked for; `auto` follows the system."""
    theme = request.cookies.get(THEME_COOKIE, "auto")
    return theme if theme in THEMES else "auto"


def keys_of(request: Request) -> bool:
    """Whether single letters vote; on unless switched off."""
    return request.cookies.get(KEYS_COOKIE) != "off"
