"""Does an answer say who gave it? Such a battle stays the voter's, but its vote is not counted.

Names are found first; only the words around a name are then read, so an answer without names costs one scan.
"""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from arena import identity_words as words

# Each name is read as one sign, so that a grammar need not know the names.
MODEL, ORDINARY, MAKER, OWN = "\ue000", "\ue001", "\ue002", "\ue003"
SIGNS = f"[{MODEL}{ORDINARY}{MAKER}{OWN}]"
SURE_SIGNS = f"[{MODEL}{MAKER}{OWN}]"

BEFORE, AFTER, NEARBY = 140, 80, 220
"""How many characters before and after a name are read for an introduction, and for talk of machines."""

LETTER = "0-9a-zß-öø-ɏа-яёіїєґ"
VERSION = (
    r"(?:[-_ ]?v?\d+(?:[.\d]*\d)?[a-z]{0,2}(?![a-z]))"
    r"(?:[-_ ](?:sonnet|opus|haiku|pro|flash|ultra|mini|nano|turbo|instruct|chat|large|small|medium|max|plus|lite|\d+b))*"
)
NAMES = re.compile(
    rf"(?<![{LETTER}])(?:(?P<model>{words.MODELS})|(?P<maker>{words.MAKERS})|(?P<ordinary>{words.ORDINARY_MODELS}))"
    rf"(?P<version>{VERSION})?(?![{LETTER}])".replace(" ?", "[-_ ]?")
)
PLAIN = str.maketrans(
    dict.fromkeys("’‘ʼ`", "'")
    | dict.fromkeys("“”„«»", '"')
    | dict.fromkeys("_\t\u00a0", " ")
    | dict.fromkeys("*\u200b\ufeff\u2060\u0307", "")
)
CODE = re.compile(r"```.*?(?:```|\Z)", re.DOTALL)
QUOTED_NAME = re.compile(rf'["「『《]\s*({SIGNS})\s*["」』》]')
QUOTED = re.compile(
    r"\"[^\"\n]{1,400}\"|「[^」\n]{1,400}」|『[^』\n]{1,400}』|(?<!\w)'(?:[^'\n]|(?<=\w)'(?=\w)){2,400}'(?!\w)|"
    r"^[ ]*[>–—][^\n]*$",
    re.MULTILINE,
)
GAP = r"[\s,，、:：;()（）\"'–—\-]"
ASKS_WHO = re.compile(words.ASKS_WHO, re.IGNORECASE)
ASKS_FOR_A_ROLE = re.compile(words.ASKS_FOR_A_ROLE, re.IGNORECASE)
SUPPOSED = re.compile(rf"(?:(?<!\w)(?:{words.SUPPOSED})\s+|(?:如果|假如|假设|要是|もし|만약|说|說))$")
DENIED_AFTER = re.compile(words.DENIED_AFTER)
OTHERS_AFTER = re.compile(words.OTHERS_AFTER)
MACHINE = re.compile(
    rf"{words.MACHINE_WORDS}|{words.OFFERS}|{SURE_SIGNS}|(?<![a-z])(?:{'|'.join(x.kinds for x in words.LANGUAGES)})(?![a-z])"
)
SURE_NAME = re.compile(SURE_SIGNS)
ANY_NAME = re.compile(SIGNS)


@dataclass(frozen=True, kw_only=True)
class Grammar:
    """One language's words, compiled."""

    openings: re.Pattern[str]
    plain_gap: re.Pattern[str]
    described_gap: re.Pattern[str]
    maker_gap: re.Pattern[str]
    made_after: re.Pattern[str]
    model_after: re.Pattern[str]
    first_person: re.Pattern[str]


def compile_grammar(language: words.Language) -> Grammar:
    """Read a language's word lists as patterns; a gap is the text between an opening and a name."""
    start, end = (r"(?<![\w'])", r"(?![\w'])") if language.spaced else ("", "")
    known = rf"{start}(?:{language.filler}|{language.kinds}|{language.joins}){end}"
    plain = rf"(?:{GAP}|{SIGNS}|{known})"
    free = rf"{start}(?!(?:{language.stops}){end})[^\W\d_][\w'-]*{GAP}+"
    if not language.spaced:
        free = rf"(?!{language.stops})[^\s.!?。！？，,、\n]{{1,8}}{GAP}?"
    return Grammar(
        openings=re.compile(
            rf"{start}(?:(?P<made>{language.made})|(?P<named>{language.named})|(?P<role>{language.roles})){end}"
        ),
        plain_gap=re.compile(rf"{plain}*+"),
        described_gap=re.compile(
            rf"{GAP}*(?:{free}){{0,4}}?{start}(?:{language.kinds}){end}(?:{GAP}|{SIGNS})*(?:{free}){{0,5}}?"
            rf"{start}(?:{language.joins}){end}{plain}*+"
        ),
        maker_gap=re.compile(rf"(?:{GAP}|{SIGNS})*(?:{free}){{0,6}}(?:{SIGNS}|{GAP})*"),
        made_after=re.compile(language.made_after),
        model_after=re.compile(language.model_after),
        first_person=re.compile(language.first_person),
    )


GRAMMARS = tuple(compile_grammar(language) for language in words.LANGUAGES)


def reveals_identity(answer: str, *, own_names: Iterable[str], prompt: str) -> str | None:
    """The rule by which an answer tells who gave it, or None.

    `own_name`: the answer holds a name of the model that wrote it, which the voter had not brought up.
    `introduction`: the writer names itself or its maker, in any of the languages of `identity_words`.
    """
    text, asked = _plain(answer), _plain(prompt)
    own = tuple(own_names)
    telling = _pattern_of(tuple(name for name in own if _tells_by_itself(name)))
    brought_up = {found.group() for found in telling.finditer(asked)}
    if any(found.group() not in brought_up for found in telling.finditer(text)):
        return "own_name"
    return "introduction" if _introduces_itself(text, asked, _pattern_of(own)) else None


def _plain(text: str) -> str:
    """One spelling of everything: compatibility forms, case, quotation marks, no emphasis."""
    if not text.isascii():
        text = unicodedata.normalize("NFKC", text)
    return text.lower().translate(PLAIN)


def _tells_by_itself(name: str) -> bool:
    """Names that are short, or on everyone's lips, only tell when the answer introduces itself by them."""
    return len(name) >= 4 and _plain(name).strip() not in words.EVERYDAY_NAMES


@lru_cache(maxsize=4096)
def _pattern_of(names: tuple[str, ...]) -> re.Pattern[str]:
    """Whole words, any separators: `llama-3.1-8b` is also written "Llama 3.1 8B"."""
    spellings = sorted({_spelling_of(name) for name in names if name.strip()}, key=len, reverse=True)
    if not spellings:
        return re.compile(r"(?!)")
    return re.compile(rf"(?<![{LETTER}])(?:{'|'.join(spellings)})(?![{LETTER}])")


def _spelling_of(name: str) -> str:
    parts = [part for part in re.split(r"[-\s:/]+", _plain(name).strip()) if part]
    return r"[-\s:/]*".join(re.escape(part) for part in parts)


def _introduces_itself(text: str, asked: str, own: re.Pattern[str]) -> bool:
    role = ASKS_FOR_A_ROLE.search(asked) is not None
    spared = _names_in(asked, own) if role else frozenset()
    marked = _without_quotations(_mark_names(CODE.sub(" ", text), own, spared))
    signs = list(ANY_NAME.finditer(marked))
    if not signs:
        return False
    voter_words = _words_of(_mark_names(asked, own, frozenset()))
    asks_who = not role and ASKS_WHO.search(asked) is not None
    return any(
        opening_words not in voter_words
        and (sign.group() != ORDINARY or asks_who or _among_machines(marked, sign.start(), role))
        for sign in signs
        for opening_words in _introductions_by(marked, sign.start())
    )


def _names_in(text: str, own: re.Pattern[str]) -> frozenset[str]:
    return frozenset(found.group() for pattern in (own, NAMES) for found in pattern.finditer(text))


def _mark_names(text: str, own: re.Pattern[str], spared: frozenset[str]) -> str:
    def sign_of(found: re.Match[str]) -> str:
        if found.group() in spared:
            return found.group()
        if found.lastgroup is None:
            return OWN if _tells_by_itself(found.group()) else found.group()
        if found["maker"]:
            return MAKER
        return MODEL if found["model"] or found["version"] else ORDINARY

    return NAMES.sub(sign_of, own.sub(sign_of, text))


def _without_quotations(marked: str) -> str:
    """What stands in quotation marks is someone else's, unless it is only a name or the whole answer."""
    marked = QUOTED_NAME.sub(r"\1", marked.strip())
    if marked.startswith('"') and marked.endswith('"') and marked.count('"') == 2:
        return marked.strip('"')
    return QUOTED.sub(' "" ', marked)


def _words_of(text: str) -> str:
    return " ".join(re.findall(rf"\w+|{SIGNS}", text))


def _introductions_by(marked: str, at: int) -> Iterable[str]:
    """The words from opening to name of every introduction by the name at this place."""
    before = marked[max(0, at - BEFORE) : at]
    after = marked[at + 1 : at + 1 + AFTER]
    before = before[max(map(before.rfind, "\n.!?。！？।")) + 1 :]
    for grammar in GRAMMARS:
        for opening in grammar.openings.finditer(before):
            if _leads_to(grammar, opening, marked[at], after) and not SUPPOSED.search(
                before[: opening.start()]
            ):
                yield _words_of(before[opening.start() :] + marked[at])


def _leads_to(grammar: Grammar, opening: re.Match[str], sign: str, after: str) -> bool:
    before, gap_start = opening.string, opening.end()
    if DENIED_AFTER.match(after) or OTHERS_AFTER.match(after):
        return False
    if opening["made"] is not None and grammar.maker_gap.fullmatch(before, gap_start):
        return True
    described = grammar.described_gap.fullmatch(before, gap_start) is not None
    if opening["role"] is not None:
        return described and grammar.first_person.search(after) is not None
    plain = grammar.plain_gap.fullmatch(before, gap_start) is not None
    if plain and grammar.made_after.match(after):
        return True
    if sign == MAKER:
        return described
    return (plain or described) and grammar.model_after.match(after) is not None


def _among_machines(marked: str, at: int, role: bool) -> bool:
    nearby = marked[max(0, at - NEARBY) : at] + marked[at + 1 : at + NEARBY]
    return (SURE_NAME if role else MACHINE).search(nearby) is not None
