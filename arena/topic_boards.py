"""Boards of a topic that a visitor types: the newest votes, each weighted by how like its first prompt is.

The prompts are indexed once for a population and used for ten minutes; what a topic came to is remembered. One topic at
a time is computed in a process, off the event loop, and few wait.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from time import monotonic
from typing import Final

import numpy as np
import pandas as pd
import pyarrow as pa  # type: ignore[import-untyped]

import ratings
from arena.ballots import copy_rows, over_frequent
from arena.db import Database
from arena.errors import Unavailable
from arena.logs import get_log
from arena.populations import POPULATION_OF_REASON, Population
from arena.snapshots import newest_snapshot
from arena.topics import TopicIndex, effective_number, effective_voters, topic_weights
from ratings.board_files import PRELIMINARY_VOTES

log = get_log("arena.topic_boards")
VOTES_MOST: Final = 50_000
PROMPT_CHARACTERS: Final = 1_000
EFFECTIVE_VOTES_LEAST: Final = 50
EFFECTIVE_VOTERS_LEAST: Final = 10
FRESH_SECONDS: Final = 600.0
PATIENCE_SECONDS: Final = 20.0
WAITING_MOST: Final = 8
REMEMBERED: Final = 256

_NAMES = pa.dictionary(pa.int32(), pa.string())
_SCHEMA = pa.schema(
    {
        "vote_id": pa.int64(),
        "voter": pa.int64(),
        "model_a": _NAMES,
        "model_b": _NAMES,
        "winner": _NAMES,
        "digest": pa.int64(),
        "prompt": pa.string(),
    }
)
_REASONS: Final = {population.name: reason or "" for reason, population in POPULATION_OF_REASON.items()}


@dataclass(frozen=True, kw_only=True)
class TopicEntry:
    """A model on the board of a topic."""

    model: str
    rating: float | None
    lower: float | None
    upper: float | None
    rank_lower: int | None
    rank_upper: int | None
    battles: int  # with any weight

    @property
    def preliminary(self) -> bool:
        """By the rule of every board."""
        return self.battles < PRELIMINARY_VOTES or self.rating is None

    @property
    def ranks(self) -> str:
        """The ranks the votes allow, in words."""
        if self.rank_lower is None or self.rank_upper is None:
            return "–"
        return f"{self.rank_lower}" + (f"–{self.rank_upper}" if self.rank_upper > self.rank_lower else "")


@dataclass(frozen=True, kw_only=True)
class TopicBoard:
    """What the votes like a topic come to; without entries where they are too few, or too lopsided, to show any."""

    snapshot: str
    generated_at: datetime
    votes: int  # that were looked through
    similar: int = 0
    effective_votes: float = 0.0
    effective_voters: float = 0.0
    entries: Sequence[TopicEntry] = ()
    unrated: Mapping[str, str] | None = None


@dataclass(frozen=True, kw_only=True, eq=False)
class _Indexed:
    """The newest votes of one population and the words of their prompts, as one snapshot saw them."""

    snapshot: str
    generated_at: datetime
    votes: pd.DataFrame  # model_a, model_b, winner, voter
    prompts: TopicIndex


class TopicBoards:
    """Computes boards of topics, one at a time, and remembers them."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._working = asyncio.Lock()
        self._indexed: dict[str, tuple[float, _Indexed]] = {}
        self._found: OrderedDict[tuple[str, str, tuple[str, ...]], TopicBoard] = OrderedDict()
        self._running: dict[tuple[str, tuple[str, ...]], asyncio.Task[TopicBoard]] = {}

    async def read(self, population: Population, words: Sequence[str]) -> TopicBoard:
        """The board of these words; raises `Unavailable` when too many ask at once or it takes too long."""
        asked = population.name, tuple(sorted(words))
        if (known := self._known(asked)) is not None:
            return known
        if asked not in self._running:
            if len(self._running) >= WAITING_MOST:
                raise Unavailable("Many topics are being computed right now. Try again in a moment.")
            task = self._running[asked] = asyncio.create_task(self._compute(asked))
            task.add_done_callback(lambda done: self._finish(asked, done))
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                return await asyncio.shield(self._running[asked])
        except TimeoutError:
            raise Unavailable("This topic takes long to compute. Try again in a moment.") from None

    async def close(self) -> None:
        """Stop what is still being computed."""
        running = [*self._running.values()]
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)

    def _known(self, asked: tuple[str, tuple[str, ...]]) -> TopicBoard | None:
        made_at, indexed = self._indexed.get(asked[0], (-float("inf"), None))
        if indexed is None or monotonic() - made_at > FRESH_SECONDS:
            return None
        return self._found.get((indexed.snapshot, *asked))

    def _finish(self, asked: tuple[str, tuple[str, ...]], done: asyncio.Task[TopicBoard]) -> None:
        del self._running[asked]
        if not done.cancelled() and (error := done.exception()) is not None:
            log.warning("topic_board_failed", population=asked[0], error=repr(error))

    async def _compute(self, asked: tuple[str, tuple[str, ...]]) -> TopicBoard:
        async with self._working:
            indexed = await self._index(asked[0])
            board = await asyncio.to_thread(_board, indexed, asked[1])
        self._found[indexed.snapshot, *asked] = board
        while len(self._found) > REMEMBERED:
            self._found.popitem(last=False)
        return board

    async def _index(self, population: str) -> _Indexed:
        made_at, indexed = self._indexed.get(population, (-float("inf"), None))
        if indexed is not None and monotonic() - made_at <= FRESH_SECONDS:
            return indexed
        async with self._database.readings() as session:
            snapshot = await newest_snapshot(session)
            seen = (
                f"coalesce(ballot.reason, '') = '{_REASONS[population]}' AND vote_id <= {snapshot.last_vote_id} "
                f"AND pg_visible_in_snapshot(written_in::text::xid8, '{snapshot.visible}'::pg_snapshot)"
            )
            rows = await copy_rows(session, _newest_votes(seen), _SCHEMA)
            of, at = snapshot.id, snapshot.created_at
        votes, prompts = await asyncio.to_thread(_indexed_votes, rows)
        indexed = _Indexed(snapshot=of, generated_at=at, votes=votes, prompts=prompts)
        self._indexed[population] = monotonic(), indexed
        return indexed


def _newest_votes(condition: str) -> str:
    return f"""SELECT vote_id, ballot.voter, a.name, b.name, ballot.winner,
            coalesce(('x' || left(prompt_digest, 16))::bit(64)::bigint, vote_id),
            left(turn.prompt, {PROMPT_CHARACTERS})
        FROM ballot JOIN vote ON vote.id = vote_id JOIN turn ON turn.battle_id = vote.battle_id AND turn.index = 0
            JOIN model AS a ON a.id = ballot.model_a_id JOIN model AS b ON b.id = ballot.model_b_id
        WHERE rules IS NOT NULL AND {condition} ORDER BY vote_id DESC LIMIT {VOTES_MOST}"""


def _indexed_votes(rows: pa.Table) -> tuple[pd.DataFrame, TopicIndex]:
    """Leave out votes on over-frequent prompts, as every board does, and index the prompts of the others."""
    frequent = over_frequent(rows["digest"].to_numpy(), rows["vote_id"].to_numpy())
    kept = rows.filter(pa.array(~frequent, pa.bool_()))
    voters = kept["voter"].to_numpy()
    prompts = TopicIndex.build([prompt or "" for prompt in kept["prompt"].to_pylist()], voters)
    votes = kept.select(["model_a", "model_b", "winner", "voter"]).to_pandas()
    return votes.astype({name: "str" for name in ("model_a", "model_b", "winner")}), prompts


def _board(indexed: _Indexed, words: Sequence[str]) -> TopicBoard:
    weights = topic_weights(indexed.prompts.similarities(" ".join(words)))
    voters = indexed.votes["voter"].to_numpy()
    votes, people = effective_number(weights), effective_voters(weights, voters)
    empty = TopicBoard(snapshot=indexed.snapshot, generated_at=indexed.generated_at, votes=len(indexed.votes))
    if votes < EFFECTIVE_VOTES_LEAST or people < EFFECTIVE_VOTERS_LEAST:
        return empty
    try:
        fitted = ratings.leaderboard(indexed.votes.assign(weight=weights)[weights > 0])
    except ratings.RatingsError:
        return empty
    rows = fitted.table.astype(object).where(fitted.table.notna(), None)
    columns = [*TopicEntry.__annotations__]
    return TopicBoard(
        snapshot=indexed.snapshot,
        generated_at=indexed.generated_at,
        votes=len(indexed.votes),
        similar=int(np.count_nonzero(weights)),
        effective_votes=votes,
        effective_voters=people,
        entries=[
            TopicEntry(**{name: row[name] for name in columns}) for row in rows.to_dict(orient="records")
        ],
        unrated=fitted.unrated,
    )
