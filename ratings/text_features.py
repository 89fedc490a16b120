"""Features of style that can be counted in the text of an answer."""

import re
import unicodedata
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd

from ratings.arrays import IntArray
from ratings.errors import InvalidComparisonsError, InvalidOptionError

TEXT_FEATURES = ("tokens", "headers", "lists", "bold", "code_blocks", "emoji")
"""What `text_features` counts."""

# Scripts written without spaces between words: each sign is a token.
_UNSPACED = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af"
    "\U00020000-\U0003ffff"
)
_TOKEN = re.compile(rf"[{_UNSPACED}]|[^\W{_UNSPACED}]+|[^\w\s]")
_ASCII_TOKEN = re.compile(r"\w+|[^\w\s]")  # finds the same in ASCII, several times faster
_JOINERS = "\u200c\u200d"
_FENCED = re.compile(
    r"^[ \t]*(?P<fence>`{3,}(?=[^`\n]*$)|~{3,})[^\n]*$(?:.*?^[ \t]*(?P=fence)[`~]*[ \t]*$|.*)",
    re.MULTILINE | re.DOTALL,
)
_CODE_SPAN = re.compile(r"`[^`\n]*`")
_HEADER = re.compile(r"^ {0,3}#{1,6}(?:[ \t]|$)", re.MULTILINE)
_LIST_ITEM = re.compile(r"^[ \t]*(?!(?:[-*][ \t]*){3,}$)(?:[-*+]|[0-9]{1,9}[.)])[ \t]+[^\s]", re.MULTILINE)
_BOLD = re.compile(
    r"\*\*(?!\s)(?:[^*\n]|\*(?!\*))+(?<!\s)\*\*|(?<!\w)__(?!\s)(?:[^_\n]|_(?!_))+(?<!\s)__(?!\w)"
)
_PICTURE = (
    "[\u231a\u231b\u23e9-\u23ec\u23f0\u23f3\u25fd\u25fe\u2614\u2615\u2648-\u2653\u267f\u2693\u26a1\u26aa\u26ab"
    "\u26bd\u26be\u26c4\u26c5\u26ce\u26d4\u26ea\u26f2\u26f3\u26f5\u26fa\u26fd\u2705\u270a\u270b\u2728\u274c\u274e"
    "\u2753-\u2755\u2757\u2795-\u2797\u27b0\u27bf\u2b1b\u2b1c\u2b50\u2b55\U0001f004\U0001f0cf\U0001f18e"
    "\U0001f191-\U0001f19a\U0001f201\U0001f21a\U0001f22f\U0001f232-\U0001f236\U0001f238-\U0001f23a\U0001f250"
    "\U0001f251\U0001f300-\U0001f64f\U0001f680-\U0001f6ff\U0001f7e0-\U0001f7eb\U0001f7f0\U0001f90c-\U0001f9ff"
    "\U0001fa70-\U0001faff]\ufe0f?[\U0001f3fb-\U0001f3ff]?"
    "|[#*0-9]\ufe0f?\u20e3|[\u00a9\u00ae\u203c-\u3299]\ufe0f[\U0001f3fb-\U0001f3ff]?"
)
_EMOJI = re.compile(f"[\U0001f1e6-\U0001f1ff]{{2}}|(?:{_PICTURE})(?:\u200d(?:{_PICTURE}|[\u2640\u2642]))*")


def count_tokens(text: str) -> int:
    """Count words, signs of scripts without spaces, and punctuation marks.

    Parameters
    ----------
    text : str

    Returns
    -------
    int

    Notes
    -----
    An approximation that needs no vocabulary. Tokenizers of language models split long words further, so theirs
    are more; in the normalised difference of two answers in one language a common factor cancels. Marks, such as
    accents and the vowel signs of Devanagari or Thai, belong to the sign before, and joiners to their word, however
    a text encodes them.

    Examples
    --------
    >>> count_tokens("Hello, world!"), count_tokens("你好 world")
    (4, 3)
    """
    return len(_ASCII_TOKEN.findall(text)) if text.isascii() else _count(_TOKEN, _without_marks(text))


def text_features(text: str, *, tokens: Callable[[str], int] = count_tokens) -> dict[str, int]:
    """Count what makes the style of an answer in Markdown.

    Parameters
    ----------
    text : str
    tokens : callable, default `count_tokens`
        Counts the tokens of a text; pass the tokenizer of your choice.

    Returns
    -------
    dict of str to int
        tokens
            Of the whole text, code included.
        headers
            Lines that begin with one to six ``#`` and a space.
        lists
            Items: lines that begin with ``-``, ``*``, ``+``, or a number and ``.`` or ``)``, at any depth.
        bold
            Passages between ``**`` or ``__`` on one line.
        code_blocks
            Fenced by three or more backticks or tildes; a block that is never closed counts too.
        emoji
            Pictures; a family, a flag or a skin tone makes one together.

        All but tokens are counted outside of code blocks, bold passages also outside of code spans.

    Examples
    --------
    >>> text_features("# Plan\\n\\n1. **Think**\\n2. Write ✅\\n")
    {'tokens': 13, 'headers': 1, 'lists': 2, 'bold': 1, 'code_blocks': 0, 'emoji': 1}
    """
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    prose, blocks = _FENCED.subn("", text)
    return {
        "tokens": tokens(text),
        "headers": _count(_HEADER, prose),
        "lists": _count(_LIST_ITEM, prose),
        "bold": _count(_BOLD, _CODE_SPAN.sub("", prose)),
        "code_blocks": blocks,
        "emoji": 0 if prose.isascii() else _count(_EMOJI, prose),
    }


def add_style_columns(
    battles: pd.DataFrame,
    answers_a: Sequence[str],
    answers_b: Sequence[str],
    *,
    features: Sequence[str] = TEXT_FEATURES,
    tokens: Callable[[str], int] = count_tokens,
) -> pd.DataFrame:
    """Add the columns <feature>_a and <feature>_b that `fit_style_control` reads.

    Parameters
    ----------
    battles : DataFrame, n_rows rows
    answers_a, answers_b : sequence of str, length n_rows
        The Markdown of both answers: lists, arrays or columns, in the order of the rows. A text that occurs
        often is read once.
    features : sequence of str, default all
        Which of `TEXT_FEATURES` to add.
    tokens : callable, default `count_tokens`

    Returns
    -------
    DataFrame
        A copy with int64 columns added, or replaced where they exist.

    Raises
    ------
    InvalidComparisonsError
        If an answer is not a text, or there is not one for each row.
    InvalidOptionError
        If a feature is unknown.

    Examples
    --------
    >>> battles = pd.DataFrame({"model_a": ["x"], "model_b": ["y"], "winner": ["tie"]})
    >>> add_style_columns(battles, ["Yes."], ["**No.**"], features=["tokens", "bold"]).iloc[0, 3:].tolist()
    [2, 6, 0, 1]
    """
    unknown = [name for name in features if name not in TEXT_FEATURES]
    if unknown:
        raise InvalidOptionError(
            f"There is no text feature {unknown[0]!r}: choose of {', '.join(TEXT_FEATURES)}."
        )
    sides = [
        _count_all(answers, name, len(battles), tokens)
        for name, answers in (("answers_a", answers_a), ("answers_b", answers_b))
    ]
    added: dict[str, IntArray] = {
        f"{feature}_{side}": counts[:, TEXT_FEATURES.index(feature)]
        for feature in features
        for side, counts in zip("ab", sides, strict=True)
    }
    return battles.assign(**added)


def _count_all(answers: Sequence[str], name: str, rows: int, tokens: Callable[[str], int]) -> IntArray:
    if len(answers) != rows:
        raise InvalidComparisonsError(
            f"{name} has {len(answers)} texts for {rows} battles: pass one for each row."
        )
    known: dict[Any, list[int]] = {}
    counts = np.zeros((rows, len(TEXT_FEATURES)), dtype=np.int64)
    for row, text in enumerate(answers):
        if not isinstance(text, str):
            raise InvalidComparisonsError(
                f"Row {row} of {name} is {text!r}: an answer is a text, '' if it is empty."
            )
        if text not in known:
            known[text] = list(text_features(text, tokens=tokens).values())
        counts[row] = known[text]
    return counts


def _without_marks(text: str) -> str:
    """Compose the text, and leave out the marks that remain and the joiners: no pattern sees them as letters."""
    text = unicodedata.normalize("NFC", text)
    marks = {sign for sign in set(text) if sign in _JOINERS or unicodedata.category(sign).startswith("M")}
    return text.translate(dict.fromkeys(map(ord, marks))) if marks else text


def _count(pattern: re.Pattern[str], text: str) -> int:
    return len(pattern.findall(text))
