"""One block of Markdown → safe HTML: parse, colour, then an allow-list that knows no raw HTML and no image."""

import re
from collections.abc import Callable, Iterator, Sequence
from html import escape
from itertools import pairwise
from typing import Final
from urllib.parse import urlsplit

import nh3
from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.rules_core import StateCore
from markdown_it.token import Token
from markdown_it.utils import EnvType, OptionsDict
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import get_lexer_by_name
from pygments.token import STANDARD_TYPES

from arena.web.formulas import MATHML_ATTRIBUTES, MATHML_TAGS, formulas_plugin


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


COLOUR_PREFIX: Final = "hl-"
LINK_SCHEMES: Final = frozenset({"http", "https", "mailto"})

_HEADING_SHIFT: Final = 2  # the page has h1, "Answer A" is h2
_LONGEST_COLOURED_CODE: Final = 20_000
_LONGEST_MARKED_UP_BLOCK: Final = 20_000
# The parser looks for the end of each bracket: many that never close cost the square of their number.
_MOST_OPEN_BRACKETS: Final = 500
_LONGEST_LANGUAGE_LABEL: Final = 30
# A lexer is a set of regular expressions run on hostile text: only those much read and much used.
_COLOURED_LANGUAGES: Final = _words(
    "ada asm awk bash basic bat c c# c++ clojure cmake cpp cs csharp css csv dart diff docker dockerfile elixir"
    " elm erlang f# fortran fsharp glsl go golang graphql groovy haskell hcl html http ini java javascript js"
    " json jsonc jsx julia kotlin latex less lisp lua make makefile markdown matlab md nasm nginx nim nix objc"
    " ocaml octave pascal perl php powershell prolog properties proto protobuf ps1 py python python3 r racket"
    " rb rst ruby rust rs sass scala scheme scss sh shell solidity sql swift tcl tex toml ts tsx typescript"
    " vb.net verilog vhdl vim wasm xml yaml yml zig zsh"
)
_TEXT_HOLDERS: Final = frozenset({"p", "li", "h1", "h2", "h3", "h4", "h5", "h6", "blockquote", "td", "th"})
_TASK: Final = re.compile(r"\[([ xX])\] ")

RenderRule = Callable[[RendererHTML, Sequence[Token], int, OptionsDict, EnvType], str]


def render_block(source: str, *, is_open: bool = False) -> str:
    """Render one top-level block; an open block still grows, so its code stays uncoloured."""
    html = _plain(source) if _is_too_much(source) else str(_PARSER.render(source, {"is_open": is_open}))
    # Character references such as `&#x202e;` become characters only here.
    return replace_unsafe_characters(_SANITIZER.clean(html))


def _is_too_much(source: str) -> bool:
    if source.lstrip(" ").startswith(("```", "~~~")):
        return False
    open_brackets = source.count("[") - source.count("]")
    return len(source) > _LONGEST_MARKED_UP_BLOCK or open_brackets > _MOST_OPEN_BRACKETS


def _plain(source: str) -> str:
    return f'<pre tabindex="0" dir="auto">{escape(source)}</pre>\n'


def replace_unsafe_characters(text: str) -> str:
    """Replace what no HTML page may hold, and the two controls that turn the reading order of a line round."""
    return _UNSAFE_CHARACTER.sub("\N{REPLACEMENT CHARACTER}", text)


_UNSAFE_CHARACTER: Final = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202d\u202e\ud800-\udfff\ufffe\uffff]")


def _is_safe_link(address: str) -> bool:
    try:
        parts = urlsplit(address)
        return parts.scheme in LINK_SCHEMES and bool(parts.hostname or parts.scheme == "mailto")
    except ValueError:
        return False


def _link_target(address: str) -> str:
    parts = urlsplit(address)
    return parts.path if parts.scheme == "mailto" else parts.hostname or ""


def _finish_tokens(state: StateCore) -> None:
    """Shift headings, mark directions and tasks, replace style attributes by classes."""
    for before, token in pairwise([Token("start", "", 0), *state.tokens]):
        if token.type.startswith("heading_"):
            token.tag = f"h{min(int(token.tag[1]) + _HEADING_SHIFT, 6)}"
        if token.nesting == 1 and token.tag in _TEXT_HOLDERS and not _leads_container(before, token):
            token.attrSet("dir", "auto")
        if token.tag in ("td", "th"):
            _class_for_alignment(token)
        if token.type == "inline" and token.children:
            token.children = list(_with_link_targets(token.children))
    _mark_tasks(state.tokens)


def _leads_container(before: Token, token: Token) -> bool:
    # An element with its own `dir` is invisible to `dir="auto"` of its parent. Left unmarked, the first
    # paragraph decides on which side a bullet stands, and the first heading cell how the columns run.
    return before.type in ("list_item_open", "blockquote_open") or (before.type, token.tag) == (
        "tr_open",
        "th",
    )


def _class_for_alignment(cell: Token) -> None:
    style = str(cell.attrs.pop("style", ""))
    if style.startswith("text-align:"):
        cell.attrSet("class", "align-" + style.removeprefix("text-align:"))


def _mark_tasks(tokens: Sequence[Token]) -> None:
    for item, paragraph, inline in zip(tokens, tokens[1:], tokens[2:], strict=False):
        if (item.type, paragraph.type) != ("list_item_open", "paragraph_open") or not inline.children:
            continue
        task = _TASK.match(inline.children[0].content)
        if task:
            box = "☐ " if task[1] == " " else "☑ "
            inline.children[0].content = box + inline.children[0].content[task.end() :]


def _with_link_targets(children: Sequence[Token]) -> Iterator[Token]:
    """Say after each link where it leads, unless its text does."""
    target, text = "", ""
    for child in children:
        yield child
        text += child.content
        if child.type == "link_open":
            target, text = _link_target(str(child.attrGet("href"))), ""
        elif child.type == "link_close" and target and not _names(text, target):
            yield Token("link_target", "", 0, content=target)


def _names(text: str, target: str) -> bool:
    return re.search(rf"(?<![\w.@-]){re.escape(target)}(?![\w.@-])", text, re.IGNORECASE) is not None


def _render_link_target(
    _: RendererHTML, tokens: Sequence[Token], index: int, options: OptionsDict, env: EnvType
) -> str:
    return f' <span class="link-target">(<bdi>{escape(tokens[index].content)}</bdi>)</span>'


def _render_image(
    renderer: RendererHTML, tokens: Sequence[Token], index: int, options: OptionsDict, env: EnvType
) -> str:
    """Show what the picture is called and where it lies; fetching it would tell that host who is voting."""
    image = tokens[index]
    alt = renderer.renderInlineAsText(image.children, options, env)
    host = escape(_link_target(str(image.attrGet("src"))))
    return f'<span class="image-text">{escape(alt)} <span class="link-target">(🖼 <bdi>{host}</bdi>)</span></span>'


def _render_code_span(
    _: RendererHTML, tokens: Sequence[Token], index: int, options: OptionsDict, env: EnvType
) -> str:
    return f'<code dir="ltr">{escape(tokens[index].content)}</code>'


def _render_code(
    _: RendererHTML, tokens: Sequence[Token], index: int, options: OptionsDict, env: EnvType
) -> str:
    token = tokens[index]
    language = (token.info.split() or [""])[0]
    code = escape(token.content) if env["is_open"] else _coloured(token.content, language)
    label = escape(language[:_LONGEST_LANGUAGE_LABEL])
    caption = f"<figcaption>{label}</figcaption>" if label else ""
    return f'<figure class="code">{caption}<pre tabindex="0" dir="ltr"><code>{code}</code></pre></figure>\n'


def _coloured(code: str, language: str) -> str:
    if language.lower() not in _COLOURED_LANGUAGES or len(code) > _LONGEST_COLOURED_CODE:
        return escape(code)
    lexer = get_lexer_by_name(language.lower(), stripnl=False)
    return highlight(code, lexer, HtmlFormatter(nowrap=True, classprefix=COLOUR_PREFIX))


def _render_table_open(
    _: RendererHTML, tokens: Sequence[Token], index: int, options: OptionsDict, env: EnvType
) -> str:
    return '<div class="table-scroll" tabindex="0" role="region" aria-label="Table" dir="auto"><table>\n'


def _render_table_close(
    _: RendererHTML, tokens: Sequence[Token], index: int, options: OptionsDict, env: EnvType
) -> str:
    return "</table></div>\n"


_RENDER_RULES: Final[dict[str, RenderRule]] = {
    "link_target": _render_link_target,
    "image": _render_image,
    "code_inline": _render_code_span,
    "fence": _render_code,
    "code_block": _render_code,
    "table_open": _render_table_open,
    "table_close": _render_table_close,
}


class _Parser(MarkdownIt):
    def validateLink(self, url: str) -> bool:
        return _is_safe_link(url)


def build_parser() -> MarkdownIt:
    """CommonMark with tables, strikethrough and formulas.

    Link reference definitions are off: a line at the end of an answer would change blocks that were shown
    long before, and a link whose address stands far from its text is a known way to hide where it leads.
    """
    parser = _Parser("commonmark", {"html": False}).enable(["table", "strikethrough"])
    parser.disable(["reference", "html_block", "html_inline"])
    formulas_plugin(parser)
    parser.core.ruler.push("finish_tokens", _finish_tokens)
    for name, rule in _RENDER_RULES.items():
        parser.add_render_rule(name, rule)
    return parser


def _build_sanitizer() -> nh3.Cleaner:
    colours = {COLOUR_PREFIX + name for name in STANDARD_TYPES.values() if name}
    alignments = {"align-left", "align-center", "align-right"}
    attributes: dict[str, frozenset[str]] = dict.fromkeys(MATHML_TAGS, MATHML_ATTRIBUTES) | {
        "*": frozenset(),  # instead of the library's default, which lets `title` and `lang` through
        "a": frozenset({"href"}),
        "ol": frozenset({"start"}),
        "pre": frozenset({"tabindex", "dir"}),
        "code": frozenset({"dir"}),
        "div": frozenset({"tabindex", "role", "aria-label", "dir"}),
    }
    for tag in _TEXT_HOLDERS:
        attributes[tag] = frozenset({"dir"})
    return nh3.Cleaner(
        tags=frozenset(attributes) - {"*"} | _PLAIN_TAGS,
        attributes=attributes,
        allowed_classes={
            "span": colours | {"link-target", "image-text"},
            "div": {"table-scroll", "formula"},
            "figure": {"code"},
            "code": {"formula-source"},
            "td": alignments,
            "th": alignments,
        },
        set_tag_attribute_values={"a": {"target": "_blank"}},
        link_rel="nofollow ugc noopener noreferrer",
        url_schemes=LINK_SCHEMES,
        url_relative="deny",
    )


_PLAIN_TAGS: Final = _words("ul br hr em strong s bdi span figure figcaption table thead tbody tr")
_PARSER: Final = build_parser()
_SANITIZER: Final = _build_sanitizer()
