"""The board of a topic that a visitor types: `/topic?q=…&board=overall`, exploratory and never stored."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Final

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from arena.errors import LeaderboardNotFound, SnapshotNotFound
from arena.nearest import nearest_names
from arena.populations import OVERALL, OWN_POPULATIONS, Population
from arena.topic_boards import EFFECTIVE_VOTERS_LEAST, EFFECTIVE_VOTES_LEAST, VOTES_MOST, TopicBoard
from arena.topics import LEAST_ALIKE, VOTERS_LEAST, topic_words
from arena.web.board_deps import StaleSince
from arena.web.boards import BoardPage, board_page, first_shown, newest_boards
from arena.web.deps import Snapshots, Topics
from arena.web.rendering import render_page
from arena.web.snapshot_reader import SnapshotReader
from ratings.board_files import PRELIMINARY_VOTES

router = APIRouter()
TOPIC_CHARACTERS: Final = 200
LIMITS: Final[Mapping[str, float]] = {
    "votes": VOTES_MOST,
    "effective_votes": EFFECTIVE_VOTES_LEAST,
    "effective_voters": EFFECTIVE_VOTERS_LEAST,
    "likeness": LEAST_ALIKE,
    "voters": VOTERS_LEAST,
    "characters": TOPIC_CHARACTERS,
    "preliminary": PRELIMINARY_VOTES,
}
_POPULATIONS: Final = {population.name: population for population in OWN_POPULATIONS}


@dataclass(frozen=True, kw_only=True)
class TopicPage:
    """What `topic.html` shows."""

    q: str
    population: Population
    populations: Sequence[Population]
    general: BoardPage | None
    found: TopicBoard | None  # None until there is a topic that can be looked for
    note: str | None
    limits: Mapping[str, float]
    stale_since: datetime | None


@router.get("/topic")
async def topic(
    request: Request,
    snapshots: Snapshots,
    topics: Topics,
    stale_since: StaleSince,
    q: Annotated[str, Query()] = "",
    board: Annotated[str, Query()] = "",
) -> Response:
    """A topic's board; without one, the form that asks for it."""
    population, asked = _population(board or await _first_shown(snapshots)), " ".join(q.split())
    words, note = topic_words(asked[:TOPIC_CHARACTERS]), None
    if "q" in request.query_params:
        note = _problem(asked, words)
    general = found = None
    try:
        general = await board_page(snapshots, population.name)
        found = await topics.read(population, words) if words and not note else None
    except SnapshotNotFound:
        note = note or "No board has been computed yet. Come back when there are votes."
    page = TopicPage(
        q=asked[:TOPIC_CHARACTERS],
        population=population,
        populations=OWN_POPULATIONS,
        general=general,
        found=found,
        note=note,
        limits=LIMITS,
        stale_since=stale_since,
    )
    return render_page(request, "topic.html", page)


async def _first_shown(snapshots: SnapshotReader) -> str:
    """Of the populations that have topics, the one whose board is opened first."""
    shown = first_shown([each for each in await newest_boards(snapshots) if each.name in _POPULATIONS])
    return shown.name if shown else OVERALL.name


def _population(name: str) -> Population:
    if name not in _POPULATIONS:
        known = ", ".join(nearest_names(name, [*_POPULATIONS]) or _POPULATIONS)
        raise LeaderboardNotFound(f"There are no topics of a board {name[:60]!r}. Choose one of: {known}.")
    return _POPULATIONS[name]


def _problem(asked: str, words: Sequence[str]) -> str | None:
    """What is wrong with a topic, and what to do."""
    if not asked:
        return "The topic is empty. Type a few words, such as “cooking” or “sorting a list in Python”."
    if len(asked) > TOPIC_CHARACTERS:
        return f"The topic has {len(asked):,} characters, {TOPIC_CHARACTERS} are the most. Shorten it to a few words."
    if not words:
        return "These words say nothing of a topic, such as “the” and “what”. Add one that names it."
    return None
