"""Static files under an address that holds their digest, the icon, what robots may read, and preferences."""

from typing import Annotated, Literal

from fastapi import APIRouter, Form, Request
from fastapi.responses import FileResponse, PlainTextResponse, RedirectResponse, Response
from fastapi.staticfiles import StaticFiles

from arena.voters import COOKIE_SECONDS
from arena.web.deps import SecureCookies
from arena.web.rendering import KEYS_COOKIE, STATIC, STATIC_DIGEST, THEME_COOKIE

router = APIRouter()
files = StaticFiles(directory=STATIC)
FOR_EVER = "public, max-age=31536000, immutable"
ROBOTS = """\
User-agent: *
Disallow: /api/
Disallow: /b/
Disallow: /me
Disallow: /topic?
Allow: /
"""


@router.get("/static/{digest}/{name:path}")
async def static_file(digest: str, name: str, request: Request) -> Response:
    """A page of an older version gets the file of today, and does not keep it."""
    response = await files.get_response(name, request.scope)
    response.headers["Cache-Control"] = FOR_EVER if digest == STATIC_DIGEST else "no-cache"
    return response


@router.get("/favicon.ico")
async def icon() -> Response:
    return FileResponse(STATIC / "favicon.svg", headers={"Cache-Control": "public, max-age=86400"})


@router.get("/robots.txt")
async def robots() -> Response:
    return PlainTextResponse(ROBOTS, headers={"Cache-Control": "public, max-age=86400"})


@router.post("/preferences")
async def preferences(
    secure: SecureCookies,
    theme: Annotated[Literal["auto", "light", "dark"] | None, Form()] = None,
    keys: Annotated[Literal["on", "off"] | None, Form()] = None,
    back: Annotated[str, Form()] = "/",
) -> Response:
    """Remember how this browser wants the site, and go back to where the form was."""
    response = RedirectResponse(_own_path(back), 303)
    for cookie, value in ((THEME_COOKIE, theme), (KEYS_COOKIE, keys)):
        if value is not None:
            response.set_cookie(cookie, value, max_age=COOKIE_SECONDS, samesite="lax", secure=secure)
    return response


def _own_path(path: str) -> str:
    """A path of this site; `//host` and `/\\host` are other sites to a browser."""
    return path if path.startswith("/") and not path.startswith(("//", "/\\")) else "/"
