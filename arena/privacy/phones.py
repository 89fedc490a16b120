"""Telephone numbers: international ones by calling code, national ones by how countries write them."""

import re
from collections.abc import Iterator, Sequence
from typing import Final

from arena.privacy.calling_codes import is_international
from arena.privacy.folding import Folded
from arena.privacy.kinds import Span, Spans
from arena.privacy.vocabulary import Announcements, announcements

_NOT_AFTER: Final = r"(?<![A-Za-z0-9_])(?<!\d[.,/:+-])(?<![.+]|-)"
_NOT_BEFORE: Final = r"(?![A-Za-z0-9_]|[.,:]\d| ?[%€$£])"
_GAP: Final = r"(?:[ ./()-]{0,3}|[ -]?\n(?=\d\d\d))"
_INTERNATIONAL: Final = re.compile(
    r"(?<![A-Za-z0-9_+)])(?<!\d[.,])(?P<open>\(?)(?P<prefix>\+|(?<!\d )00 ?(?=[1-9]))"
    rf"(?P<number>[1-9](?:{_GAP}\d){{6,16}}){_NOT_BEFORE}"
)
_DECIMAL: Final = re.compile(r"\d+\.\d+")
_THOUSANDS: Final = re.compile(r"[1-9]\d?(?: \d{3})+")
_LAST_GROUP: Final = re.compile(r"[^\d]{1,4}\d+$")
_TRUNK: Final = re.compile(r"\( ?0 ?\)")
_ANNOUNCED: Final = re.compile(rf"{_NOT_AFTER}\(?\d(?:{_GAP}\d){{6,14}}{_NOT_BEFORE}")
_WRITINGS: Final = (
    r"(?:1[ .-])?\([2-9]\d\d\) ?[2-9]\d\d[ .-]\d{4}",  # North America
    r"(?:1[ -])?[2-9]\d\d(?P<us>[.-])[2-9]\d\d(?P=us)\d{4}|(?<!\d )[2-9]\d\d [2-9]\d\d[ -]\d{4}",
    r"0(?:[67]\d{8}|5\d{8,9}|7\d{9}|[789]0\d{8}|1[0125]\d{8}|[6-9]\d{9})",  # mobiles in one row
    r"1[3-9]\d[ -]?\d{4}[ -]?\d{4}",  # China
    r"[6-9]\d{4}[ -]\d{5}",  # India
    r"\([1-9]\d\) ?9?\d{4}[- ]?\d{4}|[1-9]\d 9\d{4}-\d{4}",  # Brazil
    r"8[ -]?\([3489]\d{2}\)[ -]?\d{3}[ -]?\d{2}[ -]?\d{2}|8[ -]?[3489]\d{2}[ -]\d{3}[ -]?\d{2}[ -]?\d{2}|89\d{9}",
    r"[6-9]\d{2}(?P<es>[ -])\d{2}(?P=es)\d{2}(?P=es)\d{2}|[89]\d(?P<es2>[ -])\d{3}(?P=es2)\d{2}(?P=es2)\d{2}",  # Spain
    r"[1-9]\d[ -]\d{3}[ -]\d{2}[ -]\d{2}|[4-8]\d\d-\d{3}-\d{3}",  # Poland
    r"3[2-9]\d[ ./-]\d{6,7}|3[2-9]\d[ ./-]\d{3}[ .-]?\d{4}",  # Italy
)
_WRITTEN: Final = re.compile(rf"{_NOT_AFTER}(?:{'|'.join(_WRITINGS)}){_NOT_BEFORE}(?![ -]\d)")
_TRUNK_ZERO: Final = re.compile(
    rf"{_NOT_AFTER}\(?0(?: ?\(?[1-9]\d{{0,4}}| \d{{2}} ?/)\)?(?:[ ./()-]{{1,3}}\d{{2,8}}){{1,5}}"
    rf"{_NOT_BEFORE}(?![ -]\d)"
)
_DATE: Final = re.compile(
    r"\d{1,2}(?P<a>[./-])\d{1,2}(?P=a)(?:19|20)\d\d|(?:19|20)\d\d(?P<b>[./-])\d{1,2}(?P=b)\d{1,2}|(?:19|20)\d\d-(?:19|20)\d\d$"
)
_FILLER: Final = "\0"
_LONGEST: Final = 90  # an international number with its gaps and what stands around it
_NAMED_BEFORE: Final = 3
_CALLED_BEFORE: Final = 40
_CALLED_AFTER: Final = 24


def phones(folded: Folded) -> Spans:
    """Numbers with a calling code, in a country's writing, or near words for telephones."""
    reached = 0  # where the row ends of which a number is already known
    for match in folded.numbers(_INTERNATIONAL, "(+0"):
        if found := _with_calling_code(match):
            yield found
            if found[1] > reached:
                for start, reached in _international_after(folded, found[1]):
                    yield start, reached
    for pattern, first in ((_WRITTEN, "(0123456789"), (_TRUNK_ZERO, "(0")):
        for match in folded.numbers(pattern, first):
            start = match.start() + _opens_too_much(match[0])
            if _is_number(folded.text[start : match.end()]):
                yield start, match.end()
    if "phone" not in folded.topics:
        return
    candidates = list(folded.numbers(_ANNOUNCED, "(0123456789"))
    if candidates and (calls := announcements("phone", folded.lower)):
        yield from _announced(folded, candidates, calls)


def _international_after(folded: Folded, end: int) -> Spans:
    """Numbers in a row: a digit before one does not speak against it where it ends a number."""
    while match := _INTERNATIONAL.match(_FILLER + folded.text[end : end + _LONGEST], 2):
        if not (found := _with_calling_code(match)):
            return
        yield end - 1 + found[0], end - 1 + found[1]
        end += found[1] - 1


def _with_calling_code(match: re.Match[str]) -> Span | None:
    if match["prefix"] == "00" and match["number"].isdigit() and len(match["number"]) < 11:
        return None
    for number in _shortened(match["number"]):
        digits = re.sub(r"\D", "", _TRUNK.sub("", number))
        closed = number.count(")") - number.count("(")
        if (
            is_international(digits)
            and len(set(digits)) > 2
            and 0 <= closed <= len(match["open"])
            and not _DECIMAL.fullmatch(number)
        ):
            start = match.start() if closed else match.start("prefix")
            return start, match.start("number") + len(number)
    return None


def _shortened(number: str) -> Iterator[str]:
    """The number, then without its last groups: a number that follows may have been read as its end."""
    while number:
        yield number
        shorter = _LAST_GROUP.sub("", number)
        if shorter == number:
            return
        number = shorter


def _opens_too_much(written: str) -> bool:
    """Whether the first sign is a bracket that closes after the number."""
    return written.startswith("(") and written.count("(") > written.count(")")


def _is_number(written: str) -> bool:
    digits = re.sub(r"\D", "", written)
    return (
        9 <= len(digits) <= 12
        and len(set(digits)) > 2
        and not digits.endswith("00000")
        and written.count("(") == written.count(")")
        and not _DATE.match(written)
    )


def _announced(folded: Folded, candidates: Sequence[re.Match[str]], calls: Announcements) -> Spans:
    for match in candidates:
        start, end = match.start() + _opens_too_much(match[0]), match.end()
        near = calls.before(start, within=_CALLED_BEFORE) or calls.after(end, within=_CALLED_AFTER)
        written = folded.text[start:end]
        if (
            near
            and _may_be_called(written)
            and (calls.before(start, within=_NAMED_BEFORE) or not _THOUSANDS.fullmatch(written))
        ):
            yield start, end


def _may_be_called(written: str) -> bool:
    return (
        len(set(re.sub(r"\D", "", written))) > 2
        and written.count("(") == written.count(")")
        and not _DATE.match(written)
        and not _DECIMAL.fullmatch(written)
    )
