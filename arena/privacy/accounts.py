"""Bank accounts (IBAN) and payment cards."""

import re
from functools import lru_cache
from typing import Final

from stdnum import luhn

from arena.privacy.folding import Folded
from arena.privacy.kinds import Spans

_IBAN_LENGTHS: Final = {
    country: int(length)
    for length, countries in {
        "15": "no",
        "16": "be",
        "18": "dk fo fi gl nl sd",
        "19": "mk si",
        "20": "at ba ee kz lt lu xk mn",
        "21": "hr lv li ch",
        "22": "bh bg cr de ge ie me rs gb va",
        "23": "ae gi iq il om tl so",
        "24": "ad cz md pk ro sa sk es se tn vg",
        "25": "ly pt st",
        "26": "is tr",
        "27": "fr gr it mr mc sm bi dj",
        "28": "al az by cy do sv gt hu lb pl ni",
        "29": "br eg ps qa ua",
        "30": "jo kw mu",
        "31": "mt sc",
        "32": "lc",
        "33": "ru",
    }.items()
    for country in countries.split()
}
_IBAN_START: Final = re.compile(
    r"[A-Za-z](?<![A-Za-z0-9_][A-Za-z])[A-Za-z] ?\d ?\d(?=[ .\n-]{0,2}[A-Za-z0-9])"
)
_BETWEEN: Final = r"(?P<{0}> ?[./-] ?| |\n|)"
_CARD: Final = re.compile(
    r"[2-9](?=\d{3})(?<![A-Za-z0-9_+\[]\d)(?<!\d[.,/ -]\d)(?<![A-Za-z0-9_]\(\d)(?:"
    rf"(?<!7)\d{{3}}{_BETWEEN.format('a')}\d{{4}}(?:(?P=a)|\n)\d{{4}}(?:(?P=a)|\n)\d{{4}}(?:[ .-]\d{{2,3}})?"
    rf"|(?<=3)[47]\d\d{_BETWEEN.format('b')}\d{{6}}(?:(?P=b)|\n)\d{{5}}"
    rf"|(?<=3)[0689]\d\d{_BETWEEN.format('c')}\d{{6}}(?:(?P=c)|\n)\d{{4}}"
    r"|(?:(?<=5)[06-8]|(?<=6)\d)\d{2} \d{4} \d{5}|(?<=6)2\d{4} \d{13}"
    r")(?![A-Za-z0-9_]|[.,-]\d)"
)
_ISSUERS: Final = re.compile(
    r"4|5[0-8]|2(?:2[2-9]|[3-6]|7[01]|720|20[0-4])|3[47]|3(?:0[0-5]|095|[689])|35(?:2[89]|[3-8])|6|81|82|9792"
)
_LONGEST_CARD: Final = 48  # with its gaps and what stands around it
_FILLER: Final = "\0"


def ibans(folded: Folded) -> Spans:
    """Accounts of the length of their country whose check digits are right."""
    for match in folded.matches(_IBAN_START):
        length = _IBAN_LENGTHS.get(match[0][:2].lower())
        found = _signs(length - 4).match(folded.lower, match.end()) if length else None
        if found and _has_check_digits((match[0] + found[0]).lower()):
            yield match.start(), found.end()


@lru_cache(maxsize=64)
def _signs(count: int) -> re.Pattern[str]:
    return re.compile(rf"(?:[ .\n-]{{0,2}}[a-z0-9]){{{count}}}(?![a-z0-9_])")


def _has_check_digits(written: str) -> bool:
    signs = re.sub(r"[^a-z0-9]", "", written)
    return int("".join(str(int(sign, 36)) for sign in signs[4:] + signs[:4])) % 97 == 1


def cards(folded: Folded) -> Spans:
    """Card numbers as they are grouped, of a known issuer, with the check digit."""
    reached = 0  # where the row ends of which a card is already known
    for match in folded.matches(_CARD):
        if _is_card(match[0]):
            yield match.span()
            if match.end() > reached:
                for start, reached in _cards_after(folded, match.end()):
                    yield start, reached


def _cards_after(folded: Folded, end: int) -> Spans:
    """Cards in a row: a digit before one does not speak against it where it ends a card."""
    while (match := _CARD.match(_FILLER + folded.text[end : end + _LONGEST_CARD], 2)) and _is_card(match[0]):
        yield end + 1, end - 1 + match.end()
        end += match.end() - 1


def _is_card(written: str) -> bool:
    digits = re.sub(r"\D", "", written)
    return bool(_ISSUERS.match(digits) and len(set(digits)) > 1 and luhn.is_valid(digits))
