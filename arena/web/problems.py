"""Refusals as RFC 9457 problem+json for programs and as a page for people."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import orjson
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from sqlalchemy.exc import SQLAlchemyError
from starlette.exceptions import HTTPException
from starlette.routing import Match, Mount
from structlog.contextvars import get_contextvars

from arena.db import is_outage
from arena.errors import (
    ArenaError,
    BodyTooLarge,
    BodyUnreadable,
    DatabaseUnavailable,
    InvalidInput,
    MethodNotAllowed,
    NotFound,
    NotJson,
)
from arena.logs import get_log
from arena.metrics import PROBLEMS

log = get_log("arena.web")
MEDIA_TYPE = "application/problem+json"
METHODS: Final = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
OPEN_PATHS = ("/feed/", "/badge/", "/embed/")  # for scripts of every site


def problem(error: ArenaError) -> dict[str, Any]:
    """The body of a problem: what, how bad, what to do, and the request it belongs to."""
    return {
        "type": f"/about/problems#{error.slug}",
        "title": error.title,
        "status": error.status,
        "detail": error.detail,
        "instance": get_contextvars().get("request_id"),
        **error.extensions,
    }


def wants_page(request: Request) -> bool:
    """A browser that navigates, and not a script or a program that calls the interfaces."""
    machine = request.url.path.startswith(("/api/", "/v1/", "/static/", *OPEN_PATHS))
    return not machine and "text/html" in request.headers.get("accept", "")


def respond(request: Request, error: ArenaError, more_headers: Mapping[str, str] | None = None) -> Response:
    """Render the refusal for whoever asked."""
    PROBLEMS.labels(slug=error.slug).inc()
    headers = {"Cache-Control": "no-store", **(more_headers or {})}
    if request.url.path.startswith(OPEN_PATHS):
        headers["Access-Control-Allow-Origin"] = "*"
    if (wait := error.extensions.get("retry_after_seconds")) is not None:
        headers["Retry-After"] = str(wait)
    elif error.status == 503:
        headers["Retry-After"] = "2"
    if wants_page(request):
        return problem_page(request, error, headers)
    return Response(orjson.dumps(problem(error)), error.status, headers, MEDIA_TYPE)


def problem_page(request: Request, error: ArenaError, headers: dict[str, str]) -> Response:
    from arena.web.rendering import (
        render_page,  # the page needs templates, which need this module's neighbours
    )

    return render_page(request, "problem.html", {"error": error}, status=error.status, headers=headers)


def invalid(errors: Sequence[Any]) -> ArenaError:
    """Every wrong field with a JSON pointer and what was wrong there; never the value itself."""
    if any(error["type"] == "json_invalid" for error in errors):
        return NotJson()
    if any(error["type"] == "model_attributes_type" and tuple(error["loc"]) == ("body",) for error in errors):
        return InvalidInput("The body must be a JSON object, sent with Content-Type: application/json.")
    fields = [
        {"pointer": _pointer(error["loc"]), "detail": error["msg"].removeprefix("Value error, ")}
        for error in errors
    ]
    said = "; ".join(f"{field['pointer'] or 'body'}: {field['detail']}" for field in fields)
    return InvalidInput(f"{said}.", errors=fields)


def _pointer(location: Sequence[str | int]) -> str:
    parts = location[1:] if location and location[0] in ("body", "query", "path", "header") else location
    return "".join(f"/{part}" for part in parts)


def _from_http(error: HTTPException) -> ArenaError:
    if isinstance(error.__cause__, ArenaError):  # raised while the framework read the body
        return error.__cause__
    if error.status_code == 404:
        return NotFound()
    if error.status_code == 413:
        return BodyTooLarge()
    if error.status_code == 400:
        return BodyUnreadable()
    plain = ArenaError(str(error.detail))
    plain.__dict__.update(title=str(error.detail), status=error.status_code)
    return plain


def _method_not_allowed(request: Request, error: HTTPException) -> Response:
    methods = _methods(request) or (error.headers or {}).get("Allow", "").split(", ")
    told = " or ".join(methods)
    refused = MethodNotAllowed(f"This address does not take {request.method}. Send {told}.")
    return respond(request, refused, {"Allow": ", ".join(methods)})


def _methods(request: Request) -> list[str]:
    """Those of all routes of an address, of which the framework names one alone; none of a folder of files."""
    routes = [route for route in request.app.routes if not isinstance(route, Mount)]
    return [
        method
        for method in METHODS
        if any(route.matches({**request.scope, "method": method})[0] is Match.FULL for route in routes)
    ]


async def broken(request: Request, error: Exception) -> Response:
    """The answer to what no route expected: logged here, without a word about it outside."""
    if is_outage(error):
        log.warning("database_away", error=type(error).__name__)
        return respond(request, DatabaseUnavailable())
    log.error("request_broke", exc_info=error)
    return respond(
        request, ArenaError("Something went wrong on our side. It was logged; try again in a moment.")
    )


def install(app: FastAPI) -> None:
    """Give the app one handler for everything that may be refused; the rest is `RequestContext`'s to catch."""

    async def refused(request: Request, error: Exception) -> Response:
        assert isinstance(error, ArenaError)
        return respond(request, error)

    async def not_valid(request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        return respond(request, invalid(error.errors()))

    async def http_error(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        if error.status_code == 405:
            return _method_not_allowed(request, error)
        return respond(request, _from_http(error), error.headers)

    app.add_exception_handler(ArenaError, refused)
    app.add_exception_handler(RequestValidationError, not_valid)
    app.add_exception_handler(HTTPException, http_error)
    for kind in (SQLAlchemyError, ConnectionError, TimeoutError):
        app.add_exception_handler(kind, broken)
