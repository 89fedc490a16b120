"""Anonymous voters: a signed cookie says who it is, and of the network address only a keyed hash is kept."""

import hashlib
import hmac
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from uuid import UUID, uuid4

from itsdangerous import BadSignature, URLSafeTimedSerializer
from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from arena.errors import CookieInvalid
from arena.tables import Voter, VoterKind

COOKIE = "arena_voter"
COOKIE_SECONDS = 400 * 24 * 3600  # the longest that browsers keep a cookie
SIMULATED_HEADER = "Arena-Simulated"


@dataclass(frozen=True, kw_only=True)
class Visitor:
    """Who sent a request: a voter we know, or one whose row is written with the first battle."""

    voter_id: UUID
    known: bool
    kind: VoterKind
    address_hash: str
    unlimited: bool = False


class Signer:
    """Signs cookies, receipts and the simulation token with keys derived from the one secret."""

    def __init__(self, secret: str) -> None:
        self._secret = secret.encode()
        self._cookies = URLSafeTimedSerializer(secret, salt="voter")

    def cookie(self, voter_id: UUID) -> str:
        return self._cookies.dumps(voter_id.hex)

    def read_cookie(self, value: str) -> UUID:
        """The voter of a cookie; raises `CookieInvalid` for one that is expired or not ours."""
        try:
            return UUID(hex=self._cookies.loads(value, max_age=COOKIE_SECONDS))
        except (BadSignature, ValueError, TypeError, AttributeError) as error:
            raise CookieInvalid from error

    def digest(self, purpose: str, value: str, *, length: int = 32) -> str:
        """A keyed hash: without the secret nobody can enumerate what it came from."""
        message = f"{purpose}\0{value}".encode()
        return hmac.new(self._secret, message, hashlib.sha256).hexdigest()[:length]

    def digests(self, purpose: str, values: Iterable[str], *, length: int = 32) -> list[str]:
        """The same of many values, in half the time: what the key does to a hash is done once."""
        secret = self._secret if len(self._secret) <= 64 else hashlib.sha256(self._secret).digest()
        key = secret.ljust(64, b"\0")
        within = hashlib.sha256(bytes(byte ^ 0x36 for byte in key) + f"{purpose}\0".encode())
        around = hashlib.sha256(bytes(byte ^ 0x5C for byte in key))
        found = []
        for value in values:
            inner, outer = within.copy(), around.copy()
            inner.update(value.encode())
            outer.update(inner.digest())
            found.append(outer.hexdigest()[:length])
        return found

    def address_hash(self, address: str) -> str:
        return self.digest("address", address_bucket(address))

    def simulation_token(self) -> str:
        """What the arena's own simulated voters show, so that they are not slowed down like strangers."""
        return self.digest("simulation", "voters")


def address_bucket(address: str) -> str:
    """One IPv4 address, or the /64 that one IPv6 subscriber gets, counts as one place."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    return str(ip_network(f"{parsed}/{32 if parsed.version == 4 else 64}", strict=False))


def new_visitor(signer: Signer, address: str, simulated: str | None) -> Visitor:
    """Somebody without a cookie; a simulated voter says so in a header and is marked for good."""
    given, token = (simulated or "").encode(), signer.simulation_token().encode()
    return Visitor(
        voter_id=uuid4(),
        known=False,
        kind="human" if simulated is None else "simulated",
        address_hash=signer.address_hash(address),
        unlimited=hmac.compare_digest(given, token),
    )


async def save_voter(session: AsyncSession, visitor: Visitor) -> VoterKind:
    """Write the voter's row with the first battle, and return the kind that was decided then."""
    row = insert(Voter).values(id=visitor.voter_id, kind=visitor.kind, address_hash=visitor.address_hash)
    await session.execute(row.on_conflict_do_nothing())
    kind = await session.scalar(select(Voter.kind).where(Voter.id == visitor.voter_id))
    assert kind is not None, "the row was written by the statement before"
    return kind


async def erase_voter(session: AsyncSession, voter_id: UUID) -> None:
    """Delete a voter with all battles, prompts, answers and votes; the tables cascade."""
    await session.execute(delete(Voter).where(Voter.id == voter_id))
