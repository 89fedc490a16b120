"""Public IP addresses and hardware addresses."""

import ipaddress
import re
from typing import Final

from arena.privacy.folding import Folded
from arena.privacy.kinds import Spans

_OCTET: Final = r"(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)"
_V4: Final = re.compile(
    rf"[0-9](?<![\w.-][0-9])(?:(?<=2)(?:5[0-5]|[0-4]\d)|(?<=1)\d\d|(?<=[1-9])\d|)\.(?:{_OCTET}\.){{2}}{_OCTET}(?![A-Za-z0-9_]|\.\d|-\d)",
    re.ASCII,
)
_V6: Final = re.compile(
    r"[0-9a-f](?<![\w:.][0-9a-f])[0-9a-f]{0,3}:(?:[0-9a-f]{1,4}:){1,6}(?:(?::[0-9a-f]{1,4}){1,6}|[0-9a-f]{1,4}|:)(?![\w:])",
    re.ASCII,
)
_VERSION_BEFORE: Final = re.compile(
    r"(?:version|versión|versione|versão|версия|wersja|sürüm|release|firmware|driver|build|bios|chapter|section|oid"
    r"|版本|バージョン|버전|==|>=|<=|~=)[\s:=\"'(]{0,4}$"
)
_NUMBERING_BELOW: Final = 20
_GLOBAL_UNICAST: Final = 1  # the first three bits
_MAC: Final = re.compile(
    r"[0-9a-f](?<![0-9a-z:._-][0-9a-f])(?:[0-9a-f](?P<between>[:-])[0-9a-f]{2}(?:(?P=between)[0-9a-f]{2}){4}"
    r"|[0-9a-f]{3}\.[0-9a-f]{4}\.[0-9a-f]{4})(?![0-9a-z_]|[:.-][0-9a-f])"
)


def ip_addresses(folded: Folded) -> Spans:
    """Addresses of the public internet; private, reserved and documentation ones name nobody."""
    for match in _V4.finditer(folded.text):
        before = folded.lower[max(0, match.start() - 16) : match.start()]
        if _is_public_v4(match[0]) and not _VERSION_BEFORE.search(before):
            yield match.span()
    if folded.lower.count(":") >= 2:
        for match in _V6.finditer(folded.lower):
            if _is_public_v6(match[0]):
                yield match.span()


def _is_public_v4(written: str) -> bool:
    address = ipaddress.IPv4Address(written)
    numbering = all(octet < _NUMBERING_BELOW for octet in address.packed)
    return address.is_global and not address.is_multicast and not numbering


def _is_public_v6(written: str) -> bool:
    try:
        address = ipaddress.IPv6Address(written)
    except ValueError:
        return False
    return int(address) >> 125 == _GLOBAL_UNICAST and address.is_global


def mac_addresses(folded: Folded) -> Spans:
    """Six bytes of a device; longer rows of bytes are fingerprints, and those of equal bytes name none."""
    for match in _MAC.finditer(folded.lower):
        signs = re.sub(r"[^0-9a-f]", "", match[0])
        if len({signs[place : place + 2] for place in range(0, 12, 2)}) > 2 and not _is_counting(signs):
            yield match.span()


def _is_counting(signs: str) -> bool:
    return signs in {"001122334455", "112233445566", "0123456789ab", "123456789abc"} or (
        signs[0:4] == signs[4:8] == signs[8:12]
    )
