"""Which texts are worth a look, and for what: automata (RE2, through Arrow) that see signs of personal data."""

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Final

import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.compute as pc  # type: ignore[import-untyped]

from arena.privacy.folding import ANNOUNCED
from arena.privacy.vocabulary import words

# Detectors see only texts with a sign of their topic. Small and large letters are alike but in (?-i:…). What would make
# an automaton large is left out: long bounded repetitions, whole Unicode classes.
_DIGIT: Final = "[0-9٠-٩۰-۹०-९০-৯๐-๙０-９]"
_SPACE: Final = (
    r"[\s\x{a0}\x{1680}\x{180e}\x{2000}-\x{200f}\x{202a}-\x{202f}\x{205f}-\x{2069}\x{3000}\x{feff}]"
)
_BETWEEN: Final = (
    r"[\s\x{a0}\x{ad}\x{2000}-\x{2015}\x{202a}-\x{202f}\x{2060}-\x{2069}\x{2212}\x{3000}./()（）．／－-]{0,3}"
)
_SIGNS: Final[Mapping[str, tuple[str, ...]]] = {
    "at": (
        rf"[^\s@][@＠][^\s@]|{_SPACE}[@＠]{_SPACE}|[\[({{<（［｛＜]{_SPACE}?[@＠]|%40|&#0?64;|&#x0?40;|&commat;",
        r"[\[({<（［] ?(?:at|ät|arroba|arobase|chiocciola|собака|kukac) ?[\])}>）］]",
        r" at [^ \n]+ (?:dot|punkt) | arroba [^ \n]+ (?:punto|ponto|punt) | arobase [^ \n]+ point ",
        r" chiocciola [^ \n]+ punto | собака [^ \n]+ точка | małpa [^ \n]+ kropka | apenstaartje [^ \n]+ punt ",
    ),
    "digits": (
        rf"{_DIGIT}(?:{_BETWEEN}{_DIGIT}){{6}}|[a-z]{{2}} ?[0-9]{{2}} ?[0-9]{{2}} ?[0-9]{{2}} ?[a-d]",
        rf"[a-z]\s?{_DIGIT}{_DIGIT}[a-z]{_DIGIT}{_DIGIT}|[a-z]{_DIGIT}{_DIGIT}{_DIGIT}{_DIGIT}(?:[a-z]|{_DIGIT}{_DIGIT}[hmx])",
    ),
    "network": (
        r"[0-9][.．][0-9]{1,3}[.．][0-9]{1,3}[.．][0-9]",
        r"[23][0-9a-f]{3}:[0-9a-f]{0,4}:",
        r"[0-9a-f]{2}[:-][0-9a-f]{2}[:-][0-9a-f]{2}[:-]|[0-9a-f]{4}[.][0-9a-f]{4}[.][0-9a-f]{4}",
    ),
    "secret": (
        r"(?-i:sk-|gh[pousr]_|_pat_|gl(?:pat|dt|rt|ptt)-|AKIA|ASIA|AIza|ya29|GOCSPX|xox|xapp|_live_|_test_|whsec|hf_|npm_|pypi-"
        r"|SG\.|do[opr]_v1_|shp(?:at|ca|pa|ss)_|gsk_|r8_|xai-|:AA|eyJ|PRIVATE KEY)",
        r"bearer |authorization:|x-api-key",
        r"(?:key|secret|token)[\"']? ?[:=]",
    ),
    "birth": (r"geboren|doğdum|tarihinde doğ|doğumluyum|生まれ|태어|생입니다|出生|生人|को हुआ|जन्म",),
    "address": (
        r"(?-i: (?:Street|St|Ave|Avenue|Road|Rd|Lane|Ln|Drive|Dr|Boulevard|Blvd|Court|Ct|Terrace|Crescent|Close|Way|Square"
        r"|Parkway|Highway)\b)",
        rf"(?:stra(?:ß|ss)e|str\.|weg|platz|allee|gasse|ring|ufer|damm|markt|straat|laan|plein|gracht|kade|dijk|singel|steeg) {_DIGIT}",
        rf"{_DIGIT}(?: ?(?:bis|ter))?,? (?:rue|avenue|boulevard|bd|chemin|impasse|allée|place|quai|cours) ",
        r"(?-i:[Cc]alle|C/|[Aa]venida|[Aa]vda\.?|[Aa]v\.|[Pp]laza|[Pp]aseo|[Vv]iale|[Pp]iazza|[Cc]orso|[Ll]argo|[Vv]icolo|[Rr]ua"
        r"|[Tt]ravessa|[Pp]raça|[Aa]lameda) ",
        r"(?-i:\b[Vv]ia [A-ZÀ-Ý])",
        r"(?:^|[^a-z0-9_])(?:ul\.|ulic[aęy]|al\.|alej[aei]|os\.|pl\.) |ул\. |улиц|проспект|пр-т|пер\. |переул|шоссе|бульвар|наб\. ",
        rf"(?-i:{_SPACE}(?:Sok\.|Soka[kğ]|Sk\.|Cad(?:desi|\.)|Cd\.|Bulvarı|Mah(?:\.|allesi)))",
        rf"(?:路|街|道|巷|弄|胡同|丁目){_DIGIT}|{_DIGIT}丁目|[ぁ-ヿ一-鿿]{_DIGIT}{{1,3}}-{_DIGIT}|(?:로|길) {_DIGIT}",
        r"شارع|मकान|फ्लैट|प्लॉट|मार्ग|रोड|गली",
    ),
    "name": (
        r"my (?:full )?name(?: is|['’]s)|mein name ist|ich heiße|je m['’]appelle|mon nom est|me llamo|mi nombre es|mi chiamo"
        r"|il mio nome è|meu nome é|me chamo|chamo-me|mijn naam is|ik heet|nazywam się|mam na imię|moje imię to|ad[ıi]m|ismim"
        r"|меня зовут|мо[её] имя|мене звати|jag heter|jeg hedder|nimeni on|我叫|我的名字|我姓名|の名前は|と申します|이름은|라고 합니다"
        r"|اسمي|إسمي|मेरा नाम",
    ),
}
# Of texts with digits, folded: how a number may begin that no word near it needs to announce.
_START: Final = "(?:^|[^a-z0-9_.,]|(?:^|[^0-9])[.,])"
_GAP: Final = r"[ ./()\n-]{0,3}"
_FORMS: Final = (
    rf"(?:[+]|{_START}[(]?00 ?)[1-9](?:{_GAP}[0-9]){{6}}",
    rf"{_START}[(]?0(?:[ ./()-]{{0,6}}[0-9]){{8}}",
    rf"[(][1-9][0-9]{{1,2}}[)] ?[0-9]{{3}}|{_START}[2-9][0-9]{{2}}[ .-][2-9][0-9]{{2}}[ .-][0-9]{{4}}",
    rf"{_START}(?:1[3-9][0-9][ -]?[0-9]{{4}}[ -]?[0-9]{{4}}|[6-9][0-9]{{4}}[ -][0-9]{{5}}|[1-9][0-9] 9[0-9]{{4}}-)",
    rf"{_START}8[ -]?[(]?[3489][0-9]{{2}}[)]?[ -]?[0-9]{{3}}[ -]?[0-9]{{2}}[ -]?[0-9]{{2}}",
    rf"{_START}[1-9][0-9]{{1,2}}[ -][0-9]{{2,3}}[ -][0-9]{{2}}[ -]?[0-9]{{2}}|{_START}[4-8][0-9]{{2}}-[0-9]{{3}}-[0-9]{{3}}",
    rf"{_START}3[2-9][0-9][ ./-][0-9]{{3}}[ .-]?[0-9]{{3}}",
    r"(?:^|[^a-z0-9_])[a-z]{2} ?[0-9] ?[0-9](?:[ .\n-]{0,2}[a-z0-9]){11}",
    rf"{_START}[2-9][0-9]{{3}}(?:{_GAP}[0-9]{{4}}{_GAP}[0-9]{{4}}|{_GAP}[0-9]{{6}}|[0-9]{{2}} [0-9]{{13}})",
    rf"{_START}(?:[0-9]{{8}}[ -]?[a-z]|[1-9][0-9]{{5}} ?(?:19|20)[0-9]{{2}}|[0-9]{{6,8}} ?[a-y/+-] ?[0-9]|784-?[12])",
    rf"{_START}(?:[0-9]{{1,3}}[.][0-9]{{3}}[.][0-9]{{3}}-?[a-z0-9]|[0-9]{{1,2}}[.][0-9]{{3}}[.][0-9]{{3}} [a-z]|756[.][0-9])",
    rf"{_START}(?:[0-9]{{2}}[.][0-9]{{2}}[.][0-9]{{2}}-|[0-9]{{4}}[ -][0-9]{{4}}[ -][0-9]{{4}}|[0-9]{{3}}-[0-9]{{2,3}}-[0-9])",
    rf"{_START}[12] ?[0-9]{{2}} ?[0-9]{{2}} ?[0-9][0-9ab] ?[0-9]{{3}} ?[0-9]{{3}}",
    r"[a-z]{5,6} ?[0-9]{2}[a-z0-9][0-9]|[a-z]{4}[0-9]{6}[hmx]|[xyz][ -]?[0-9]{7}|[a-z]{2} [0-9]{2} [0-9]{2} [0-9]{2} [a-d]",
)


def candidates(texts: pa.Array) -> pa.Array:
    """A boolean for every text: false where no detector can find anything; null for null."""
    return pc.match_substring_regex(texts, _pattern(*_SIGNS))


def topics(texts: pa.Array) -> list[frozenset[str]]:
    """The topics of which each text has a sign."""
    return _seen(texts, _SIGNS)


def announced(texts: pa.Array) -> list[frozenset[str]]:
    """The topics of which each text, folded and in small letters, may have words."""
    return _seen(texts, ANNOUNCED)


def with_forms(texts: pa.Array) -> list[bool]:
    """Whether folded texts have numbers that may be known by their form alone."""
    pattern = "(?i)" + "|".join(f"(?:{form})" for form in _FORMS)
    return pc.match_substring_regex(texts, pattern).to_pylist()  # type: ignore[no-any-return]


def _seen(texts: pa.Array, topics: Iterable[str]) -> list[frozenset[str]]:
    seen: list[set[str]] = [set() for _ in range(len(texts))]
    for topic in topics:
        for place in pc.indices_nonzero(pc.match_substring_regex(texts, _pattern(topic))).to_pylist():
            seen[place].add(topic)
    return [frozenset(each) for each in seen]


@lru_cache(maxsize=16)
def _pattern(*topics: str) -> str:
    signs = [sign for topic in topics for sign in (*_SIGNS.get(topic, ()), *_words(topic))]
    return "(?i)" + "|".join(f"(?:{sign})" for sign in signs)


def _words(topic: str) -> Iterator[str]:
    """Words are signs of some topics: not within others ("ur." in "bonheur."), as far as Latin letters tell."""
    by_edges: dict[tuple[str, str], list[str]] = {}
    for word in words(topic) if topic in {"birth", *ANNOUNCED} else ():
        before = "(?:^|[^a-z])" if word[0].isascii() else ""
        after = "(?:[^a-z]|$)" if word[-1].isascii() and not word.endswith("*") else ""
        by_edges.setdefault((before, after), []).append(re.escape(word.rstrip("*")))
    for (before, after), alike in by_edges.items():
        yield f"{before}(?:{'|'.join(alike)}){after}"
