"""A page for every model: its facts, its standing on each board, its votes by week, and how its answers are written."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from math import sqrt
from statistics import NormalDist
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query, Request
from fastapi.responses import RedirectResponse, Response

from arena.activity import Activity as CountedVotes
from arena.activity import ModelVotes
from arena.catalog import find_model
from arena.errors import ModelNotFound
from arena.nearest import nearest_names
from arena.populations import OWN_POPULATIONS
from arena.tables import Model
from arena.versions import model_record, versions_of
from arena.web.board_deps import Boards, StaleSince
from arena.web.board_navigation import Navigation, navigate
from arena.web.boards import BoardPage, Entry, styled_page
from arena.web.deps import Activity, Db, Snapshots
from arena.web.pair_records import PairRecord, read_pairs
from arena.web.plots.bars import Bar, BarsPlot, draw_bars
from arena.web.plots.figure import Figure
from arena.web.plots.win_loss_by_week import Week, WinLossPlot, draw_win_loss_by_week
from arena.web.rendering import render_page

router = APIRouter()
OWN: Final = frozenset(population.name for population in OWN_POPULATIONS)
LEFT_OUT_NOTE: Final = "Votes on prompts asked over and over are among these; the board leaves them out."
STYLE_WORDS: Final = {
    "tokens": "tokens",
    "headers": "headings",
    "lists": "list items",
    "bold": "bold passages",
    "code_blocks": "code blocks",
    "emoji": "emoji",
}


@dataclass(frozen=True, kw_only=True)
class Standing:
    """A model's place on one board, or why it has none."""

    board: BoardPage
    entry: Entry | None
    style: Entry | None
    unrated_reason: str | None


@dataclass(frozen=True, kw_only=True)
class StyleFeature:
    """How often something stands in a model's answers of one battle, and in everybody's, on average."""

    name: str
    model: float
    field: float

    @property
    def times(self) -> float | None:
        """So many times the field's."""
        return self.model / self.field if self.field else None


@dataclass(frozen=True, kw_only=True)
class ModelPage:
    """What `model.html` shows: facts from the catalog, never an endpoint, its health or its speed."""

    name: str
    model: Model | None  # None for a model that only an imported board knows
    versions: Sequence[Mapping[str, Any]]  # every period in which it was served, newest first
    standings: Sequence[Standing]  # all boards
    populations: Sequence[BoardPage]  # main boards that the model stands on
    navigation: Navigation | None  # around the main board that the rest of the page is about
    weeks: Figure | None
    categories: Figure | None
    style: Sequence[StyleFeature]
    answers: int  # that the style was counted on
    pairs: Sequence[PairRecord]
    left_out_note: str  # why weeks and style are of more votes than the board; empty where they are not
    note: str | None
    stale_since: datetime | None


@router.get("/models")
async def models() -> Response:
    """The models stand on the leaderboard, each with a link to its page."""
    return RedirectResponse("/leaderboard", 303)


@router.get("/models/{name:path}")
async def model(
    name: str,
    request: Request,
    db: Db,
    boards: Boards,
    snapshots: Snapshots,
    activity: Activity,
    stale_since: StaleSince,
    population: Annotated[str, Query()] = "",
) -> Response:
    """What is known about a model, and the boards it stands on; `?population=` chooses whose votes."""
    found = await _listed(db, name)
    ordered = [it for main in boards if main.is_main for it in navigate(boards, main).siblings]
    standings = [it for board in ordered if (it := await _standing(board, name, snapshots))]
    if found is None and not standings:
        raise ModelNotFound(_nearest(boards, name))
    mains = [it.board for it in standings if it.board.is_main and it.entry]
    chosen = next((board for board in mains if board.name == population), mains[0] if mains else None)
    votes = await activity.read(boards[0].snapshot) if chosen and chosen.name in OWN else None
    style, answers = _style(chosen, name, votes)
    left_out_note = LEFT_OUT_NOTE if chosen and chosen.left_out.get("over_frequent_prompt") else ""
    page = ModelPage(
        name=name,
        model=found,
        versions=await _versions(db, found),
        standings=standings,
        populations=mains,
        navigation=navigate(boards, chosen) if chosen else None,
        weeks=_weeks(chosen, votes.votes.get((chosen.name, name)), left_out_note)
        if chosen and votes
        else None,
        categories=_categories(chosen, standings) if chosen else None,
        style=style,
        answers=answers,
        pairs=(await read_pairs(snapshots, chosen.name, chosen.snapshot)).of(name) if chosen else (),
        left_out_note=left_out_note,
        note=_note(population, mains),
        stale_since=stale_since,
    )
    return render_page(request, "model.html", page)


async def _listed(db: Db, name: str) -> Model | None:
    try:
        return await find_model(db, name)
    except ModelNotFound:
        return None


async def _versions(db: Db, model: Model | None) -> Sequence[Mapping[str, Any]]:
    if model is None:
        return ()
    periods = await versions_of(db, [model])
    versions: list[Mapping[str, Any]] = model_record(model, periods[model.id])["versions"]
    return versions[::-1]


def _nearest(boards: Sequence[BoardPage], name: str) -> str:
    near = nearest_names(name, sorted({name for board in boards for name in board.by_model}))
    told = f"The nearest are: {', '.join(near)}." if near else "The leaderboard lists those there are."
    return f"There is no model named {name[:100]!r}. {told}"


def _note(population: str, mains: Sequence[BoardPage]) -> str | None:
    if not population or any(board.name == population for board in mains):
        return None
    known = " or ".join(board.name for board in mains) or "none"
    return f"population = “{population[:40]}” means nothing here: it is {known}."


async def _standing(board: BoardPage, name: str, snapshots: Snapshots) -> Standing | None:
    entry, reason = board.entry_of(name), board.unrated.get(name)
    if entry is None and reason is None:
        return None
    styled = await styled_page(snapshots, board.name, board.snapshot)
    style = styled.entry_of(name) if styled else None
    return Standing(board=board, entry=entry, style=style, unrated_reason=reason)


def _weeks(board: BoardPage, votes: ModelVotes | None, left_out_note: str) -> Figure | None:
    if votes is None:
        return None
    plot = WinLossPlot(
        id="weeks",
        title="Votes by week",
        about=f"{board.title}: wins upwards, losses downwards. {left_out_note}".rstrip(),
        weeks=[Week(start=it.start, wins=it.wins, losses=it.losses, ties=it.ties) for it in votes.weeks],
    )
    return draw_win_loss_by_week(plot)


def _categories(board: BoardPage, standings: Sequence[Standing]) -> Figure | None:
    """The share of votes won in each category, against whoever the model met there."""
    bars = [
        _bar(it.board, it.entry)
        for it in standings
        if it.board.population == board.population
        and it.entry
        and it.entry.votes
        and it.entry.win_rate is not None
    ]
    if len(bars) < 2:
        return None
    plot = BarsPlot(
        id="categories",
        title="Share of votes won by category and language",
        about=f"{board.title}: a tie or both bad counts as half. Opponents differ from category to category.",
        bars=bars,
        confidence=board.confidence,
    )
    return draw_bars(plot)


def _bar(board: BoardPage, entry: Entry) -> Bar:
    share = entry.win_rate or 0.0
    lower, upper = wilson_interval(share, entry.votes, board.confidence)
    return Bar(
        name="All votes" if board.is_main else board.title,
        share=share,
        votes=entry.votes,
        lower=lower,
        upper=upper,
    )


def wilson_interval(share: float, votes: int, confidence: float) -> tuple[float, float]:
    """Of a share of independent votes; with ties as half it is a little wider than need be."""
    z = NormalDist().inv_cdf((1 + confidence) / 2)
    middle = share + z * z / (2 * votes)
    width = z * sqrt(share * (1 - share) / votes + z * z / (4 * votes * votes))
    scale = 1 + z * z / votes
    return max((middle - width) / scale, 0.0), min((middle + width) / scale, 1.0)


def _style(
    board: BoardPage | None, name: str, votes: CountedVotes | None
) -> tuple[Sequence[StyleFeature], int]:
    """How the model's answers are written, and on how many that was counted."""
    counted = votes.votes.get((board.name, name)) if board and votes else None
    if board is None or votes is None or counted is None:
        return (), 0
    own, field = counted.style.averages, votes.field_style[board.name].averages
    if own is None or field is None:
        return (), 0
    features = [
        StyleFeature(name=words, model=own[feature], field=field[feature])
        for feature, words in STYLE_WORDS.items()
    ]
    return features, counted.style.answers
