"""Pages from templates: autoescaped, strict about undefined names, one context dataclass a page."""

from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

PACKAGE = Path(__file__).resolve().parent.parent
STATIC = PACKAGE / "static"
TEMPLATES = next(path for path in (PACKAGE.parent / "templates", PACKAGE / "templates") if path.is_dir())

environment = Environment(
    loader=FileSystemLoader(TEMPLATES),
    autoescape=select_autoescape(default=True),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def render_page(
    request: Request, template: str, context: Any, *, status: int = 200, headers: dict[str, str] | None = None
) -> HTMLResponse:
    """Render one page; a dataclass context gives its fields by name, without copying what is in them."""
    if is_dataclass(context) and not isinstance(context, type):
        context = {field.name: getattr(context, field.name) for field in fields(context)}
    settings = request.state.settings
    theme = request.cookies.get("arena_theme", "auto")
    body = environment.get_template(template).render(
        **context, request=request, settings=settings, theme=theme
    )
    return HTMLResponse(body, status, headers or {"Cache-Control": "no-store"})
