"""Numbers by which states know people: identity cards, social security, personal taxes."""

import importlib
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Final

from stdnum import luhn

from arena.privacy.folding import Folded
from arena.privacy.kinds import Spans
from arena.privacy.vocabulary import Announcements, announcements

_NOT_AFTER: Final = r"(?<![A-Za-z0-9_])(?<!\d[.,/:+-])(?<!\.)"
_NOT_BEFORE: Final = r"(?![A-Za-z0-9_]|[.,/:-]\d)"
_DAY: Final = r"(?:0[1-9]|[12]\d|3[01])"
_MONTH: Final = r"(?:0[1-9]|1[0-2])"

# Forms that hardly anything else has; modules of stdnum, or functions below, judge the digits.
_DISTINCT: Final[tuple[tuple[str, str, str], ...]] = (
    ("cn", rf"[1-9]\d{{5}} ?(?:19|20)\d\d ?{_MONTH}{_DAY} ?\d{{3}}[\dxX]", "cn.ric"),
    ("it", r"[A-Z]{6} ?\d\d[A-EHLMPRST]\d\d ?[A-Z][0-9LMNP-V]{3} ?[A-Z]", "it.codicefiscale"),
    ("es_nie", r"[XYZ][- ]?\d{7}[- ]?[A-Z]", "es.nie"),
    ("es_dni", r"\d{8}[- ]?[A-HJ-NP-TV-Z]|\d{2}\.\d{3}\.\d{3}[- ]?[A-HJ-NP-TV-Z]", "es.dni"),
    ("br", r"\d{3}\.\d{3}\.\d{3}-\d{2}", "br.cpf"),
    ("kr", rf"\d\d{_MONTH}{_DAY} ?- ?[1-8]\d{{6}}", ""),  # those given since 2020 have no check digit
    ("fr", r"[12] ?\d\d ?(?:0[1-9]|1[0-2]|[2-9]\d) ?(?:\d\d|2[AB]) ?\d{3} ?\d{3}[ /-]{0,3}\d\d", "fr.nir"),
    ("in", r"[2-9]\d{3}(?P<aadhaar>[ -])\d{4}(?P=aadhaar)\d{4}", "in_.aadhaar"),
    ("in_pan", r"[A-Z]{3}P[A-Z]\d{4}[A-Z]", "in_.pan"),
    ("us", r"(?!000|666|9)\d{3}-\d{2}-\d{4}", "us.ssn"),
    ("us_itin", r"9\d\d-[5-9]\d-\d{4}", "us.itin"),
    ("mx", r"[A-Z]{4}\d{6}[HMX][A-Z]{5}[A-Z0-9]\d", "mx.curp"),
    ("cl", r"\d{1,2}\.\d{3}\.\d{3}-[\dkK]", "cl.rut"),
    ("se", rf"(?:19|20)?\d\d{_MONTH}(?:{_DAY}|[6-9]\d)[-+]\d{{4}}", "se.personnummer"),
    ("fi", rf"{_DAY}{_MONTH}\d\d[-+ABCDEFYXWVU]\d{{3}}[0-9A-Y]", "fi.hetu"),
    ("be", r"\d\d\.\d\d\.\d\d-\d{3}\.\d\d", "be.nn"),
    ("ch", r"756\.\d{4}\.\d{4}\.\d\d", "ch.ssn"),
    ("cz", r"\d\d[0156278]\d[0-3]\d/\d{4}", "cz.rc"),
    ("ae", r"784-?(?:19|20)\d\d-?\d{7}-?\d", "luhn"),
    ("ru", r"\d{3}-\d{3}-\d{3}[ -]\d\d", "snils"),
    ("gb", r"(?!BG|GB|NK|KN|TN|NT|ZZ)[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z] \d\d \d\d \d\d [A-D]", ""),
)  # fmt: skip
# How the distinct forms begin: sought first, because it is found faster.
_DISTINCT_START: Final = re.compile(
    r"[A-Z0-9](?<![A-Za-z0-9_][A-Z0-9])(?:(?<=[0-9])(?=\d{5}|\d?\.\d{3}\.\d{3}|\d\.\d\d\.\d\d-|\d\d\.\d{3}\.\d{3}-|56\.\d"
    r"|\d{3}[ -]\d{4}[ -]|\d\d-\d{2,3}-\d|84-\d| ?\d\d ?\d\d ?\d[\dAB] ?\d{3} ?\d{3})"
    r"|(?<=[A-Z])(?=[A-Z]{0,5}[ -]?[0-9](?:[ A-Z-]{0,2}[0-9]){3}))"
)
_DISTINCT_FORM: Final = re.compile(
    _NOT_AFTER
    + r"(?=[A-Z]{0,6}[ -]?\d)(?:"
    + "|".join(f"(?P<{country}>{form})" for country, form, _ in _DISTINCT)
    + ")"
    + _NOT_BEFORE
)
_JUDGES: Final[Mapping[str, str]] = {country: judge for country, _, judge in _DISTINCT}

# Where words announce such a number: modules of stdnum that may know it, by how many signs it has.
_ANNOUNCED: Final[Mapping[int, tuple[str, ...]]] = {
    8: ("ar.dni", "ie.pps", "nz.ird", "dk.cpr"),
    9: ("us.ssn", "us.itin", "ca.sin", "nl.bsn", "pt.nif", "au.tfn", "es.dni", "es.nie", "il.idnr", "ie.pps", "nz.ird",
        "cl.rut", "cz.rc", "gb.nino"),
    10: ("gb.nhs", "gb.utr", "se.personnummer", "fi.hetu", "dk.cpr", "cz.rc", "bg.egn", "at.vnr", "pl.nip", "in_.pan",
         "is_.kennitala", "ua.rntrc", "sa"),
    11: ("de.idnr", "tr.tckimlik", "pl.pesel", "br.cpf", "no.fodselsnummer", "be.nn", "gr.amka", "hr.oib", "lt.asmens",
         "ee.ik", "ar.cuit", "fi.hetu", "snils"),
    12: ("ru.inn", "jp.in_", "in_.aadhaar", "my.nric", "pt.cc", "se.personnummer"),
    13: ("za.idnr", "ro.cnp", "th.pin", "fr.nif", "ch.ssn", "mx.rfc", "kr.rrn"),
    14: ("eg",),
    15: ("fr.nir", "luhn"),
    16: ("it.codicefiscale", "id.nik"),
    18: ("cn.ric", "mx.curp"),
}  # fmt: skip
_CANDIDATE: Final = re.compile(
    r"[A-Za-z0-9](?<![A-Za-z0-9_][A-Za-z0-9])(?<!\d[.,/:+-][A-Za-z0-9])(?<!\.[A-Za-z0-9])"
    r"(?:(?<=\d)|(?=[A-Za-z]{0,5}\d))(?:(?: ?[./-] ?|[ \n]{0,2})[A-Za-z0-9]){7,17}" + _NOT_BEFORE
)
_NINO: Final = re.compile(r"[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z]\d{6}[A-D]")
_EGYPT: Final = re.compile(rf"[23]\d\d{_MONTH}{_DAY}(?:0[1-4]|1[1-9]|2[1-9]|3[1-5]|88)\d{{5}}")
_LAST_GROUP: Final = re.compile(r"[ \n./-]+[A-Z0-9]+$")
_ANNOUNCED_BEFORE: Final = 48
_ANNOUNCED_AFTER: Final = 24


def identity_numbers(folded: Folded) -> Spans:
    """Numbers of an unmistakable form, and those with a right check digit near words that announce them."""
    for match in _distinct(folded):
        judge = _JUDGES[str(match.lastgroup)]
        if not judge or _is_valid(judge, match[0]):
            yield match.span()
    if "identity" not in folded.topics:
        return
    candidates = list(folded.matches(_CANDIDATE))
    if candidates and (announced := announcements("identity", folded.lower)):
        yield from _announced(candidates, announced)


def _distinct(folded: Folded) -> Iterator[re.Match[str]]:
    taken = 0
    for begin in folded.matches(_DISTINCT_START):
        match = _DISTINCT_FORM.match(folded.text, begin.start(), begin.endpos)
        if match and begin.start() >= taken:
            taken = match.end()
            yield match


def _announced(candidates: Sequence[re.Match[str]], announced: Announcements) -> Spans:
    known = lru_cache(maxsize=1024)(_known_part)  # the same number may stand in a text many times
    for match in candidates:
        start, end = match.span()
        if not (
            announced.before(start, within=_ANNOUNCED_BEFORE) or announced.after(end, within=_ANNOUNCED_AFTER)
        ):
            continue
        if found := known(match[0].upper()):
            yield start, start + found


def _known_part(written: str) -> int:
    """How much is left when last groups are taken off until a rule knows the rest."""
    while written and not _is_known(written):
        shorter = _LAST_GROUP.sub("", written)
        written = shorter if shorter != written else ""
    return len(written)


def _is_known(written: str) -> bool:
    signs = re.sub(r"[^A-Z0-9]", "", written)
    if len(set(signs)) < 3:
        return False
    return any(_is_valid(judge, signs) for judge in _ANNOUNCED.get(len(signs), ()))


def _is_valid(judge: str, written: str) -> bool:
    return _judge(judge)(re.sub(r"[ \n]", "", written).upper())


@lru_cache(maxsize=128)
def _judge(name: str) -> Callable[[str], bool]:
    own = {
        "luhn": _is_luhn,
        "snils": _is_snils,
        "sa": _is_saudi,
        "eg": _is_egyptian,
        "gb.nino": _is_nino,
    }
    if name in own:
        return own[name]
    valid: Callable[[str], bool] = importlib.import_module(f"stdnum.{name}").is_valid
    return valid


def _is_luhn(written: str) -> bool:
    return bool(luhn.is_valid(re.sub(r"\D", "", written)))


def _is_snils(written: str) -> bool:
    digits = [int(sign) for sign in written if sign.isdigit()]
    total = sum(digit * weight for digit, weight in zip(digits[:9], range(9, 0, -1), strict=False))
    return len(digits) == 11 and total % 101 % 100 == digits[9] * 10 + digits[10]


def _is_saudi(written: str) -> bool:
    return written[:1] in {"1", "2"} and _is_luhn(written)


def _is_egyptian(written: str) -> bool:
    return _EGYPT.fullmatch(written) is not None


def _is_nino(written: str) -> bool:
    return _NINO.fullmatch(written) is not None
