"""Pages about the arena itself: its policy, how the numbers are made, what changed in that, and how the votes are."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from statistics import NormalDist
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response
from markupsafe import Markup

from arena.integrity import DAYS_COMPARED, DAYS_LEAST
from arena.method_changes import MethodChange, method_changes
from arena.own_board import SPREAD_POINTS
from arena.private_results import published_results, result_record
from arena.private_tests import running_tests
from arena.reports import parsed_report
from arena.retirement import Retirement, retirements
from arena.settings import Settings
from arena.snapshots import KEPT_HOURS
from arena.topics import GRAM, LEAST_ALIKE, VOTERS_LEAST
from arena.versions import public_models
from arena.web.board_rows import SameOrganization, same_organization
from arena.web.boards import BoardPage, first_shown, newest_boards, styled_page
from arena.web.deps import CurrentPolicy, CurrentSettings, Db, Snapshots
from arena.web.formulas import formula_html
from arena.web.pair_records import read_pairs
from arena.web.rendering import render_page

router = APIRouter()
KEPT = {"Cache-Control": "no-cache"}
RATE_DAYS = 7  # the feed has more
INTEGRITY_DAYS = 30
# What the methodology page explains, in the notation of ratings/METHODS.md.
FORMULAS = {
    "strengths": r"P(a \succ b) = \frac{1}{1 + e^{-(\theta_a - \theta_b)}}",
    "likelihood": r"\hat\theta = \mathrm{arg} \max_\theta \sum_i y_i \log p_i + (1 - y_i) \log (1 - p_i)",
    "rating": r"R_a = 1000 + \frac{400}{\ln 10} (\theta_a - \bar\theta)",
    "covariance": r"V = H^{-1} B H^{-1}, \quad B = \frac{G}{G - 1} \sum_{u} g_u g_u^T",
    "interval": r"R_a \pm z \, \frac{400}{\ln 10} \sqrt{V_{aa}}",
    "style": r"\mathrm{logit}\, p_i = \theta_a - \theta_b + z_i^T \gamma + \beta",
}


@dataclass(frozen=True, kw_only=True)
class PolicyPage:
    """What `policy.html` shows."""

    policy: Mapping[str, Any]
    rates: Sequence[Mapping[str, Any]]
    running: Mapping[str, int]
    results: Sequence[Mapping[str, Any]]
    retired: Sequence[Retirement]
    retirable: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class MethodologyPage:
    """What `methodology.html` shows."""

    policy: Mapping[str, Any]
    board: BoardPage | None  # the example; None before the first fit
    coefficients: Sequence[Mapping[str, Any]]
    same_organization: SameOrganization | None
    quantile: float
    confidence: float
    formulas: Mapping[str, Markup]
    base: str
    kept_hours: int
    own_spread: float
    topic: Mapping[str, float]


@dataclass(frozen=True, kw_only=True)
class ChangelogPage:
    """What `changelog.html` shows."""

    changes: Sequence[MethodChange]


@dataclass(frozen=True, kw_only=True)
class IntegrityPage:
    """What `integrity.html` shows; `report` is None before the first one."""

    report: Mapping[str, Any] | None
    days: Sequence[Mapping[str, Any]]
    reasons: Mapping[str, str]
    days_with_votes: int  # of those that the day of the report is set against
    days_compared: int
    days_least: int


@router.get("/policy")
async def policy_page(request: Request, db: Db, policy: CurrentPolicy) -> Response:
    """The rules in numbers, from the running configuration, and how they came out."""
    rates = await parsed_report(db, "rates")
    integrity = await parsed_report(db, "integrity")
    page = PolicyPage(
        policy=policy,
        rates=rates["days"][:RATE_DAYS] if rates else [],
        running=await running_tests(db),
        results=[result_record(result, model) for result, model in await published_results(db)],
        retired=retirements(await public_models(db)),
        retirable=integrity["retirable"] if integrity else {},
    )
    return render_page(request, "policy.html", page, headers=KEPT)


@router.get("/methodology")
async def methodology(
    request: Request, snapshots: Snapshots, settings: CurrentSettings, policy: CurrentPolicy
) -> Response:
    """How the numbers are made, in words and in formulas, and how anybody makes them again."""
    board = first_shown(await newest_boards(snapshots))
    styled = await styled_page(snapshots, board.name, board.snapshot) if board else None
    records = await read_pairs(snapshots, board.name, board.snapshot) if board else None
    confidence = board.confidence if board else 0.95
    page = MethodologyPage(
        policy=policy,
        board=board,
        coefficients=styled.coefficients or [] if styled else [],
        same_organization=same_organization(board, records) if board and records else None,
        quantile=NormalDist().inv_cdf((1 + confidence) / 2),
        confidence=confidence,
        formulas={name: Markup(formula_html(source, display=True)) for name, source in FORMULAS.items()},
        base=_base(request, settings),
        kept_hours=KEPT_HOURS,
        own_spread=SPREAD_POINTS,
        topic={"gram": GRAM, "least_alike": LEAST_ALIKE, "voters_least": VOTERS_LEAST},
    )
    return render_page(request, "methodology.html", page, headers=KEPT)


def _base(request: Request, settings: Settings) -> str:
    return (settings.public_url or str(request.base_url)).rstrip("/")


@router.get("/changelog")
async def changelog(request: Request) -> Response:
    """What changed in how the numbers are made."""
    return render_page(request, "changelog.html", ChangelogPage(changes=method_changes()), headers=KEPT)


@router.get("/integrity")
async def integrity_page(request: Request, db: Db, policy: CurrentPolicy) -> Response:
    """Votes that count and do not, alarms, and how well the comparisons hold together."""
    report = await parsed_report(db, "integrity")
    days = report["days"][:INTEGRITY_DAYS] if report else []
    met = {reason for day in days for reason in day["not_counted"]}
    reasons = {reason: told for reason, told in policy["not_counted"].items() if reason in met}
    page = IntegrityPage(
        report=report,
        days=days,
        reasons=reasons,
        days_with_votes=_days_with_votes(report) if report else 0,
        days_compared=DAYS_COMPARED,
        days_least=DAYS_LEAST,
    )
    return render_page(request, "integrity.html", page, headers=KEPT)


def _days_with_votes(report: Mapping[str, Any]) -> int:
    """On how many of the days before the report there were votes meant for the main board."""
    today = date.fromisoformat(report["generated_at"][:10])
    judged = [date.fromisoformat(day["date"]) for day in report["days"] if day["spoiled_share"] is not None]
    return sum(today - timedelta(days=DAYS_COMPARED) <= day < today for day in judged)
