"""The kinds of personal data, in the order in which they win where two claim the same characters."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

Span = tuple[int, int]
"""Start and end of what was found, in characters."""
Spans = Iterator[Span]


@dataclass(frozen=True, kw_only=True)
class Kind:
    """A kind of personal data; structured where form and check digits decide, not the words around."""

    slug: str
    structured: bool
    about: str

    @property
    def placeholder(self) -> str:
        """What stands in the text instead."""
        return f"[{self.slug}]"


KINDS: Final = (
    Kind(
        slug="secret", structured=True, about="API keys, access tokens, private-key blocks, signed web tokens"
    ),
    Kind(slug="login", structured=True, about="user and password in a web or database address"),
    Kind(slug="email", structured=True, about="e-mail addresses, also with the signs in words: (at), dot"),
    Kind(slug="iban", structured=True, about="bank accounts (IBAN): length by country and check digits"),
    Kind(slug="card", structured=True, about="payment cards: issuer, grouping and check digit"),
    Kind(
        slug="identity-number",
        structured=True,
        about="national identity, social security and personal tax numbers with a check digit or a fixed form",
    ),
    Kind(slug="mac-address", structured=True, about="hardware addresses of network devices"),
    Kind(slug="ip-address", structured=True, about="public IPv4 and IPv6 addresses"),
    Kind(
        slug="phone",
        structured=True,
        about="telephone numbers, international or as people write them at home",
    ),
    Kind(slug="birth-date", structured=False, about="a date that words call the writer's date of birth"),
    Kind(slug="address", structured=False, about="street and house number, by the usual words for streets"),
    Kind(slug="name", structured=False, about="a name that its bearer gives: my name is …"),
)

PLACEHOLDER: Final = re.compile(r"\[(?:" + "|".join(kind.slug for kind in KINDS) + r")\]")
