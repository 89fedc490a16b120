r"""Formulas in model text: finding them between `$`, `$$`, `\(` and `\[`, and turning LaTeX into MathML."""

import re
from collections.abc import Sequence
from html import escape, unescape
from typing import Final
from xml.etree.ElementTree import Element, tostring

from latex2mathml.converter import Converter
from markdown_it import MarkdownIt
from markdown_it.ruler import RuleOptionsType
from markdown_it.rules_block import StateBlock
from markdown_it.rules_inline import StateInline
from markdown_it.token import Token
from markdown_it.utils import EnvType, OptionsDict


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


MATHML_TAGS: Final = _words(
    "math menclose mfrac mi mn mo mover mpadded mphantom mroot mrow mspace msqrt mstyle msub msubsup msup"
    " mtable mtd mtext mtr munder munderover"
)
# Colours, links, sizes and styles are left out on purpose: they are not needed to read a formula.
_PLAIN_ATTRIBUTES: Final = _words(
    "accent accentunder columnalign display displaystyle fence form largeop linebreak mathvariant"
    " movablelimits notation scriptlevel separator stretchy symmetric"
)
_LENGTH_ATTRIBUTES: Final = _words(
    "columnspacing depth height linethickness lspace maxsize minsize rowspacing rspace voffset width"
)
MATHML_ATTRIBUTES: Final = _PLAIN_ATTRIBUTES | _LENGTH_ATTRIBUTES

_PLAIN_VALUE: Final = re.compile(r"[\w -]{1,40}")
# Short lengths only: `\hspace{-50em}` could lay text over the rest of the page.
_SHORT_LENGTH: Final = re.compile(
    r"(?:[+-]?(?:\d?(?:\.\d+)?(?:em|ex)|\d{0,2}(?:\.\d+)?(?:pt|px|mu)|0) ?){1,6}"
)
# A macro may double its argument at each step: a few lines could ask for gigabytes.
_MACRO_DEFINITION: Final = re.compile(r"\\(?:(?:re|provide)?newcommand|def|let|DeclareMathOperator)\b")
_LONGEST_FORMULA: Final = 3000
_DEEPEST_FORMULA: Final = 50

_INLINE_FORMULA: Final = re.compile(
    r"""
      \$\$ (?P<double_dollar> (?:[^$\\]|\\.){1,3000} ) \$\$
    | (?<![A-Za-z0-9$]) \$ (?![\s$]) (?P<dollar> (?:[^$\\]|\\.){1,3000} ) (?<!\s) \$ (?![0-9$])
    | \\\( (?P<parenthesis> (?:[^\\]|\\[^()]){1,3000} ) \\\)
    | \\\[ (?P<bracket> (?:[^\\]|\\[^\[\]]){1,3000} ) \\\]
    """,
    re.VERBOSE | re.DOTALL,
)
_BLOCK_DELIMITERS: Final = {"$$": "$$", r"\[": r"\]"}


def formula_html(source: str, *, display: bool) -> str:
    """Return MathML, or the escaped source where the formula cannot be read."""
    formula = _parse_formula(source, display=display)
    if formula is None:
        return f'<code class="formula-source" dir="ltr">{escape(source.strip())}</code>'
    return tostring(formula, encoding="unicode")


def formulas_plugin(markdown: MarkdownIt) -> None:
    """Teach a Markdown parser inline formulas and formula blocks."""
    markdown.inline.ruler.before("escape", "formula", _inline_formula)
    interrupts: RuleOptionsType = {"alt": ["paragraph", "reference", "blockquote", "list"]}
    markdown.block.ruler.before("fence", "formula_block", _formula_block, interrupts)
    markdown.add_render_rule("formula", _render_formula)
    markdown.add_render_rule("formula_block", _render_formula_block)


def _parse_formula(source: str, *, display: bool) -> Element | None:
    if len(source) > _LONGEST_FORMULA or _brace_depth(source) > _DEEPEST_FORMULA:
        return None
    if _MACRO_DEFINITION.search(source):
        return None
    try:
        formula = Converter(display="block" if display else "inline").convert_to_element(source)
    except Exception:  # the converter answers bad input with any of a dozen unrelated exceptions
        return None
    return _tidied(formula)


def _brace_depth(source: str) -> int:
    depth = deepest = 0
    for brace in re.findall(r"\\.|[{}]", source, re.DOTALL):
        depth += {"{": 1, "}": -1}.get(brace, 0)
        deepest = max(deepest, depth)
    return deepest


def _tidied(formula: Element) -> Element:
    for element in formula.iter():
        # The converter writes symbols as character references inside the text and relies on unescaped output.
        element.text = unescape(element.text or "")
        for name, value in list(element.attrib.items()):
            if not _is_harmless(name, value):
                del element.attrib[name]
    return formula


def _is_harmless(name: str, value: str) -> bool:
    if name in _LENGTH_ATTRIBUTES:
        return _SHORT_LENGTH.fullmatch(value) is not None
    return name in _PLAIN_ATTRIBUTES and _PLAIN_VALUE.fullmatch(value) is not None


def _inline_formula(state: StateInline, silent: bool) -> bool:
    if state.src[state.pos] not in "$\\":
        return False
    match = _INLINE_FORMULA.match(state.src, state.pos, state.posMax)
    if match is None:
        return False
    if not silent:
        kind = match.lastgroup or ""
        token = state.push("formula", "math", 0)
        token.content = match[kind]
        token.meta = {"display": kind in ("double_dollar", "bracket")}
    state.pos = match.end()
    return True


def _formula_block(state: StateBlock, start_line: int, end_line: int, silent: bool) -> bool:
    """Match a block that opens a formula.

    An opening delimiter alone on its line always opens a formula, which ends at the closing delimiter, at a
    blank line or at the end of the text. The decision never depends on lines further down, so a streamed
    paragraph before the formula stays closed.
    """
    opening_line = _line(state, start_line)
    closing = _BLOCK_DELIMITERS.get(opening_line[:2])
    if closing is None or state.is_code_block(start_line):
        return False
    first = opening_line[2:]
    if closing in first:
        return _one_line_formula(state, start_line, first, closing, silent)
    if first and silent:
        return False
    return _long_formula(state, start_line, end_line, first, closing) if not silent else True


def _one_line_formula(state: StateBlock, line: int, text: str, closing: str, silent: bool) -> bool:
    formula, _, rest = text.partition(closing)
    if rest.strip(".,;") or not formula.strip():
        return False
    if not silent:
        _push_formula(state, line, line + 1, formula + rest, closed=True)
    return True


def _long_formula(state: StateBlock, start_line: int, end_line: int, first: str, closing: str) -> bool:
    parts = [first]
    line = start_line + 1
    while line < end_line and not state.isEmpty(line) and state.sCount[line] >= state.blkIndent:
        text, found, rest = _line(state, line).partition(closing)
        parts.append(text)
        line += 1
        if found:
            _push_formula(state, start_line, line, "\n".join(parts) + _punctuation(rest), closed=True)
            _push_paragraph(state, rest.removeprefix(_punctuation(rest)))
            return True
    if first and line < end_line:
        return False
    _push_formula(state, start_line, line, "\n".join(parts), closed=False)
    return True


def _line(state: StateBlock, line: int) -> str:
    return state.src[state.bMarks[line] + state.tShift[line] : state.eMarks[line]].rstrip()


def _punctuation(text: str) -> str:
    return text[: len(text) - len(text.lstrip(".,;"))]


def _push_formula(state: StateBlock, start_line: int, end_line: int, source: str, *, closed: bool) -> None:
    token = state.push("formula_block", "math", 0)
    token.block = True
    token.content = source
    token.map = [start_line, end_line]
    token.meta = {"closed": closed}
    state.line = end_line


def _push_paragraph(state: StateBlock, text: str) -> None:
    if not text.strip():
        return
    state.push("paragraph_open", "p", 1)
    inline = state.push("inline", "", 0)
    inline.content = text.strip()
    inline.children = []
    state.push("paragraph_close", "p", -1)


def _render_formula(
    _: object, tokens: Sequence[Token], index: int, options: OptionsDict, env: EnvType
) -> str:
    token = tokens[index]
    return formula_html(token.content, display=bool(token.meta["display"]))


def _render_formula_block(
    _: object, tokens: Sequence[Token], index: int, options: OptionsDict, env: EnvType
) -> str:
    token = tokens[index]
    if not token.meta["closed"]:
        return f'<p><code class="formula-source" dir="ltr">{escape(token.content.strip())}</code></p>\n'
    return f'<div class="formula">{formula_html(token.content, display=True)}</div>\n'
