"""The first page: the composer, some suggestions, and how much has been voted so far."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Form, Query, Request
from fastapi.responses import RedirectResponse, Response

from arena.catalog import battle_models
from arena.db import Database, is_outage
from arena.errors import ArenaError, DatabaseUnavailable
from arena.matchmaking import eligible
from arena.populations import OVERALL
from arena.tagging.samples import SAMPLE_PROMPTS
from arena.voters import COOKIE_SECONDS
from arena.web.actions import Act
from arena.web.boards import BoardPage, first_shown, newest_boards
from arena.web.deps import CurrentDatabase, CurrentSettings, CurrentVisitor, SecureCookies, Snapshots
from arena.web.rendering import render_page
from arena.web.snapshot_reader import SnapshotReader

router = APIRouter()
PUBLISH_COOKIE = "arena_publish"


@dataclass(frozen=True, kw_only=True)
class Counters:
    """How much this arena holds right now."""

    votes: int  # counted votes of people on the overall board
    models: int  # models that battles draw from
    are_demo: bool  # whether they are demo models, which never meet others
    board: BoardPage | None  # the board that the leaderboard page shows first


@dataclass(frozen=True, kw_only=True)
class ArenaPage:
    """What `arena.html` shows."""

    prompt: str  # what the text area holds: nothing, a suggestion, or what was refused
    publish: bool  # whether the publish box is ticked
    error: ArenaError | None  # why the prompt was refused
    can_start: bool  # whether two models can answer right now
    counters: Counters | None  # None while the database is away: one can still type
    suggestions: tuple[str, ...] = SAMPLE_PROMPTS


@router.get("/")
async def arena(
    request: Request,
    settings: CurrentSettings,
    database: CurrentDatabase,
    snapshots: Snapshots,
    prompt: Annotated[str, Query()] = "",
) -> Response:
    """The composer; `?prompt=` fills it, so that suggestions work without a script."""
    publish = remembered_publish(request, settings.publish_default)
    return await _page(request, database, snapshots, prompt=prompt, publish=publish)


@router.post("/battles")
async def start(
    request: Request,
    visitor: CurrentVisitor,
    act: Act,
    database: CurrentDatabase,
    snapshots: Snapshots,
    secure: SecureCookies,
    prompt: Annotated[str, Form()] = "",
    publish: Annotated[bool, Form()] = False,
) -> Response:
    """Start a battle and go to it; a refusal keeps what was typed."""
    try:
        battle_id = await act.start(visitor, prompt, publish)
    except Exception as error:
        return await _page(request, database, snapshots, prompt=prompt, publish=publish, error=refusal(error))
    response = RedirectResponse(f"/b/{battle_id}", 303)
    act.set_cookie(response, visitor, secure=secure)
    choice = "yes" if publish else "no"
    response.set_cookie(PUBLISH_COOKIE, choice, max_age=COOKIE_SECONDS, samesite="lax", secure=secure)
    return response


def remembered_publish(request: Request, default: bool) -> bool:
    """What this browser chose the last time, else the operator's default."""
    return {"yes": True, "no": False}.get(request.cookies.get(PUBLISH_COOKIE, ""), default)


def refusal(error: Exception) -> ArenaError:
    """What a form page can say about the error and stay; anything unexpected is raised on."""
    if isinstance(error, ArenaError):
        return error
    if is_outage(error):
        return DatabaseUnavailable()
    raise error


async def _page(
    request: Request,
    database: Database,
    snapshots: SnapshotReader,
    *,
    prompt: str,
    publish: bool,
    error: ArenaError | None = None,
) -> Response:
    page = ArenaPage(
        prompt=prompt,
        publish=publish,
        error=error,
        can_start=len(request.state.pool.available_models()) >= 2,
        counters=await _counters(database, snapshots),
    )
    return render_page(request, "arena.html", page, status=error.status if error else 200)


async def _counters(database: Database, snapshots: SnapshotReader) -> Counters | None:
    try:
        async with database.sessions() as session:
            models = eligible(await battle_models(session))
            boards = await newest_boards(snapshots)
    except Exception as error:
        if not is_outage(error):
            raise
        return None
    overall = next((board for board in boards if board.name == OVERALL.name), None)
    return Counters(
        votes=overall.votes if overall else 0,
        models=len(models),
        are_demo=any(model.demo for model in models),
        board=shown if (shown := first_shown(boards)) and shown.entries else None,
    )
