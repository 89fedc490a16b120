"""How the arena works, what it publishes, what makes a vote count, and every error there is."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from fastapi import APIRouter, Request
from fastapi.responses import Response

from arena.errors import ArenaError, tree
from arena.policy import RANKS_RULES, RELEASE_POLICIES
from arena.settings import Settings
from arena.votes import NOT_COUNTED
from arena.web.deps import CurrentSettings
from arena.web.rendering import render_page
from ratings.board_files import PRELIMINARY_VOTES, RANKS

router = APIRouter(prefix="/about")
KEPT = {"Cache-Control": "no-cache"}


@dataclass(frozen=True, kw_only=True)
class AboutPage:
    """What `about.html` shows."""

    not_counted: Mapping[str, str]
    preliminary_votes: int
    ranks: str
    release: str
    contact: str | None
    contact_link: str | None


@dataclass(frozen=True, kw_only=True)
class ProblemEntry:
    """One kind of refusal; the slug is its anchor and the end of its `type` in problem+json."""

    slug: str
    title: str
    status: int
    detail: str


@dataclass(frozen=True, kw_only=True)
class ProblemsPage:
    """What `problems.html` shows."""

    problems: Sequence[ProblemEntry]


@router.get("")
async def about(request: Request, settings: CurrentSettings) -> Response:
    page = AboutPage(
        not_counted=NOT_COUNTED,
        preliminary_votes=PRELIMINARY_VOTES,
        ranks=RANKS_RULES[RANKS],
        release=RELEASE_POLICIES[settings.release_policy],
        contact=settings.contact,
        contact_link=_contact_link(settings),
    )
    return render_page(request, "about.html", page, headers=KEPT)


def _contact_link(settings: Settings) -> str | None:
    contact = settings.contact or ""
    if contact.startswith(("https://", "http://", "mailto:")):
        return contact
    return f"mailto:{contact}" if "@" in contact else None


@router.get("/problems")
async def problems(request: Request) -> Response:
    """The anchors that the `type` of every problem points to."""
    by_slug = {kind.slug: kind for kind in tree()}
    entries = [_entry(by_slug[slug]) for slug in sorted(by_slug)]
    return render_page(request, "problems.html", ProblemsPage(problems=entries), headers=KEPT)


def _entry(kind: type[ArenaError]) -> ProblemEntry:
    return ProblemEntry(slug=kind.slug, title=kind.title, status=kind.status, detail=kind().detail)
