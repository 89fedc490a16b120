"""What the votes of a private test came to: computed once, at its end, from the votes until then, and kept for ever."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.compute as pc  # type: ignore[import-untyped]
from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

import ratings
from arena.ballots import model_names, own_ballots, own_votes
from arena.db import Database
from arena.logs import get_log
from arena.populations import OVERALL
from arena.records import ModelVersion, PrivateResult
from arena.tables import Model
from ratings.board_files import RANKS
from ratings.errors import RatingsError
from ratings.leaderboard import METHOD_VERSION
from ratings.selection import selection_bias

log = get_log("arena.private_results")


@dataclass(frozen=True, kw_only=True)
class EndedTest:
    """A private test whose result is due."""

    model: Model
    ended_at: datetime
    variants: int  # private tests of the organisation that ran at some moment of this one, itself among them

    @property
    def released(self) -> bool:
        return not self.model.private_test


async def publish_private_results(database: Database, unreleased_days: int) -> list[str]:
    """Compute and keep the results that are due; returns the names they are published under.

    One that fails is logged and holds up no other.
    """
    async with database.readings() as session:
        due = await _due(session, timedelta(days=unreleased_days))
        if not due:
            return []
        numbers = await model_names(session)
        ballots = await own_ballots(session, _condition([test.model.id for test in due]))
    published = []
    for test in due:
        try:
            result = await asyncio.to_thread(_result, ballots, numbers, test)
            async with database.sessions.begin() as session:
                await session.execute(insert(PrivateResult).values(**result).on_conflict_do_nothing())
        except Exception:
            log.exception("private_result_failed", test=test.model.public_name)
        else:
            published.append(test.model.public_name)
    return published


async def _due(session: AsyncSession, patience: timedelta) -> list[EndedTest]:
    """Released tests without a result, and those given up long enough ago."""
    tests = await _ends(session)
    results = set(await session.scalars(select(PrivateResult.model_id)))
    now = await session.scalar(select(func.clock_timestamp()))
    assert now is not None, "the database knows the time"
    return [
        EndedTest(model=model, ended_at=ended_at, variants=_variants(model, tests, now))
        for model, ended_at in tests
        if model.id not in results and ended_at is not None
        if not model.private_test or ended_at <= now - patience
    ]


async def _ends(session: AsyncSession) -> list[tuple[Model, datetime | None]]:
    """Every private test there was, with its end; None while it runs."""
    periods = select(
        ModelVersion.model_id,
        func.max(ModelVersion.last_served_at),
        func.bool_or(ModelVersion.last_served_at.is_(None)),
    ).group_by(ModelVersion.model_id)
    ends = {number: None if served else last for number, last, served in await session.execute(periods)}
    models = await session.scalars(select(Model).where(Model.private_since.is_not(None)).order_by(Model.id))
    return [(model, ends.get(model.id) if model.private_test else model.listed_at) for model in models]


def _variants(model: Model, tests: Sequence[tuple[Model, datetime | None]], now: datetime) -> int:
    """How many tests its organisation ran while it ran: the best of many looks better than it is."""
    spans = {other.id: (other.private_since or now, ended_at or now) for other, ended_at in tests}
    began_at, ended_at = spans[model.id]
    return sum(
        spans[other.id][0] <= ended_at and began_at <= spans[other.id][1]
        for other, _ in tests
        if other.organization.casefold() == model.organization.casefold()
    )


def _condition(tests: Sequence[int]) -> str:
    """Ballots on these tests while they were private, and all counted ones to set them against."""
    listed = ", ".join(map(str, tests))
    return (
        "(reason IS NULL OR"
        f" (reason = 'private_test' AND (model_a_id IN ({listed}) OR model_b_id IN ({listed}))))"
    )


def _result(ballots: pa.Table, numbers: Mapping[int, str], test: EndedTest) -> dict[str, Any]:
    model = test.model
    votes, opponents = _comparable(ballots, numbers, model.id)
    own = votes.filter(_takes_part(votes, model.name))
    rated = _rating(votes, model.name) if own.num_rows else {"unrated": "No vote was cast on it."}
    assert model.private_since is not None, "a test has begun"
    return {
        "model_id": model.id,
        "organization": model.organization,
        "began_at": model.private_since,
        "ended_at": test.ended_at,
        "released": test.released,
        "votes": own.num_rows,
        "opponents": opponents,
        "rating": None,
        "lower": None,
        "upper": None,
        "unrated": None,
        "variants": test.variants,
        "selection_bias": _bias(own, test.variants),
        "method_version": METHOD_VERSION,
        **rated,
    }


def _comparable(ballots: pa.Table, numbers: Mapping[int, str], number: int) -> tuple[pa.Table, int]:
    """The votes as the overall board takes them, and against how many models of it the test was set."""
    reasons = pc.fill_null(ballots["reason"].cast(pa.string()), "")
    took_part = pc.or_(pc.equal(ballots["model_a"], number), pc.equal(ballots["model_b"], number))
    public = ballots.filter(pc.and_(pc.equal(reasons, ""), pc.invert(took_part)))
    private = ballots.filter(pc.and_(pc.equal(reasons, "private_test"), took_part))
    ballots = pa.concat_tables([public, private])
    known = pa.concat_arrays(
        [*public["model_a"].chunks, *public["model_b"].chunks, pa.array([number], pa.int32())]
    )
    met = [pc.is_in(ballots[side], value_set=known) for side in ("model_a", "model_b")]
    rows = ballots.filter(pc.and_(*met))
    counted = pa.repeat("", rows.num_rows).dictionary_encode()
    rows = rows.set_column(rows.schema.get_field_index("reason"), "reason", counted)
    votes = next(each for each in own_votes(rows, numbers) if each.population is OVERALL).table
    votes = votes.filter(pc.invert(votes["over_frequent"])) if votes.num_rows else votes
    own = votes.filter(_takes_part(votes, numbers[number]))
    sides = {
        name for side in ("model_a", "model_b") for name in pc.unique(own[side].cast(pa.string())).to_pylist()
    }
    return votes.select(["model_a", "model_b", "winner", "voter"]), len(sides - {numbers[number]})


def _takes_part(votes: pa.Table, name: str) -> pa.ChunkedArray:
    return pc.or_(*(pc.equal(votes[side].cast(pa.string()), name) for side in ("model_a", "model_b")))


def _rating(votes: pa.Table, name: str) -> dict[str, Any]:
    try:
        board = ratings.leaderboard(votes, ranks=RANKS)
    except RatingsError as error:
        return {"unrated": str(error)}
    row = board.table[board.table.model == name].iloc[0]
    if row["rating"] is None or row["rating"] != row["rating"]:
        return {"unrated": board.unrated.get(name, "The votes do not connect it with the public models.")}
    found = {end: float(row[end]) for end in ("rating", "lower", "upper") if row[end] == row[end]}
    return {end: round(value, 2) for end, value in found.items()}


def _bias(own: pa.Table, variants: int) -> float | None:
    """What choosing the best of as many equal variants adds to such a rating on average."""
    if not own.num_rows:
        return None
    winners = own["winner"].cast(pa.string()).to_pylist()
    tied = sum(winner in ("tie", "both_bad") for winner in winners) / len(winners)
    if tied == 1:
        return None
    return round(selection_bias(variants=variants, votes=len(winners), tie_rate=tied), 2)


async def published_results(session: AsyncSession) -> Sequence[tuple[PrivateResult, Model]]:
    """Every result, newest first, with the model, which may be named if it was released."""
    query = select(PrivateResult, Model).join(Model, Model.id == PrivateResult.model_id)
    rows = await session.execute(query.order_by(PrivateResult.published_at.desc(), PrivateResult.model_id))
    return [(result, model) for result, model in rows]


def result_record(result: PrivateResult, model: Model) -> dict[str, Any]:
    """A result for the feed and the pages; the name is there only if the model was released."""
    facts = [column.name for column in PrivateResult.__table__.columns if column.name != "model_id"]
    return {
        "codename": model.codename,
        "model": None if model.private_test else model.name,
        **{fact: getattr(result, fact) for fact in facts},
    }
