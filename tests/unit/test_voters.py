"""Cookies that cannot be forged, addresses that cannot be read back."""

from uuid import uuid4

import pytest

from arena.errors import CookieInvalid
from arena.voters import Signer, address_bucket, new_visitor

SIGNER = Signer("a secret")


def test_cookie_comes_back_as_the_voter() -> None:
    voter = uuid4()
    assert SIGNER.read_cookie(SIGNER.cookie(voter)) == voter


@pytest.mark.parametrize(
    "spoil", [str.upper, lambda c: c[:-1], lambda c: "x" + c, lambda c: "", lambda c: c * 50]
)
def test_spoilt_cookie_is_refused(spoil: object) -> None:
    with pytest.raises(CookieInvalid):
        SIGNER.read_cookie(spoil(SIGNER.cookie(uuid4())))  # type: ignore[operator]


def test_another_secret_knows_nothing() -> None:
    other = Signer("another secret")
    with pytest.raises(CookieInvalid):
        other.read_cookie(SIGNER.cookie(uuid4()))
    assert other.address_hash("192.0.2.1") != SIGNER.address_hash("192.0.2.1")
    assert other.digest("receipt", "x") != SIGNER.digest("receipt", "x")


def test_purposes_do_not_mix() -> None:
    assert SIGNER.digest("receipt", "x") != SIGNER.digest("address", "x")


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("192.0.2.1", "192.0.2.2", False),
        ("2001:db8::1", "2001:db8::ffff:1", True),
        ("2001:db8::1", "2001:db8:0:1::1", False),
        ("unknown", "unknown", True),
    ],
)
def test_one_subscriber_is_one_bucket(one: str, other: str, same: bool) -> None:
    assert (address_bucket(one) == address_bucket(other)) is same


def test_only_our_own_simulation_is_unlimited() -> None:
    assert new_visitor(SIGNER, "192.0.2.1", None).kind == "human"
    claimed = new_visitor(SIGNER, "192.0.2.1", "yes")
    assert (claimed.kind, claimed.unlimited) == ("simulated", False)
    ours = new_visitor(SIGNER, "192.0.2.1", SIGNER.simulation_token())
    assert (ours.kind, ours.unlimited) == ("simulated", True)
    assert new_visitor(SIGNER, "192.0.2.1", "é").kind == "simulated"
