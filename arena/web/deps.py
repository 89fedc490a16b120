"""What routes ask for, as annotated aliases: a route's signature reads as a sentence."""

import re
from collections.abc import AsyncIterator, Sequence
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import Annotated, Any
from uuid import UUID

from fastapi import Depends, Request
from sqlalchemy.ext.asyncio import AsyncSession

from arena.activity import ModelActivity
from arena.db import Database
from arena.errors import BattleNotFound, CookieInvalid
from arena.gateway.pool import Pool
from arena.settings import Settings
from arena.topic_boards import TopicBoards
from arena.turns import Runner
from arena.voters import COOKIE, SIMULATED_HEADER, Signer, Visitor, new_visitor
from arena.web.board_history import BoardHistory
from arena.web.change_reader import ChangeReader
from arena.web.day_reader import DayReader
from arena.web.feed_made import MadeFiles
from arena.web.snapshot_reader import SnapshotReader

BATTLE_ID = re.compile(r"[A-Za-z0-9_-]{22}")


def _settings(request: Request) -> Settings:
    return request.state.settings  # type: ignore[no-any-return]  # the lifespan's typed state


def _database(request: Request) -> Database:
    return request.state.database  # type: ignore[no-any-return]


def _runner(request: Request) -> Runner:
    return request.state.runner  # type: ignore[no-any-return]


def _pool(request: Request) -> Pool:
    return request.state.pool  # type: ignore[no-any-return]


def _signer(request: Request) -> Signer:
    return request.state.signer  # type: ignore[no-any-return]


def _snapshots(request: Request) -> SnapshotReader:
    return request.state.snapshots  # type: ignore[no-any-return]


def _history(request: Request) -> BoardHistory:
    return request.state.history  # type: ignore[no-any-return]


def _activity(request: Request) -> ModelActivity:
    return request.state.activity  # type: ignore[no-any-return]


def _policy(request: Request) -> dict[str, Any]:
    return request.state.policy  # type: ignore[no-any-return]


def _days(request: Request) -> DayReader:
    return request.state.days  # type: ignore[no-any-return]


def _changes(request: Request) -> ChangeReader:
    return request.state.changes  # type: ignore[no-any-return]


def _topics(request: Request) -> TopicBoards:
    return request.state.topics  # type: ignore[no-any-return]


def _made(request: Request) -> MadeFiles:
    return request.state.made_files  # type: ignore[no-any-return]


CurrentSettings = Annotated[Settings, Depends(_settings)]
CurrentDatabase = Annotated[Database, Depends(_database)]
CurrentRunner = Annotated[Runner, Depends(_runner)]
CurrentPool = Annotated[Pool, Depends(_pool)]
CurrentSigner = Annotated[Signer, Depends(_signer)]
Snapshots = Annotated[SnapshotReader, Depends(_snapshots)]
History = Annotated[BoardHistory, Depends(_history)]
Activity = Annotated[ModelActivity, Depends(_activity)]
CurrentPolicy = Annotated[dict[str, Any], Depends(_policy)]
Days = Annotated[DayReader, Depends(_days)]
Changes = Annotated[ChangeReader, Depends(_changes)]
Topics = Annotated[TopicBoards, Depends(_topics)]
Made = Annotated[MadeFiles, Depends(_made)]


async def _session(database: CurrentDatabase) -> AsyncIterator[AsyncSession]:
    async with database.sessions.begin() as session:
        yield session


# Scope "function": the commit happens before the answer is sent, so that a failed commit is not a 200.
Db = Annotated[AsyncSession, Depends(_session, scope="function")]


def client_address(request: Request, settings: Settings) -> str:
    """The nearest address that is no proxy of ours; a header from anybody else is not believed."""
    trusted = [ip_network(network, strict=False) for network in settings.trusted_proxies]
    # A proxy may add a line of its own instead of a part: all lines together are the way the request came.
    forwarded = ",".join(request.headers.getlist("x-forwarded-for"))
    hops = [part.strip() for part in forwarded.split(",") if part.strip()]
    address = request.client.host if request.client else "unknown"
    while hops and _within(address, trusted):
        address = hops.pop()
    return address


def _within(address: str, networks: Sequence[IPv4Network | IPv6Network]) -> bool:
    try:
        parsed = ip_address(address)
    except ValueError:
        return False
    return any(parsed in network for network in networks)


def _cookie_voter(request: Request, signer: CurrentSigner) -> UUID | None:
    """The voter of a good cookie; None without one, `CookieInvalid` for a bad one."""
    value = request.cookies.get(COOKIE)
    return signer.read_cookie(value) if value else None


def _visitor(request: Request, signer: CurrentSigner, settings: CurrentSettings) -> Visitor:
    """Whoever starts a battle: a known voter, or a new one where the cookie is missing or no good."""
    visitor = new_visitor(signer, client_address(request, settings), request.headers.get(SIMULATED_HEADER))
    try:
        voter_id = _cookie_voter(request, signer)
    except CookieInvalid:
        voter_id = None
    if voter_id is None:
        return visitor
    return Visitor(**vars(visitor) | {"voter_id": voter_id, "known": True})


def _secure(request: Request, settings: CurrentSettings) -> bool:
    """Whether browsers reach us over TLS; behind a proxy only the operator's public address tells."""
    return (settings.public_url or str(request.url)).startswith("https://")


def _owner(voter_id: Annotated[UUID | None, Depends(_cookie_voter)]) -> UUID:
    """The voter of a battle's own routes: without a cookie there is no battle to be seen."""
    if voter_id is None:
        raise BattleNotFound
    return voter_id


def _battle_id(battle_id: str) -> str:
    """An id that could be one of ours; anything else never reaches the database."""
    if not BATTLE_ID.fullmatch(battle_id):
        raise BattleNotFound
    return battle_id


SecureCookies = Annotated[bool, Depends(_secure)]
MaybeVoter = Annotated[UUID | None, Depends(_cookie_voter)]
CurrentVisitor = Annotated[Visitor, Depends(_visitor)]
Owner = Annotated[UUID, Depends(_owner)]
BattleId = Annotated[str, Depends(_battle_id)]
