"""What only the words around it make personal: dates of birth, street addresses, names people give as theirs."""

import re
from typing import Final

from arena.privacy.folding import Folded
from arena.privacy.kinds import Spans
from arena.privacy.vocabulary import announcements

_YEAR: Final = r"(?:19|20)\d\d"
_DATE: Final = re.compile(
    rf"(?<!\d)(?:{_YEAR} ?[年년./-] ?\d{{1,2}} ?[月월./-] ?\d{{1,2}}(?: ?[日일])?(?!\d)"
    rf"|\d{{1,2}} ?[./-] ?\d{{1,2}} ?[./-] ?(?:{_YEAR}|\d\d)(?!\d)"
    rf"|\d{{1,2}}(?:\.|st|nd|rd|th|º|er)? (?:de |of )?[^\W\d_][^\s\d,]{{1,14}},? (?:de )?{_YEAR}(?: года| г\.|(?!\d))"
    rf"|[^\W\d_]{{3,12}}\.? \d{{1,2}}(?:st|nd|rd|th)?,? {_YEAR}(?!\d))"
)
_BORN_BEFORE: Final = 24
_BORN_AFTER: Final = 12

_CAPITAL: Final = r"[A-ZÀ-ÖØ-ÞĀ-ŽА-ЯЁІЇЄ]"
_WORD: Final = r"[^\W\d_][^\W\d_]{0,24}"
_PROPER: Final = rf"{_CAPITAL}\w{{0,24}}(?:['’.-]\w{{1,24}}){{0,3}}"
_HOUSE: Final = r"\d{1,5}(?:[-/]\d{1,4}| ?[a-zA-Z](?!\w))?(?![\w]|[.,]\d)"
_STREETS: Final = (
    # English: number, name, kind of street
    rf"(?<![\w.,/-])\d{{1,5}}[A-Z]? (?:{_PROPER} ){{1,3}}(?:Street|St\.?|Avenue|Ave\.?|Road|Rd\.?|Lane|Ln\.?|Drive|Dr\.?"
    r"|Boulevard|Blvd\.?|Court|Ct\.?|Terrace|Crescent|Close|Way|Square|Parkway|Highway)(?!\w)"
    r"(?:, (?:Apt|Apartment|Flat|Unit|Suite)\.? \w{1,5})?",
    # German, Dutch: one word for street and name, or name and word, then the number
    rf"(?<!\w){_CAPITAL}[\w.-]{{0,30}}?(?:straße|strasse|str\.|weg|platz|allee|gasse|ring|ufer|damm|markt|straat|laan|plein"
    rf"|gracht|kade|dijk|singel|steeg) {_HOUSE}",
    rf"(?<!\w)(?:{_PROPER}[ -]){{0,3}}(?:Straße|Strasse|Str\.|Weg|Platz|Allee|Markt|Ring) {_HOUSE}",
    # French: number, kind, name
    rf"(?<![\w.,/-])\d{{1,4}}(?: ?(?:bis|ter))?,? (?:rue|avenue|boulevard|bd|chemin|impasse|allée|place|quai|cours)"
    rf" (?:(?:de|des|du|la|le|les) |[dl]['’]){{0,2}}{_PROPER}(?:[ -]{_PROPER}){{0,3}}",
    # Spanish, Italian, Portuguese: kind, name, number
    r"(?<!\w)(?:[Cc]alle|C/|[Aa]venida|[Aa]vda\.?|[Aa]v\.|[Pp]laza|[Pp]aseo|[Vv]ia|[Vv]iale|[Pp]iazza|[Cc]orso|[Ll]argo"
    rf"|[Vv]icolo|[Rr]ua|[Tt]ravessa|[Pp]raça|[Aa]lameda) (?:\w{{1,24}}[ .]){{0,5}}?\w{{1,24}},? (?:n\.?[ºo°]\.? ?)?{_HOUSE}"
    r"(?:, (?:apto\.?|ap\.?|bloco|andar|piso|int\.|scala|puerta|\d{1,2}[ºª]) ?\w{1,4}(?!\w))?",
    # Polish, Russian
    rf"(?<!\w)(?:[Uu]l\.|[Uu]lic[aęy]|[Aa]l\.|[Aa]lej[aei]|[Oo]s\.|[Pp]l\.) (?:\w{{1,24}} ){{1,3}}{_HOUSE}",
    r"(?<!\w)(?:[Уу]л\.|[Уу]лиц[аеы]|[Пп]роспект|[Пп]р-т|[Пп]ер\.|[Пп]ереул\w{1,3}|[Шш]оссе|[Бб]ульвар|[Нн]аб\.)"
    rf" (?:\w{{1,24}} ){{0,2}}\w{{1,24}},? ?(?:д\.|дом)? ?{_HOUSE}(?:,? ?(?:кв\.|квартира|корп\.) ?\d{{1,4}})?",
    # Turkish
    r"(?<!\w)(?:\w{1,20} ){1,3}(?:Sokak|Sokağı|Sok\.|Sk\.|Caddesi|Cad\.|Cd\.|Bulvarı|Mahallesi|Mah\.)"
    r"(?: (?:\w{1,20} ){0,3}(?:Sokak|Sokağı|Sok\.|Caddesi|Cad\.))?,? ?(?:No ?[.:]? ?)?\d{1,4}(?: Daire:? ?\d{1,3})?(?!\w)",
    # Chinese, Japanese, Korean
    r"[\u4e00-\u9fff]{2,18}(?:路|街|道|巷|弄|大街|胡同)\d{1,5}(?:号|號|弄)(?:\d{1,4}(?:楼|室|单元|栋|号))?",
    r"[\u3040-\u30ff\u4e00-\u9fff]{2,20}(?:[都道府県市区町村])[\u3040-\u30ff\u4e00-\u9fff]{1,12}\d{1,3}"
    r"(?:丁目(?:\d{1,3}番(?:地|\d{1,3}号)?)?(?:\d{1,3}号)?|-\d{1,3}(?:-\d{1,3})?)",
    r"(?:[가-힣]{1,8}[시도구군] ){0,3}[가-힣]{1,12}(?:대로|로|길) \d{1,4}(?:길|번길)?(?:-\d{1,3})?(?: \d{1,4})?(?!\d)",
    # Arabic, Hindi
    r"(?<!\w)(?:حي \w{1,20}[،,] ?)?شارع (?:\w{1,20}[ ،,]{1,2}){0,3}(?:رقم )?\d{1,4}(?!\d)(?:[،,] ?(?:مبنى|عمارة|شقة) \d{1,4})?",
    rf"(?:मकान|फ्लैट|प्लॉट) (?:नंबर|नं\.?|संख्या) {_HOUSE}(?:, (?:[\u0900-\u097f]{{2,15}} ?){{1,2}}\d{{0,4}})?|(?<![\w.,])\d{{1,4}}, (?:\S{{1,20}} ){{1,3}}(?:मार्ग|रोड|गली)",
)
_STREET: Final = tuple(re.compile(street) for street in _STREETS)
_HAS_DIGIT: Final = re.compile(r"\d")

_GIVEN: Final = (
    rf"(?P<name>{_PROPER}(?:[ ](?:(?:van|von|de|der|den|da|di|del|la|bin|al)[ ]){{0,2}}{_PROPER}){{0,3}})"
)
_NAMES: Final = (
    rf"(?<!\w)(?:[Mm]y (?:full )?name is|[Mm]y name['’]s|[Mm]ein Name ist|[Ii]ch heiße|[Jj]e m['’]appelle|[Mm]on nom est"
    rf"|[Mm]e llamo|[Mm]i nombre es|[Mm]i chiamo|[Ii]l mio nome è|(?:[Oo] )?[Mm]eu nome é|[Ee]u me chamo|[Cc]hamo-me"
    rf"|[Mm]ijn naam is|[Ii]k heet|[Nn]azywam się|[Mm]am na imię|[Mm]oje imię to|[Mm]enim adım|[Bb]enim adım|[Aa]dım"
    rf"|[İIi]smim|[Мм]еня зовут|[Мм]о[её] имя|[Мм]ене звати|[Jj]ag heter|[Jj]eg hedder|[Nn]imeni on) {_GIVEN}",
    r"(?:我叫做?|我的名字(?:是|叫)|我姓名是)(?P<name>(?!什么|谁|你)[\u4e00-\u9fff]{2,4}?)(?=[，。,.！!、\s]|$)",
    r"(?:私|僕|俺)の名前は(?P<name>[\u3040-\u30ff\u4e00-\u9fff]{2,12}?)(?=です|と|。|、)"
    r"|(?<![\u3040-\u30ff\u4e00-\u9fff])(?P<name2>[\u30a0-\u30ff\u4e00-\u9fff]{2,10})と申します",
    r"(?:제|내) 이름은 (?P<name>[가-힣]{2,5}?)(?=입니다|이에요|예요|이고|이야|야|[.,]|$)"
    r"|저는 (?P<name2>[가-힣]{2,5}?)(?:이?라고) 합니다",
    r"(?<!\w)(?:أنا )?(?:اسمي|إسمي)(?: هو)? (?P<name>(?!هو|و)[\u0621-\u064a]{2,15}(?: (?!و)[\u0621-\u064a]{2,15})?)",
    r"मेरा नाम (?P<name>(?!क्या)[\u0900-\u097f]{2,20}(?: [\u0900-\u097f]{3,20})?) है",
)
_NAME: Final = tuple(re.compile(name) for name in _NAMES)
_NAMES_OF_MODELS: Final = re.compile(
    r"(?:claude|chatgpt|gpt|gemini|bard|llama|mistral|mixtral|qwen|copilot|alexa|siri|assistant|deepseek|grok|vicuna|alpaca"
    r"|open ?assistant|bing|sydney|phi|falcon|gemma|command|nova)\b",
    re.IGNORECASE,
)


def birth_dates(folded: Folded) -> Spans:
    """Dates next to words that say somebody present was born then."""
    before, after = announcements("birth", folded.lower), announcements("born-after", folded.lower)
    if not (before or after):
        return
    for match in _DATE.finditer(folded.text):
        start, end = match.span()
        if before.before(start, within=_BORN_BEFORE) or after.after(end, within=_BORN_AFTER):
            yield start, end


def addresses(folded: Folded) -> Spans:
    """Streets with a house number."""
    if _HAS_DIGIT.search(folded.text):
        for pattern in _STREET:
            yield from (match.span() for match in pattern.finditer(folded.text))


def names(folded: Folded) -> Spans:
    """Names after words of introduction; models that introduce themselves keep theirs."""
    for pattern in _NAME:
        for match in pattern.finditer(folded.text):
            group = "name" if match["name"] else "name2"
            if not _NAMES_OF_MODELS.match(match[group]):
                yield match.span(group)
