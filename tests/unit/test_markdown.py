"""What a model writes must come out as the HTML we allow, whole or in pieces."""

import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pygments.token import STANDARD_TYPES

from arena.web.block_html import COLOUR_PREFIX
from arena.web.formulas import MATHML_ATTRIBUTES, MATHML_TAGS
from arena.web.markdown import Block, BlockRenderer, render_markdown, render_stored

PAYLOADS: dict[str, list[str]] = json.loads(
    (Path(__file__).parent / "data" / "markdown_payloads.json").read_text(encoding="ascii")
)
ALL_PAYLOADS = [payload for group in PAYLOADS.values() for payload in group]

ANSWER = r"""# Sorting

Two ways to sort $n$ items; the second costs \(O(n \log n)\), so $5 becomes $10.

1. **Insertion sort**
   - simple

   - slow
2. *Merge sort*

> A quote
> over two lines

| name | cost |
|:-----|-----:|
| insertion | $n^2$ |

```python
def sort(items: list[int]) -> list[int]:
    return sorted(items)
```

The cost is
$$
T(n) = 2 T(n/2)
+ n
$$
\[
\frac{1}{2}
\] where $n$ is even.

- [ ] read [the page](https://example.org/sort)
- [x] see ![a picture](https://example.org/p.png)

Title
=====

***

    indented code

~~~
open to the end
"""

TAGS = (
    {
        "p",
        "h3",
        "h4",
        "h5",
        "h6",
        "ul",
        "ol",
        "li",
        "blockquote",
        "hr",
        "br",
        "em",
        "strong",
        "s",
        "a",
        "bdi",
        "span",
    }
    | {"pre", "code", "figure", "figcaption", "div", "table", "thead", "tbody", "tr", "th", "td"}
    | MATHML_TAGS
)
VOID_TAGS = {"br", "hr"}
CLASSES = {COLOUR_PREFIX + name for name in STANDARD_TYPES.values()} | {
    "table-scroll", "formula", "code", "formula-source", "link-target", "image-text",
    "align-left", "align-center", "align-right",
}  # fmt: skip
ATTRIBUTES = {
    "href": re.compile(r'(https?://[^\s"<>`\\]+|mailto:[^\s"<>`\\]*)'),
    "target": re.compile("_blank"),
    "rel": re.compile("nofollow ugc noopener noreferrer"),
    "class": re.compile("|".join(map(re.escape, CLASSES))),
    "dir": re.compile("auto|ltr"),
    "tabindex": re.compile("0"),
    "role": re.compile("region"),
    "aria-label": re.compile("Table|Formula"),
    "start": re.compile(r"\d{1,9}"),
} | dict.fromkeys(MATHML_ATTRIBUTES, re.compile(r"[\w.+ -]{1,60}"))


class StrictReader(HTMLParser):
    """Fails on every tag, attribute, address and nesting that is not on the list."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open_tags: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in TAGS
        assert len(dict(attrs)) == len(attrs)
        for name, value in attrs:
            assert name in ATTRIBUTES, f"{name} on <{tag}>"
            assert ATTRIBUTES[name].fullmatch(value or ""), f"{name}={value!r} on <{tag}>"
        if tag == "a":
            assert {"rel", "target"} <= dict(attrs).keys()
        if tag not in VOID_TAGS:
            self.open_tags.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open_tags.pop() == tag

    def handle_comment(self, data: str) -> None:
        raise AssertionError(f"comment {data!r}")

    def handle_decl(self, decl: str) -> None:
        raise AssertionError(f"declaration {decl!r}")

    def handle_pi(self, data: str) -> None:
        raise AssertionError(f"processing instruction {data!r}")

    def unknown_decl(self, data: str) -> None:
        raise AssertionError(f"declaration {data!r}")


def assert_safe(html: str) -> None:
    html.encode("utf-8")
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202d\u202e]", html)
    reader = StrictReader()
    reader.feed(html)
    reader.close()
    assert reader.open_tags == []


def stream(pieces: list[str]) -> str:
    renderer = BlockRenderer()
    latest: dict[int, str] = {}
    for piece in pieces:
        latest |= {block.index: block.html for block in renderer.feed(piece)}
    latest |= {block.index: block.html for block in renderer.finish()}
    return "".join(latest[index] for index in sorted(latest))


def cut(text: str, size: int) -> list[str]:
    return [text[start : start + size] for start in range(0, len(text), size)]


class TestSafety:
    def test_the_corpus_is_large(self) -> None:
        assert len(set(ALL_PAYLOADS)) >= 300

    @pytest.mark.parametrize("group", PAYLOADS)
    def test_payloads_come_out_harmless(self, group: str) -> None:
        for payload in PAYLOADS[group]:
            assert_safe(render_markdown(payload))
            assert_safe(render_markdown(f"- before {payload} after"))
            assert_safe(render_markdown(f"| {payload} |\n|---|\n| {payload} |"))

    @pytest.mark.parametrize("group", PAYLOADS)
    def test_unfinished_payloads_are_harmless_too(self, group: str) -> None:
        for payload in PAYLOADS[group]:
            renderer = BlockRenderer()
            for piece in cut(payload[:200], 3):
                for block in renderer.feed(piece):
                    assert_safe(block.html)

    @given(st.text(alphabet="<>&\"'`*_[]()!\\$#-|~= \n\tajh:/;0\x00\u202e\ud800", max_size=60))
    @settings(deadline=None)
    def test_any_text_is_harmless(self, text: str) -> None:
        assert_safe(render_markdown(text))

    @pytest.mark.parametrize("index", range(-(-len(ALL_PAYLOADS) // 40)))
    def test_payloads_next_to_each_other_are_harmless(self, index: int) -> None:
        assert_safe(render_markdown("\n\n".join(ALL_PAYLOADS[index * 40 : (index + 1) * 40])))

    def test_a_formula_cannot_open_a_tag(self) -> None:
        html = render_markdown(r"$\text{<img src=x onerror=alert(1)>}$")
        assert "<img" not in html
        assert "&lt;img" in html

    def test_a_formula_cannot_cover_the_page(self) -> None:
        assert "50em" not in render_markdown(r"$a \hspace{-50em} b$")
        assert 'width="2em"' in render_markdown(r"$a \hspace{2em} b$")


class TestLinksAndImages:
    def test_a_link_says_where_it_leads(self) -> None:
        html = render_markdown("[my bank](https://evil.example/login)")
        assert 'href="https://evil.example/login"' in html
        assert "(<bdi>evil.example</bdi>)" in html

    @pytest.mark.parametrize("text", ["<https://example.org/a>", "[see example.org](https://example.org/b)"])
    def test_a_link_that_names_its_host_says_it_once(self, text: str) -> None:
        assert "link-target" not in render_markdown(text)

    def test_part_of_another_name_is_not_the_host(self) -> None:
        assert "link-target" in render_markdown("[bank.example.org](https://example.org)")

    def test_user_names_in_addresses_do_not_pass_for_hosts(self) -> None:
        assert "(<bdi>evil.example</bdi>)" in render_markdown("[x](https://bank.example@evil.example/)")

    @pytest.mark.parametrize(
        "address", ["javascript:alert(1)", "data:text/html,x", "/vote", "#a", "ftp://x.example"]
    )
    def test_other_addresses_stay_text(self, address: str) -> None:
        assert "<a" not in render_markdown(f"[x]({address})")

    def test_an_image_is_its_alternative_text(self) -> None:
        html = render_markdown("![a *red* cat](https://example.org/cat.png?token=1)")
        assert "a red cat" in html
        assert "(🖼 <bdi>example.org</bdi>)" in html
        assert "token" not in html


class TestMarkup:
    def test_empty_texts(self) -> None:
        assert render_markdown("") == render_markdown(" \n\n") == ""

    @pytest.mark.parametrize(
        ("source", "tag"), [("# a", "h3"), ("## a", "h4"), ("#### a", "h6"), ("###### a", "h6")]
    )
    def test_headings_rank_below_those_of_the_page(self, source: str, tag: str) -> None:
        assert render_markdown(source) == f'<{tag} dir="auto">a</{tag}>\n'

    def test_blocks_of_text_find_their_own_direction(self) -> None:
        html = render_markdown("שלום\n\n> ציטוט\n\n- אחת\n\n  שתיים\n\n`a`")
        assert html.startswith('<p dir="auto">')
        assert '<blockquote dir="auto">\n<p>' in html
        assert '<li dir="auto">\n<p>אחת</p>\n<p dir="auto">שתיים' in html
        assert '<code dir="ltr">a</code>' in html

    def test_a_table_scrolls_and_aligns_without_style(self) -> None:
        html = render_markdown("| a | b |\n|---|--:|\n| 1 | 2 |")
        assert html.startswith(
            '<div class="table-scroll" tabindex="0" role="region" aria-label="Table" dir="auto">'
        )
        assert '<td dir="auto" class="align-right">2</td>' in html

    def test_code_is_coloured_and_labelled(self) -> None:
        html = render_markdown("```Python\nreturn 1 < 2\n```")
        assert '<figcaption>Python</figcaption><pre tabindex="0" dir="ltr">' in html
        assert '<span class="hl-k">return</span>' in html
        assert "&lt;" in html

    @pytest.mark.parametrize("fence", ["```nonsense\n", "```python\n" + "x = 1\n" * 5000])
    def test_unknown_and_huge_code_is_plain(self, fence: str) -> None:
        assert "<span" not in render_markdown(fence + "return\n```")

    def test_tasks(self) -> None:
        html = render_markdown("- [ ] open\n- [x] **done**\n- [y] neither")
        assert "☐ open" in html
        assert "☑ <strong>done" in html
        assert "[y] neither" in html

    def test_link_definitions_are_plain_text(self) -> None:
        assert "<a" not in render_markdown("[x][1]\n\n[1]: https://example.org")


class TestFormulas:
    @pytest.mark.parametrize("text", ["$x$", r"\(x\)", "$x$ is 5", "5 is $x$", "设$x$为", "($x$)"])
    def test_inline(self, text: str) -> None:
        assert '<math display="inline"><mrow><mi>x</mi></mrow></math>' in render_markdown(text)

    @pytest.mark.parametrize(
        "text", ["$$x$$", r"\[x\]", "$$\nx\n$$", "\\[\nx\n\\]", "Thus\n$$\nx\n$$\nholds", "- \\[ x \\]"]
    )
    def test_display(self, text: str) -> None:
        assert '<math display="block"><mrow><mi>x</mi></mrow></math>' in render_markdown(text)

    @pytest.mark.parametrize(
        "text",
        ["from $5 to $10", "US$5 and US$ 6", "a $ b $ c", r"\$x\$", "`$x$`", "$", "$$", r"\(", "a$1 b$2"],
    )
    def test_prices_and_escapes_are_text(self, text: str) -> None:
        assert "<math" not in render_markdown(text)

    def test_lines_that_look_like_lists_stay_in_the_formula(self) -> None:
        html = render_markdown("Sum:\n$$\na\n+ b\n- c\n$$")
        assert "<li" not in html
        assert html.count("<math") == 1

    def test_text_after_a_formula_block_is_a_paragraph(self) -> None:
        assert '<p dir="auto">where <em>x</em> is' in render_markdown("\\[\nx\n\\] where *x* is")

    @pytest.mark.parametrize(
        "source", [r"\frac{", r"\left( x", "x^2^3", "{" * 60 + "x" + "}" * 60, "x" * 5000]
    )
    def test_what_cannot_be_read_is_shown_as_source(self, source: str) -> None:
        html = render_markdown(f"$$\n{source}\n$$")
        assert f'<code class="formula-source" dir="ltr">{source}</code>' in html

    def test_macros_are_not_expanded(self) -> None:
        assert "<math" not in render_markdown(r"$\def\a{\b\b}\def\b{xx}\a$")


class TestStreaming:
    @pytest.mark.parametrize("size", [1, 2, 3, 7, 50, 10_000])
    def test_pieces_end_as_the_whole(self, size: int) -> None:
        assert stream(cut(ANSWER, size)) == render_markdown(ANSWER)

    @pytest.mark.parametrize("group", PAYLOADS)
    def test_payloads_in_pieces_end_as_the_whole(self, group: str) -> None:
        for payload in PAYLOADS[group]:
            assert stream(cut(payload, max(5, len(payload) // 60))) == render_markdown(payload)

    @given(st.data())
    @settings(deadline=None, max_examples=150)
    def test_any_cut_of_any_lines_ends_as_the_whole(self, data: st.DataObject) -> None:
        lines = st.sampled_from(
            [*ANSWER.split("\n"), "", "", "  x", "    x", "\t- x", "$$", "$$ x", r"\]", "---", "a|b"]
        )
        text = data.draw(st.sampled_from(["\n", "\r\n", "\r"])).join(data.draw(st.lists(lines, max_size=14)))
        places = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=12)))
        pieces = [text[start:end] for start, end in zip([0, *places], [*places, len(text)], strict=True)]
        assert stream(pieces) == render_markdown(text)

    @given(st.text(alphabet="#->*_`~=+|$[]\\ \n\r1.a:", max_size=50))
    @settings(deadline=None, max_examples=150)
    def test_any_characters_one_by_one_end_as_the_whole(self, text: str) -> None:
        assert stream(list(text)) == render_markdown(text)

    def test_only_changed_blocks_are_returned(self) -> None:
        renderer = BlockRenderer()
        assert renderer.feed("one") == [Block(index=0, html='<p dir="auto">one</p>\n')]
        assert renderer.feed("\n\n") == []
        assert renderer.feed("two") == [Block(index=1, html='<p dir="auto">two</p>\n')]
        assert renderer.feed(" and") == [Block(index=1, html='<p dir="auto">two and</p>\n')]
        assert renderer.finish() == []

    def test_a_block_that_was_none_is_emptied(self) -> None:
        renderer = BlockRenderer()
        assert [block.index for block in renderer.feed("a\n```py")] == [0, 1]
        assert renderer.feed("`")[1] == Block(index=1, html="")

    def test_open_code_is_plain_until_it_closes(self) -> None:
        renderer = BlockRenderer()
        (opened,) = renderer.feed("```python\nreturn 1\n")
        assert "<span" not in opened.html
        closed, _ = renderer.feed("```\nthen")
        assert '<span class="hl-k">return</span>' in closed.html

    @pytest.mark.parametrize("text", ["some **bold wor", "some **bold word**", "some **bold word*"])
    def test_unfinished_bold_text_is_bold(self, text: str) -> None:
        (block,) = BlockRenderer().feed(text)
        assert "<strong>bold wor" in block.html
        assert "**" not in block.html

    def test_unfinished_code_is_code(self) -> None:
        (block,) = BlockRenderer().feed("call `sort")
        assert '<code dir="ltr">sort</code>' in block.html

    def test_a_line_of_marks_waits(self) -> None:
        renderer = BlockRenderer()
        assert renderer.feed("##") == []
        assert renderer.feed(" Title") == [Block(index=0, html='<h4 dir="auto">Title</h4>\n')]

    def test_feeding_a_finished_renderer_is_an_error(self) -> None:
        renderer = BlockRenderer()
        renderer.finish()
        assert renderer.finish() == []
        with pytest.raises(RuntimeError, match="new BlockRenderer"):
            renderer.feed("x")


class TestWork:
    """Bounds on work, counted in bytes of HTML made; the time limit of a test catches what never ends."""

    @pytest.mark.parametrize(
        "text",
        [
            "word " * 800,
            "- a point\n" * 400,
            "```python\n" + "x = 1\n" * 700,
            "| a | b |\n|---|---|\n" + "| 1 | 2 |\n" * 300,
            "A paragraph of one line, rather short.\n\n" * 100,
        ],
        ids=["paragraph", "list", "code", "table", "paragraphs"],
    )
    def test_streaming_stays_linear(self, text: str) -> None:
        renderer = BlockRenderer()
        made = sum(len(block.html) for piece in cut(text, 40) for block in renderer.feed(piece))
        made += sum(len(block.html) for block in renderer.finish())
        assert made < 30 * len(render_markdown(text))

    def test_closed_blocks_are_not_sent_again(self) -> None:
        renderer = BlockRenderer()
        indexes = [
            block.index for piece in cut("A short one.\n\n" * 100, 4) for block in renderer.feed(piece)
        ]
        assert indexes == sorted(indexes)
        assert max(indexes) == 99

    @pytest.mark.timeout(60)
    @pytest.mark.parametrize(
        "unit", ["[", "![", "*a **a ", "> ", "- ", "$$a\n", r"\(", "a|b\n", "`", "<", "a\n\n", "1. a\n"]
    )
    def test_hostile_texts_end(self, unit: str) -> None:
        assert_safe(render_markdown(unit * (20_000 // len(unit))))

    @pytest.mark.timeout(60)
    @pytest.mark.parametrize("unit", ["[", "- a\n", "word ", "one paragraph of *many*\n\n"])
    def test_very_long_texts_end(self, unit: str) -> None:
        assert_safe(render_markdown(unit * (200_000 // len(unit))))

    @pytest.mark.parametrize("text", ["![" * 6_000, "[" * 12_000, "a [b " * 600, "word " * 4_100])
    def test_blocks_too_dear_to_mark_up_are_plain(self, text: str) -> None:
        assert render_markdown(text).startswith("<pre ")

    @pytest.mark.parametrize("text", ["[a](https://example.org) " * 700, "[x] [y " * 400])
    def test_ordinary_brackets_are_marked_up(self, text: str) -> None:
        assert render_markdown(text).startswith("<p ")

    def test_many_brackets_in_code_are_code(self) -> None:
        assert '<figure class="code">' in render_markdown("```\n" + "[" * 600 + "\n```")

    def test_a_stored_text_is_rendered_once(self) -> None:
        text = "An answer *seen twice*."
        assert render_stored(text) is render_stored(text)
        assert render_stored(text) == render_markdown(text)

    @pytest.mark.timeout(60)
    def test_long_open_blocks_end(self) -> None:
        text = "- a point\n" * 1_000
        assert stream(cut(text, 40)) == render_markdown(text)


class TestColours:
    CSS = (Path(__file__).parents[2] / "arena" / "static" / "code.css").read_text(encoding="utf-8")

    def test_every_selector_is_a_class_that_is_let_through(self) -> None:
        names = set(re.findall(rf"\.({COLOUR_PREFIX}\w+)", self.CSS))
        assert len(names) > 20
        assert names <= CLASSES

    def test_every_colour_can_be_read_on_its_background(self) -> None:
        pairs = re.findall(r"light-dark\((#\w{6}), (#\w{6})\)", self.CSS)
        light, dark = pairs[0]
        assert len(pairs) > 8
        for on_light, on_dark in pairs[1:]:
            assert contrast(on_light, light) >= 4.5, on_light
            assert contrast(on_dark, dark) >= 4.5, on_dark


def contrast(one: str, other: str) -> float:
    """WCAG 2.2 contrast ratio of two colours."""
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def luminance(colour: str) -> float:
    channels = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    red, green, blue = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
