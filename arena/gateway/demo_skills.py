"""From a conversation to a draft: what a demo model would say, before ability and style have their way."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from random import Random

from arena.gateway.demo_arithmetic import find_conversion, find_sum, show
from arena.gateway.demo_knowledge import Entry, Language, knowledge
from arena.gateway.openai_chat import Message


@dataclass(frozen=True, kw_only=True)
class Draft:
    """An answer with its flawed twin; a style turns one of the two into text."""

    title: str
    right: str
    wrong: str
    points: tuple[str, ...] = ()
    code: str = ""
    wrong_code: str = ""
    code_language: str = ""
    # A poem, a letter or a greeting is given as it is, without headings and bullets around it.
    as_it_is: bool = False
    english: bool = True

    def flawed(self) -> Draft:
        """The draft of someone who got it wrong and has little else to say."""
        return replace(self, right=self.wrong, points=self.points[:1], code=self.wrong_code)


Skill = Callable[[str, Random], Draft | None]

# What is asked stands at the beginning; reading on would let a hostile prompt cost seconds of searching.
CHARACTERS_READ = 500
_CHARACTERS_SUMMARISED = 4000
_LONGEST_SENTENCE = 400

_CODE_CUE = re.compile(
    r"\b(code|function|program|script|python|javascript|js|sql|query|snippet|algorithm|implement|svg|def|bug)\b",
    re.I,
)
_FOLLOW_UP = re.compile(
    r"^\W*(and|but|why|more|shorter|longer|again|another|explain (that|it|this)|in one sentence|simpler|what about|"
    r"are you sure|really|can you (explain|expand|shorten|elaborate)|tell me more|"
    r"give (me )?an example|elaborate|go on|continue|translate (that|it))\b",
    re.I,
)
_LEADING_WORDS = re.compile(
    r"^(please|can you|could you|would you|what( is| are|'s)?|who( is)?|"
    r"how (do|does|can|to|would|should)( i| you| we)?|why (do|does|is|are)?|tell me( about)?|"
    r"explain|describe|write( me)?|give me|define|argue|do|i want to|a|an|the|"
    r"something about|short paragraph|in simple terms|simply|is|are|should (i|we))\s+",
    re.I,
)


def draft_answer(messages: Sequence[Message], random: Random) -> Draft:
    """Draft the answer to the last prompt, with an eye on the one before."""
    prompts = [message.content.strip() for message in messages if message.role == "user"]
    whole = prompts[-1] if prompts else ""
    prompt = whole[:CHARACTERS_READ]
    if len(prompts) > 1 and len(prompt.split()) <= 12 and _FOLLOW_UP.search(prompt):
        return _follow_up(prompt, draft_answer([Message(role="user", content=prompts[-2])], random))
    for skill in _SKILLS:
        if draft := skill(whole[:_CHARACTERS_SUMMARISED] if skill is _summary else prompt, random):
            return draft
    return _general(prompt)


def _follow_up(prompt: str, before: Draft) -> Draft:
    if re.search(r"short|one sentence|simpler", prompt, re.I):
        return replace(before, points=(), as_it_is=True)
    if re.search(r"sure|really", prompt, re.I):
        return replace(
            before, right=f"Yes, I checked it again. {before.right}", wrong=f"Not really. {before.wrong}"
        )
    more = before.points[1:] + before.points[:1] or ("That is the heart of it.",)
    return replace(
        before,
        title=f"More on {_lower(before.title)}",
        right=f"To add to that: {more[0]} {before.right}",
        points=more,
    )


def _identity(prompt: str, random: Random) -> Draft | None:
    if not re.search(
        r"(who|what) (are|r) (you|u)\b|your name|which (model|company)|who (made|trained|built) you",
        prompt,
        re.I,
    ):
        return None
    text = "I am a language model. I keep my name to myself so that my answers are judged by what they say."
    return Draft(title="About me", right=text, wrong="I am a computer, I suppose.", as_it_is=True)


def _greeting(prompt: str, random: Random) -> Draft | None:
    if not re.fullmatch(
        r"\W*(hi|hello|hey|good (morning|evening|day)|thanks?( you)?|how are you)\b.{0,25}",
        prompt,
        re.I | re.S,
    ):
        return None
    right = random.choice(
        (
            "Hello! What would you like to talk about?",
            "Hi there! Ask me anything, from sums to sonnets.",
            "Good to see you. What is on your mind today?",
        )
    )
    return Draft(title="Hello", right=right, wrong="Hello. Goodbye.", as_it_is=True)


def _translate(prompt: str, random: Random) -> Draft | None:
    phrases = knowledge().phrases
    asked = re.search(r"\b(" + "|".join(next(iter(phrases.values()))) + r")\b", prompt, re.I)
    phrase = next((known for known in phrases if known in prompt.lower()), None)
    if not asked or not phrase or not re.search(r"translat|say|in \w+", prompt, re.I):
        return None
    language = asked[1].lower()
    wrong = random.choice([text for other, text in phrases[phrase].items() if other != language])
    return Draft(title=phrase.capitalize(), right=phrases[phrase][language], wrong=wrong, as_it_is=True)


def _summary(prompt: str, random: Random) -> Draft | None:
    match = re.search(r"\b(?:summari[sz]e|summary|tl;?dr)\b[^:\n]*+[:\n]\s*+(.{80,})", prompt, re.I | re.S)
    if not match:
        return None
    sentences = re.split(r"(?<=[.!?])\s+", match[1].strip())
    first, *others = [sentence[:_LONGEST_SENTENCE] for sentence in sentences]
    longest = sorted(others, key=len, reverse=True)[:2]
    return Draft(
        title="Summary", right=first, wrong="The text is about several things.", points=tuple(longest)
    )


def _sentiment(prompt: str, random: Random) -> Draft | None:
    if not re.search(r"positive.{0,12}or.{0,12}negative|sentiment", prompt, re.I):
        return None
    last = prompt.rsplit("Q:", 1)[-1]
    bad = len(
        re.findall(
            r"\b(bad|terrible|awful|hate\w*|worst|boring|poor|disappoint\w*|overprice\w*|not)\b", last, re.I
        )
    )
    good = len(
        re.findall(r"\b(good|great|love\w*|excellent|amazing|happy|enjoy\w*|wonderful|best)\b", last, re.I)
    )
    right, wrong = ("negative", "positive") if bad >= good else ("positive", "negative")
    return Draft(title="Sentiment", right=right, wrong=wrong, as_it_is=True)


def _code(prompt: str, random: Random) -> Draft | None:
    if not _CODE_CUE.search(prompt):
        return None
    entry = _found(knowledge().code, prompt)
    return _from_entry(entry) if entry else None


def _sum(prompt: str, random: Random) -> Draft | None:
    found = find_sum(prompt)
    if not found:
        return None
    text, value = found
    language = knowledge().recognise_language(prompt)
    template = language.result if language else f"{text} = {{value}}."
    return Draft(
        title="The result" if not language else language.title,
        right=template.format(value=show(value)),
        wrong=template.format(value=show(_slipped(value, random))),
        points=()
        if language
        else ("Undoing the last step leads back to where it began, which is a good check.",),
        english=language is None,
    )


def _conversion(prompt: str, random: Random) -> Draft | None:
    found = find_conversion(prompt, knowledge().units, knowledge().unit_names)
    if not found:
        return None
    what, value, unit = found
    return Draft(
        title="The conversion",
        right=f"{what} = {show(value)} {unit}.",
        wrong=f"{what} = {show(_slipped(value, random))} {unit}.",
        points=("Rounded to four decimals at most.",),
    )


def _slipped(value: float, random: Random) -> float:
    return random.choice((value * 10, value + 1, value - 1, value * 1.1 + 2, value + 10))


def _capital(prompt: str, random: Random) -> Draft | None:
    if not re.search(r"\bcapital\b", prompt, re.I):
        return None
    tables = knowledge()
    country = next((name for name in tables.capitals if name in prompt.lower()), None)
    if not country:
        return None
    others = [city for name, city in tables.capitals.items() if name != country]
    mistaken = tables.not_the_capital.get(country, random.choice(others))
    name = country.title()
    return Draft(
        title=f"The capital of {name}",
        right=f"The capital of {name} is {tables.capitals[country]}.",
        wrong=f"The capital of {name} is {mistaken}.",
        points=("The seat of government is not always the largest city.",),
    )


def _known(prompt: str, random: Random) -> Draft | None:
    tables = knowledge()
    entry = _found(tables.facts + tables.formulas + tables.topics, prompt)
    if entry is None:
        return None
    if re.search(r"\b(for and against|pros and cons)\b", prompt, re.I):
        return replace(_general(prompt), right=entry.right, wrong=entry.wrong)
    return _from_entry(entry)


def _verse(prompt: str, random: Random) -> Draft | None:
    if not re.search(r"\b(poem|haiku|verse|sonnet|limerick|rhyme)\b", prompt, re.I):
        return None
    verse = knowledge().texts["verse"]
    about = re.search(
        r"\b(?:about|on|of|for) (?:a |an |the )?([\w' -]{2,30}?)(?= in the | as | with |[.,!?]|$)",
        prompt,
        re.I,
    )
    subject = about[1].strip() if about else ""
    right = random.choice(verse["about"] if subject else verse["poems"]).format(subject=subject)
    return Draft(
        title="A poem", right=right, wrong=verse["flat"].format(subject=subject or "a thing"), as_it_is=True
    )


def _joke(prompt: str, random: Random) -> Draft | None:
    if not re.search(r"\b(jokes?|funny)\b", prompt, re.I):
        return None
    jokes = knowledge().texts["jokes"]
    return Draft(title="A joke", right=random.choice(jokes["good"]), wrong=jokes["flat"], as_it_is=True)


def _letter(prompt: str, random: Random) -> Draft | None:
    kinds = {"email": r"e-?mail|letter", "story": r"story|tale", "product": r"product description|advert"}
    kind = next((kind for kind, cue in kinds.items() if re.search(rf"\b({cue})\b", prompt, re.I)), None)
    if not kind:
        return None
    about = re.search(r"\b(?:about|for|of|on) (?:a |an |the |my )?([^.,!?\n]{2,50})", prompt, re.I)
    subject = about[1].strip() if about else "a good idea"
    texts = knowledge().texts["letters"]
    right = texts[kind].strip().format(subject=subject, title=subject.capitalize())
    return Draft(
        title=subject.capitalize(),
        right=right,
        wrong=texts[f"flat_{kind}"].format(subject=subject),
        as_it_is=True,
    )


def _ideas(prompt: str, random: Random) -> Draft | None:
    match = re.search(
        r"\b(?:ideas?|suggestions?|tips|ways|gifts?)\b(?! ideas)(?:\s+(?:for|to|on|about))?\s*([^.,!?\n]{0,50})",
        prompt,
        re.I,
    )
    if not match:
        return None
    ideas, subject = knowledge().texts["ideas"], match[1].strip() or "this"
    points = random.sample(ideas["points"], k=len(ideas["points"]))
    right, wrong = ideas["right"].format(subject=subject), ideas["wrong"].format(subject=subject)
    return Draft(title="Ideas", right=right, wrong=wrong, points=tuple(points))


def _foreign(prompt: str, random: Random) -> Draft | None:
    language = knowledge().recognise_language(prompt)
    if language is None:
        return None
    if len(prompt) < 40 and _is_greeting(prompt, language):
        return Draft(
            title=language.title,
            right=language.greeting,
            wrong=language.shallow,
            as_it_is=True,
            english=False,
        )
    return Draft(
        title=language.title,
        right=language.answer,
        wrong=language.shallow,
        points=language.points,
        english=False,
    )


def _is_greeting(prompt: str, language: Language) -> bool:
    return prompt[:4].lower() == language.greeting[:4].lower()


def _general(prompt: str) -> Draft:
    texts, subject = knowledge().texts["general"], _subject(prompt)
    kind = next(
        (
            kind
            for kind, cue in {
                "argue": r"\bfor and against\b|pros and cons|argument",
                "compare": r"\bvs\.?\b|\bversus\b|difference between|compare|better",
                "how": r"^\W*(how|steps|help|write|make|create|build|plan)\b",
                "why": r"\bwhy\b|reason|cause",
            }.items()
            if re.search(cue, prompt, re.I)
        ),
        "other",
    )
    text = texts[kind]
    return Draft(
        title=subject[:1].upper() + subject[1:],
        right=text["right"].format(subject=subject),
        wrong=text["wrong"].format(subject=subject),
        points=tuple(text["points"]),
    )


def _subject(prompt: str) -> str:
    """The words that say what a prompt is about, short enough to be put into a sentence."""
    line = re.split(r"[\n?!.;:]", prompt.strip(), maxsplit=1)[0].strip()
    while shorter := _LEADING_WORDS.sub("", line, count=1).strip():
        if shorter == line:
            break
        line = shorter
    words = re.findall(r"[^\s\"`*_#<>|{}]+", line)[:8]
    return " ".join(words) or "this"


def _from_entry(entry: Entry) -> Draft:
    return Draft(
        title=entry.title,
        right=entry.right,
        wrong=entry.wrong,
        points=entry.points,
        code=entry.code.strip("\n"),
        wrong_code=entry.wrong_code.strip("\n"),
        code_language=entry.language,
    )


def _found(entries: Sequence[Entry], prompt: str) -> Entry | None:
    return next((entry for entry in entries if entry.asked.search(prompt)), None)


def _lower(title: str) -> str:
    return title if title[1:2].isupper() else title[:1].lower() + title[1:]


# The first that knows what to do with a prompt answers it.
_SKILLS: tuple[Skill, ...] = (
    _identity, _greeting, _translate, _summary, _sentiment, _code, _sum, _conversion, _capital, _foreign, _verse,
    _joke, _letter, _known, _ideas,
)  # fmt: skip
