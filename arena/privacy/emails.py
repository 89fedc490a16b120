"""E-mail addresses, plain or with their signs in words, and what stands before the @ of web addresses."""

import re
from typing import Final

from arena.privacy.folding import Folded
from arena.privacy.kinds import Spans
from arena.privacy.vocabulary import words

# Letters of scripts that write without spaces would draw the words around an address into it.
_LETTER: Final = r"[^\W\d_\u0e00-\u0eff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]"
_LOCAL: Final = rf"(?:[0-9_]|{_LETTER})(?:[0-9_.+%'-]|{_LETTER}){{0,63}}"
_LABEL: Final = rf"(?:[0-9]|{_LETTER})(?:[0-9-]|{_LETTER}){{0,62}}"
_START: Final = rf"(?<![0-9_.+%'-])(?<!{_LETTER})"
_ESCAPED_AT: Final = r"(?:%40|&#0?64;|&#x0?40;|&commat;|\\{1,2}@)"  # in web addresses, HTML, Markdown
_PLAIN, _ESCAPED = (
    re.compile(rf"{start}(?P<local>{_LOCAL}){at}(?P<domain>(?:{_LABEL}\.){{1,6}}(?:{_LETTER}){{2,24}})")
    for start, at in ((_START, "@"), (rf"(?:{_START}|(?<=%[0-9a-f][0-9a-f]))", _ESCAPED_AT))
)
_HAS_ESCAPED_AT: Final = re.compile(_ESCAPED_AT)
_AT: Final = r"(?: ?[\[({<] ?(?:at|ät|@|arroba|arobase|chiocciola|собака|kukac) ?[\])}>] ?| @ )"
_LOGIN_BEFORE: Final = re.compile(r"://[^\s/@]{0,100}:$")  # the password of a web address, not a name
_MULTIPLIED: Final = re.compile(r" @ (?:self\.|(?:.*[^a-z])?[a-z]{2}$)")  # matrices, in Python
_HAS_AT: Final = re.compile(_AT)
_DOT: Final = r"(?: ?[\[({<] ?(?:dot|punkt|punto|point|ponto|точка|kropka|\.) ?[\])}>] ?|\.| \. )"
_WORDS: Final = (  # for the @ and for the point, by language
    ("at", "dot|punkt"), ("arroba", "punto|ponto|punt"), ("arobase", "point"), ("chiocciola", "punto"),
    ("собака", "точка"), ("małpa", "kropka"), ("apenstaartje", "punt"),
)  # fmt: skip
_DOT_WORD: Final = r" (?:dot|punkt|punto|point|ponto|точка|kropka|punt) "
_SPELLED_LOCAL: Final = rf"[a-z0-9][a-z0-9_+-]{{0,63}}(?:(?:\.| dot |{_DOT})[a-z0-9_+-]{{1,63}}){{0,2}}"
_BRACKETED: Final = re.compile(
    rf"(?<![a-z0-9_.+-]){_SPELLED_LOCAL}{_AT}[a-z0-9-]{{1,63}}(?:(?:{_DOT}|{_DOT_WORD})[a-z0-9-]{{2,63}}){{1,4}}"
)
_SPELLED: Final = tuple(
    re.compile(
        r"(?<![a-z0-9_.+-])(?P<local>[a-z0-9][a-z0-9_.+-]{0,63})"
        rf" {at} [a-z0-9-]{{1,63}}(?: (?:{dot}) [a-z0-9-]{{2,63}}){{1,3}}"
    )
    for at, dot in _WORDS
)
_WORDS_BEFORE_AT: Final = frozenset(words("before-at"))
_TOP_LEVELS: Final = frozenset(words("top-levels"))


def emails(folded: Folded) -> Spans:
    """Addresses of a known top-level domain, or of a country's."""
    yield from _written(folded.lower)
    if folded.unseen:
        unseen = {*folded.unseen}
        places = [place for place in range(len(folded.lower)) if place not in unseen]
        for start, end in _written("".join([folded.lower[place] for place in places])):
            yield places[start], places[end - 1] + 1
    yield from _spelled(folded.lower)


def _written(lower: str) -> Spans:
    patterns = [_PLAIN] if "@" in lower else []
    for pattern in [*patterns, _ESCAPED] if _HAS_ESCAPED_AT.search(lower) else patterns:
        for match in pattern.finditer(lower):
            in_address = _LOGIN_BEFORE.search(lower, max(0, match.start() - 120), match.start())
            if _is_domain(match["domain"]) and match["local"] != "git" and not in_address:
                yield match.span()


def _is_domain(domain: str) -> bool:
    top = domain.rpartition(".")[2]
    return len(top) == 2 or top in _TOP_LEVELS or not top.isascii()


def _spelled(lower: str) -> Spans:
    if _HAS_AT.search(lower):
        for match in _BRACKETED.finditer(lower):
            if _is_domain(_last_word(match[0])) and not _MULTIPLIED.search(match[0]):
                yield match.span()
    for (at, _), pattern in zip(_WORDS, _SPELLED, strict=True):
        if f" {at} " in lower:
            for match in pattern.finditer(lower):
                if match["local"] not in _WORDS_BEFORE_AT and _is_domain(_last_word(match[0])):
                    yield match.span()


def _last_word(spelled: str) -> str:
    return "." + re.split(r"[^a-z0-9-]", spelled)[-1]
