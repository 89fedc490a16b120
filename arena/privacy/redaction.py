"""What is found in one text, by all detectors together, and the text without it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from arena.privacy.accounts import cards, ibans
from arena.privacy.credentials import logins, secrets
from arena.privacy.emails import emails
from arena.privacy.folding import Folded
from arena.privacy.identity_numbers import identity_numbers
from arena.privacy.introduced import addresses, birth_dates, names
from arena.privacy.kinds import KINDS, Kind, Spans
from arena.privacy.network import ip_addresses, mac_addresses
from arena.privacy.phones import phones

_DETECTORS: Final[Mapping[str, tuple[str, Callable[[Folded], Spans]]]] = {
    "secret": ("secret", secrets),
    "login": ("at", logins),
    "email": ("at", emails),
    "iban": ("digits", ibans),
    "card": ("digits", cards),
    "identity-number": ("digits", identity_numbers),
    "mac-address": ("network", mac_addresses),
    "ip-address": ("network", ip_addresses),
    "phone": ("digits", phones),
    "birth-date": ("birth", birth_dates),
    "address": ("address", addresses),
    "name": ("name", names),
}
"""For each kind the topic of its signs, and what finds it."""
_RANKED: Final = tuple((rank, *_DETECTORS[kind.slug]) for rank, kind in enumerate(KINDS))


@dataclass(frozen=True)
class Finding:
    """Where a kind of personal data stands in a text."""

    start: int
    end: int
    kind: Kind


def find(folded: Folded) -> list[Finding]:
    """What is found, in the order of the text; findings that overlap are one, of the kind that wins."""
    found = sorted(
        (start, end, rank)
        for rank, topic, detect in _RANKED
        if topic in folded.topics
        for start, end in detect(folded)
    )
    merged: list[tuple[int, int, int]] = []
    for start, end, rank in found:
        if merged and start < merged[-1][1]:
            before = merged.pop()
            start, end, rank = before[0], max(end, before[1]), min(rank, before[2])
        merged.append((start, end, rank))
    return [Finding(start, end, KINDS[rank]) for start, end, rank in merged]


def replace(text: str, findings: Sequence[Finding]) -> str:
    """The text with placeholders where something was found."""
    parts, place = [], 0
    for finding in findings:
        parts += [text[place : finding.start], finding.kind.placeholder]
        place = finding.end
    return "".join([*parts, text[place:]])
