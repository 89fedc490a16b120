"""Made-up personal data that is valid: what is planted into sentences."""

import ipaddress
import re
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from random import Random
from string import ascii_letters, ascii_uppercase, digits
from typing import Any, Final

from stdnum import luhn

from arena.privacy.planted_identities import identity_number

_LOCALS: Final = ("{g}.{f}", "{g}{n}", "{g}_{f}", "{f}-{g}", "{i}.{f}+shop", "{G}.{F}", "{g}.{f}{n}")
_HOSTS: Final = (
    "example.org",
    "mail.example.com",
    "example.net",
    "post.example.de",
    "example.co.uk",
    "example.com.br",
)
_SPELLED: Final = (
    "{l} (at) {d}",
    "{l}[at]{d}",
    "{l} at {s}",
    "{l} [at] {b}",
    "{l}＠{d}",
    "{l}%40{d}",
    "{l}&#64;{d}",
)
_ROMAN: Final = ("nadia", "oskar", "lin", "yusuf", "marta", "hiro", "priya", "tomas")
_ROMAN_FAMILY: Final = ("keller", "wang", "haddad", "novak", "tanaka", "silva", "iyer")
_IBANS: Final[Mapping[str, tuple[str, ...]]] = {
    "en": ("GB##MIDL" + 14 * "#", "IE##AIBK" + 14 * "#"), "de": ("DE##" + 18 * "#", "AT##" + 16 * "#"),
    "fr": ("FR##" + 23 * "#", "BE##" + 12 * "#"), "es": ("ES##" + 20 * "#",), "it": ("IT##X" + 22 * "#",),
    "pt": ("PT##" + 21 * "#",), "nl": ("NL##INGB" + 10 * "#",), "pl": ("PL##" + 24 * "#",),
    "ru": ("LV##HABA" + 13 * "#", "LT##" + 16 * "#"), "tr": ("TR##" + 22 * "#",),
    "ar": ("SA##80" + 18 * "#", "AE##" + 19 * "#"),
}  # fmt: skip
_CARDS: Final = (
    "4" + 15 * "#",
    "51" + 14 * "#",
    "2221" + 12 * "#",
    "37" + 13 * "#",
    "62" + 14 * "#",
    "6011" + 12 * "#",
    "3530" + 12 * "#",
)
_SECRETS: Final = {
    "sk-proj-": 48,
    "ghp_": 36,
    "AKIA": 16,
    "AIza": 35,
    "hf_": 34,
    "xoxb-": 40,
    "sk_live_": 24,
    "glpat-": 20,
    "xai-": 80,
}
_NATIVE_ZERO: Final = {"ar": "٠", "hi": "०", "zh": "０", "ja": "０"}
_NATIVE_SHARE: Final = 0.2
_GROUPED: Final = re.compile(r"(?<=\d)(?=(?:\d{4})+$)")


@dataclass(frozen=True)
class Locale:
    """What the values of a language are made of."""

    language: str
    given: Sequence[str]
    family: Sequence[str]
    phones: Sequence[str]
    held_out: Sequence[str]
    streets: Sequence[str]
    dates: Sequence[str]
    months: Sequence[str]


@lru_cache(maxsize=1)
def locales() -> Mapping[str, Locale]:
    """Every language in which values are made."""
    source = resources.files("arena.privacy").joinpath("planted_values.toml")
    made: Mapping[str, Any] = tomllib.loads(source.read_text(encoding="utf-8"))
    return {language: Locale(language=language, **parts) for language, parts in made.items()}


def make_value(kind: str, locale: Locale, random: Random, *, rule: str = "", held_out: bool = False) -> str:
    """One value of a kind as somebody of the language writes it; `rule` names the identity number."""
    if kind == "identity-number":
        return _native(identity_number(rule, random), locale, random)
    if kind == "phone":
        return _native(
            _filled(random.choice(locale.held_out if held_out else locale.phones), random), locale, random
        )
    return _MAKERS[kind](locale, random)


def _filled(template: str, random: Random) -> str:
    made = template.replace("N", "\1")
    return re.sub(r"[#\1]", lambda sign: str(random.randrange(2 if sign[0] == "\1" else 0, 10)), made)


def _native(value: str, locale: Locale, random: Random) -> str:
    zero = _NATIVE_ZERO.get(locale.language)
    if zero is None or random.random() > _NATIVE_SHARE:
        return value
    return re.sub("[0-9]", lambda digit: chr(ord(zero) + int(digit[0])), value)


def _email(locale: Locale, random: Random) -> str:
    given, family = random.choice(_ROMAN), random.choice(_ROMAN_FAMILY)
    parts = {"g": given, "f": family, "G": given.title(), "F": family.title(), "i": given[0]}
    local = random.choice(_LOCALS).format(**parts, n=random.randrange(1, 99))
    host = random.choice(_HOSTS)
    if random.random() > 0.3:
        return f"{local}@{host}"
    spelled, bracketed = host.replace(".", " dot "), host.replace(".", " [dot] ")
    return random.choice(_SPELLED).format(l=local, d=host, s=spelled, b=bracketed)


def _iban(locale: Locale, random: Random) -> str:
    template = random.choice(_IBANS.get(locale.language, _IBANS["de"]))
    account = _filled(template[4:], random)
    rest = "".join(str(int(sign, 36)) for sign in f"{account}{template[:2]}00")
    iban = f"{template[:2]}{98 - int(rest) % 97:02d}{account}"
    return random.choice(
        (iban, " ".join(iban[place : place + 4] for place in range(0, len(iban), 4)), iban.lower())
    )


def _card(locale: Locale, random: Random) -> str:
    start = _filled(random.choice(_CARDS)[:-1], random)
    number = start + str(luhn.calc_check_digit(start))
    if len(number) == 15:
        return random.choice((number, f"{number[:4]} {number[4:10]} {number[10:]}"))
    return _native(
        random.choice((number, _GROUPED.sub(" ", number), _GROUPED.sub("-", number))), locale, random
    )


def _ip_address(locale: Locale, random: Random) -> str:
    if random.random() < 0.35:
        groups = [
            f"{random.randrange(0x2A00, 0x2A10):x}",
            *(f"{random.randrange(1, 65536):x}" for _ in range(7)),
        ]
        return random.choice((":".join(groups), f"{groups[0]}:{groups[1]}::{groups[2]}"))
    while not (address := ipaddress.IPv4Address(random.randrange(20 << 24, 223 << 24))).is_global:
        continue
    return str(address)


def _mac_address(locale: Locale, random: Random) -> str:
    between = random.choice(":-")
    made = between.join(f"{random.randrange(256):02x}" for _ in range(6))
    return random.choice((made, made.upper()))


def _login(locale: Locale, random: Random) -> str:
    password = "".join(random.choices(ascii_letters + digits + "!%_", k=11))
    scheme, host = random.choice(
        (
            ("https", "files.example.org/a.zip"),
            ("postgres", "db.example.net:5432/shop"),
            ("ftp", "example.com"),
        )
    )
    return f"{scheme}://{random.choice(_ROMAN)}:{password}@{host}"


def _secret(locale: Locale, random: Random) -> str:
    prefix, length = random.choice(list(_SECRETS.items()))
    if prefix == "hf_":  # real ones have letters alone
        return prefix + "".join(random.choices(ascii_letters, k=length))
    signs = ascii_uppercase + digits if prefix == "AKIA" else ascii_letters + digits
    return prefix + "7" + "".join(random.choices(signs, k=length - 1))


def _birth_date(locale: Locale, random: Random) -> str:
    day, month, year = random.randrange(1, 29), random.randrange(1, 13), random.randrange(1930, 2010)
    writing = random.choice(locale.dates)
    parts = {
        "D": str(day),
        "M": str(month),
        "Y": str(year),
        "W": locale.months[month - 1] if "W" in writing else "",
    }
    return re.sub("[DMYW]", lambda sign: parts[sign[0]], writing)


def _address(locale: Locale, random: Random) -> str:
    return re.sub("#", lambda _: str(random.randrange(1, 10)), random.choice(locale.streets))


def _name(locale: Locale, random: Random) -> str:
    given, family = random.choice(locale.given), random.choice(locale.family)
    if locale.language in {"zh", "ja", "ko"}:
        return family + given
    return random.choice((f"{given} {family}", given))


_MAKERS: Final[Mapping[str, Callable[[Locale, Random], str]]] = {
    "email": _email,
    "iban": _iban,
    "card": _card,
    "ip-address": _ip_address,
    "mac-address": _mac_address,
    "login": _login,
    "secret": _secret,
    "birth-date": _birth_date,
    "address": _address,
    "name": _name,
}
