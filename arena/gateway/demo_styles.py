"""The manners in which demo models put a draft into words."""

from __future__ import annotations

import re
from random import Random
from textwrap import shorten, wrap

from arena.gateway.demo_skills import Draft

_BRIDGES = ("Put differently, it comes down to this.", "It is worth looking at the parts one by one.",
            "A few details make the picture clearer.")  # fmt: skip
_DOUBTS = ("Hmm, I think this is right, though I am not entirely sure:", "I may be mistaken, but as far as I know:",
           "Let me think… I would say, with some caution:")  # fmt: skip
_SIGNS = ("✨", "🚀", "🌱", "💡", "🎯", "🌈", "🔍", "🎉")
_COUPLETS = (
    ("You ask, and I have turned it in the light:", "So much for now; the rest I leave to night."),
    ("Sit down, and let me tell it as it goes:", "And that is all a wandering poet knows."),
    ("A question came and knocked upon my door:", "Now take it home, and ask for nothing more."),
)


def essay(draft: Draft, prompt: str, random: Random) -> str:
    if draft.as_it_is:
        return draft.right
    paragraphs = [f"## {draft.title}", draft.right, _code_block(draft)]
    if len(draft.points) < 2:
        return _join([*paragraphs, *draft.points])
    paragraphs += [_english(draft, "### A closer look"), _english(draft, random.choice(_BRIDGES))]
    paragraphs += [" ".join(draft.points[:2]), *draft.points[2:]]
    paragraphs += [_english(draft, "### In short"), _english(draft, f"**{_first_sentence(draft.right)}**")]
    return _join(paragraphs)


def brief(draft: Draft, prompt: str, random: Random) -> str:
    return _join([draft.right if draft.as_it_is or not draft.code else "", _code_block(draft)]) or draft.right


def bullets(draft: Draft, prompt: str, random: Random) -> str:
    if draft.as_it_is:
        return draft.right
    return _join([draft.right, _code_block(draft), "\n".join(f"- {point}" for point in draft.points)])


def table(draft: Draft, prompt: str, random: Random) -> str:
    if draft.as_it_is or "$$" in draft.right:  # a displayed formula does not fit into a cell
        return _join([draft.right, _code_block(draft)])
    rows = [f"| {number} | {_cell(point)} |" for number, point in enumerate(draft.points, start=1)]
    head = f"| # | {_cell(draft.title)} |\n|---|---|"
    return _join([draft.right, _code_block(draft), "\n".join([head, *rows]) if rows else ""])


def code_minded(draft: Draft, prompt: str, random: Random) -> str:
    if draft.as_it_is:
        return draft.right
    if draft.code:
        return _join([_code_block(draft), draft.right, "\n".join(f"- {point}" for point in draft.points)])
    steps = "\n".join(f"{number}. {point}" for number, point in enumerate(draft.points, start=1))
    return _join([draft.right, steps, f"```text\n{_outline(draft)}\n```" if draft.points else ""])


def hesitant(draft: Draft, prompt: str, random: Random) -> str:
    opening = _english(draft, random.choice(_DOUBTS))
    points = [f"{_english(draft, 'Perhaps also:')} {point}".strip() for point in draft.points[:2]]
    return _join(
        [
            opening,
            draft.right,
            _code_block(draft),
            *points,
            _english(draft, "Please check this before you rely on it."),
        ]
    )


def emoji(draft: Draft, prompt: str, random: Random) -> str:
    signs = random.sample(_SIGNS, k=len(_SIGNS))
    opening = _english(draft, random.choice(("Great question!", "Ooh, I love this one!", "Happy to help!")))
    points = [f"{sign} {point}" for sign, point in zip(signs[2:], draft.points, strict=False)]
    return _join(
        [f"{signs[0]} {opening}".strip(), draft.right, _code_block(draft), *points, f"{signs[1]}{signs[0]}"]
    )


def verse(draft: Draft, prompt: str, random: Random) -> str:
    if "$$" in draft.right or not draft.english or draft.as_it_is:
        return _join([draft.right, _code_block(draft)])
    opening, closing = random.choice(_COUPLETS)
    lines = [line for text in (draft.right, *draft.points[:2]) for line in wrap(text, 46)]
    return _join(["  \n".join([opening, *lines, closing]), _code_block(draft)])


def parrot(draft: Draft, prompt: str, random: Random) -> str:
    question = shorten(prompt, 160, placeholder=" …").replace("`", "'")
    return _join(
        [
            _english(draft, "You asked:"),
            f"> {question}",
            _english(draft, "That is what you asked."),
            draft.right,
            _code_block(draft),
        ]
    )


def word_salad(draft: Draft, prompt: str, random: Random) -> str:
    words = re.findall(r"[^\W\d_]+", " ".join((draft.right, *draft.points, prompt[:200])))
    words = [word.lower() for word in words] or ["well"]
    chosen = [random.choice(words) for _ in range(random.randint(18, 40))]
    cuts = sorted(random.sample(range(3, len(chosen)), k=2))
    parts = (chosen[: cuts[0]], chosen[cuts[0] : cuts[1]], chosen[cuts[1] :])
    return " ".join(" ".join(part).capitalize() + "." for part in parts if part)


def _code_block(draft: Draft) -> str:
    return f"```{draft.code_language}\n{draft.code}\n```" if draft.code else ""


def _english(draft: Draft, text: str) -> str:
    return text if draft.english else ""


def _first_sentence(text: str) -> str:
    return text if "$" in text else re.split(r"(?<=[.!?;]) ", text, maxsplit=1)[0].rstrip(";")


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def _outline(draft: Draft) -> str:
    return "\n".join([draft.title, *(f"  └─ {point}" for point in draft.points)])


def _join(paragraphs: list[str]) -> str:
    return "\n\n".join(paragraph for paragraph in paragraphs if paragraph)
