"""Does an answer say who gave it? Such a battle stays the voter's, but its vote is not counted.

Names are found first; only the words around a name are then read, so an answer without names costs one scan.
"""

import re
import unicodedata
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice

from arena import identity_words as words
from arena.identity_languages import LANGUAGES, Language

# Each name is read as one sign, so that a grammar need not know the names.
MODEL, ORDINARY, MAKER, OWN = "\ue000", "\ue001", "\ue002", "\ue003"
SIGNS = f"[{MODEL}{ORDINARY}{MAKER}{OWN}]"
SURE_SIGNS = f"[{MODEL}{MAKER}{OWN}]"

REACH, AFTER, NEARBY = 140, 80, 220
"""Characters: from an opening to its name, read after the name, searched around it for talk of machines."""
NAMES_TRIED = 3
"""An opening that does not lead to one of the next few names leads to none."""

LETTER = "0-9a-zß-öø-ɏа-яёіїєґ"
VERSION = (
    r"(?:[-_ ]?[vrk]?\d+(?:[.\d]*\d)?[a-z]{0,2}(?![a-z]))"
    r"(?:[-_ ](?:sonnet|opus|haiku|pro|flash|ultra|mini|nano|turbo|instruct|chat|large|"
    r"small|medium|max|plus|lite|\d+b))*"
)
NAMES = re.compile(
    rf"(?<![{LETTER}])(?:(?P<model>{words.MODELS})|(?P<maker>{words.MAKERS})|(?P<ordinary>{words.ORDINARY_MODELS}))"
    rf"(?P<version>{VERSION})?(?=(?:n|in|s|ом|а)?(?![{LETTER}]))".replace(" ?", "[-_ ]?")
)
PLAIN = str.maketrans(
    dict.fromkeys("’‘ʼ`", "'")
    | dict.fromkeys("“”„«»", '"')
    | dict.fromkeys("_\t\u00a0", " ")
    | dict.fromkeys("*\u200b\ufeff\u2060\u0307" + MODEL + ORDINARY + MAKER + OWN, "")
)
CODE = re.compile(r"```.*?(?:```|\Z)", re.DOTALL)
QUOTED_NAME = re.compile(rf'["「『《]\s*({SIGNS})\s*["」』》]')
QUOTED = re.compile(
    r"\"[^\"\n]{1,400}\"|「[^」\n]{1,400}」|『[^』\n]{1,400}』|(?<!\w)'(?:[^'\n]|(?<=\w)'(?=\w)){2,400}'(?!\w)|"
    r"^[ ]*[>–—][^\n]*$",
    re.MULTILINE,
)
GAP = r"[\s,，、:：()（）\"'–—\-]"
ASKS_WHO = re.compile(words.ASKS_WHO, re.IGNORECASE)
ASKS_FOR_A_ROLE = re.compile(words.ASKS_FOR_A_ROLE, re.IGNORECASE)
SUPPOSED = re.compile(rf"(?:(?<!\w)(?:{words.SUPPOSED})\s+|(?:如果|假如|假设|要是|もし|만약|说|說))$")
DENIED_AFTER = re.compile(words.DENIED_AFTER)
OTHERS_AFTER = re.compile(words.OTHERS_AFTER)
MACHINE = re.compile(
    rf"{words.MACHINE_WORDS}|{words.OFFERS}|{SURE_SIGNS}|(?<![a-z])(?:{'|'.join(x.kinds for x in LANGUAGES)})(?![a-z])"
)
SURE_NAME = re.compile(SURE_SIGNS)
ANY_NAME = re.compile(SIGNS)
SENTENCE = re.compile(r"[^.!?。！？।\n]++")


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


def compile_grammar(language: Language) -> Grammar:
    """Read a language's word lists as patterns; a gap is the text between an opening and a name."""
    start, end = (r"(?<![\w'])", r"(?![\w'])") if language.spaced else ("", "")
    known = rf"{start}(?:{language.filler}|{language.kinds}|{language.joins}){end}"
    plain = rf"(?>{GAP}|{SIGNS}|{known})"
    if language.spaced:
        other_words = rf"(?:(?>{start}(?!(?:{language.stops}){end})[^\W\d_][\w'-]*+{GAP}++))"
        few, more = rf"{other_words}{{0,4}}?", rf"{other_words}{{0,5}}?"
    else:
        other_signs = rf"(?:(?!{language.stops})[^.!?。！？,，、\n])"
        few, more = rf"{other_signs}{{0,24}}?", rf"{other_signs}{{0,40}}?"
    kind, join = rf"{start}(?:{language.kinds}){end}", rf"{start}(?:{language.joins}){end}"
    return Grammar(
        openings=re.compile(
            rf"{start}(?:(?P<made>{language.made})|(?P<named>{language.named})|(?P<role>{language.roles})){end}"
        ),
        plain_gap=re.compile(rf"{plain}*+"),
        described_gap=re.compile(rf"{GAP}*+{few}{kind}{plain}{{0,16}}?{more}{join}{plain}*+"),
        maker_gap=re.compile(rf"(?:{GAP}|{SIGNS})*+{more}(?:{SIGNS}|{GAP})*+"),
        made_after=re.compile(language.made_after),
        model_after=re.compile(language.model_after),
        first_person=re.compile(language.first_person),
    )


GRAMMARS = tuple(compile_grammar(language) for language in LANGUAGES)
CLOSINGS = re.compile(rf"{SIGNS}(?:{'|'.join(language.closes for language in LANGUAGES)})")


def reveals_identity(answer: str, *, own_names: Iterable[str], prompt: str) -> str | None:
    """The rule by which an answer tells who gave it, or None.

    `own_name`: the answer holds a name of the model that wrote it, which the voter had not brought up.
    `introduction`: the writer names itself or its maker, in any of the languages of `identity_words`.
    """
    text, asked = _plain(answer), _plain(prompt)
    own = tuple(own_names)
    telling = _pattern_of(tuple(name for name in own if _tells_by_itself(name)))
    if not _names_in(text, telling) <= _names_in(asked, telling):
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
    parts = [part for part in re.split(r"[-\s:]+", _plain(name).strip().rsplit("/", 1)[-1]) if part]
    return r"[-\s:]*".join(re.escape(part) for part in parts)


def _introduces_itself(text: str, asked: str, own: re.Pattern[str]) -> bool:
    role = ASKS_FOR_A_ROLE.search(asked) is not None
    spared = _names_in(asked, own, NAMES) if role else frozenset()
    marked = _without_quotations(_mark_names(CODE.sub(" ", text), own, spared))
    if not ANY_NAME.search(marked):
        return False
    voter_words = _words_of(_mark_names(asked, own, frozenset()))
    name_ends = [end for found, end in _introductions(marked) if _words_of(found) not in voter_words]
    if not name_ends or any(marked[end - 1] != ORDINARY for end in name_ends):
        return bool(name_ends)
    if not role and ASKS_WHO.search(asked):
        return True
    machines = [found.start() for found in (SURE_NAME if role else MACHINE).finditer(marked)]
    return any(_is_near(machines, end) for end in name_ends)


def _names_in(text: str, *patterns: re.Pattern[str]) -> frozenset[str]:
    return frozenset(_compact(found.group()) for pattern in patterns for found in pattern.finditer(text))


def _compact(name: str) -> str:
    """One key for all spellings of a name: "Llama 3.1 8B" and `llama-3.1-8b` are the same."""
    return re.sub(r"[-\s:]+", "", name)


def _mark_names(text: str, own: re.Pattern[str], spared: frozenset[str]) -> str:
    def sign_of(found: re.Match[str]) -> str:
        if _compact(found.group()) in spared:
            return found.group()
        if found["maker"]:
            return MAKER
        return MODEL if found["model"] or found["version"] else ORDINARY

    def sign_of_own(found: re.Match[str]) -> str:
        if _compact(found.group()) in spared or NAMES.fullmatch(found.group()):
            return found.group()
        return OWN if _tells_by_itself(found.group()) else ORDINARY

    return NAMES.sub(sign_of, own.sub(sign_of_own, text))


def _without_quotations(marked: str) -> str:
    """What stands in quotation marks is someone else's, unless it is only a name or the whole answer."""
    marked = QUOTED_NAME.sub(r"\1", marked.strip())
    if marked.startswith('"') and marked.endswith('"') and marked.count('"') == 2:
        return marked.strip('"')
    return QUOTED.sub(' "" ', marked)


def _words_of(text: str) -> str:
    return " ".join(re.findall(rf"\w+|{SIGNS}", text))


def _introductions(marked: str) -> Iterator[tuple[str, int]]:
    """Every introduction, from its opening to the name, with the place where the name ends."""
    for closing in CLOSINGS.finditer(marked):
        yield closing.group(), closing.start() + 1
    naming = (sentence for sentence in SENTENCE.finditer(marked) if ANY_NAME.search(sentence.group()))
    for sentence in naming:
        for grammar in GRAMMARS:
            yield from _openings_that_lead_to_names(grammar, marked, sentence)


def _openings_that_lead_to_names(
    grammar: Grammar, marked: str, sentence: re.Match[str]
) -> Iterator[tuple[str, int]]:
    for opening in grammar.openings.finditer(sentence.group()):
        if SUPPOSED.search(opening.string[max(0, opening.start() - 12) : opening.start()]):
            continue
        first = sentence.start() + opening.end()
        reachable = ANY_NAME.finditer(marked, first, min(first + REACH, sentence.end()))
        for sign in islice(reachable, NAMES_TRIED):
            if _leads_to(grammar, opening, sign, gap=marked[first : sign.start()]):
                yield marked[sentence.start() + opening.start() : sign.end()], sign.end()


def _leads_to(grammar: Grammar, opening: re.Match[str], sign: re.Match[str], *, gap: str) -> bool:
    after = sign.string[sign.end() : sign.end() + AFTER]
    if DENIED_AFTER.match(after) or OTHERS_AFTER.match(after):
        return False
    if opening["made"] is not None and grammar.maker_gap.fullmatch(gap):
        return True
    plain = grammar.plain_gap.fullmatch(gap) is not None
    described = grammar.described_gap.fullmatch(gap) is not None
    names_itself = described or (plain and sign.group() != MAKER)
    if opening["role"] is not None:
        return names_itself and grammar.first_person.search(after) is not None
    if plain and grammar.made_after.match(after):
        return True
    return names_itself and (sign.group() == MAKER or grammar.model_after.match(after) is not None)


def _is_near(places: list[int], end: int) -> bool:
    """Whether one of the sorted places lies near the name that ends here."""
    following = bisect_left(places, end - NEARBY)
    return following < len(places) and places[following] < end + NEARBY
