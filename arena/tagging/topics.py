"""Is a prompt about program code, or about mathematics? Points for what can be seen in any language."""

import re
from typing import Final

from arena.tagging.lexicon import CONCEPTS
from arena.tagging.signals import without_code

_CODE_LINE: Final = re.compile(
    r"^[ \t]*(?:def \w+\(|class \w+[:({]|import \w+|from [\w.]+ import |#include\s*<|using namespace |"
    r"public (?:static|class)|"
    r"(?:const|let|var) \w+ ?=|function \w*\(|package \w+;?|fn \w+\(|func \w+\(|SELECT\b.+\bFROM\b|INSERT INTO |"
    r"CREATE TABLE |UPDATE \w+ SET |FROM [\w./:-]+$|RUN |@\w+\(|\$ \w+|<\?php|<!DOCTYPE|"
    r"<(?:html|div|script|body|head)\b|"
    r"(?:if|for|while) ?\(.+\) ?\{|return .+;[ \t]*$|\w+ = \w+\(.*\);?$|console\.log|System\.out|"
    r"print(?:f|ln)?\(|end$)|\w+\(\w*\) ?\{|=> ?\{|;[ \t]*$",
    re.MULTILINE,
)
_SURE_CODE: Final = re.compile(
    r"Traceback \(most recent|\b\w+Error: |\b\w+Exception\b|\bsegmentation fault\b|\bdef \w+\(|\bconsole\.log\(|"
    r"#include ?<|\bSELECT\b.{1,80}\bFROM\b|</\w+>|\bO\((?:1|n|log|n log|n\^?2|n²)|"
    r"\b(?:pip|npm|apt|git|docker|kubectl) (?:install|commit|push|pull|run|rebase|merge|apply|build|clone|logs)\b|"
    r"`[\w./-]+ [^`\n]*-\w|\w+\(\) ?[{;]|\b\w+\.(?:py|js|ts|cpp|java|rs|go|sh|sql|html|css|yml|yaml)\b",
)
_CODE_REQUEST: Final = re.compile(
    r"\b(?:write|create|make|give me|implement|build|develop|generate|need|code|fix|debug|optimi[sz]e|refactor|explain)"
    r"\b.{0,40}\b(?:function|script|program|class|method|query|regex|parser|api|app|website|unit tests?|macro|bot|"
    r"algorithm|loop|component|compiler|simulator|game)\b"
)
_MATH_SIGNS: Final = re.compile(
    r"\$[^$\n]{1,200}\$|\\(?:frac|int|sum|sqrt|lim|begin\{|mathbb|cdot|infty)|[∫∑√≤≥≠∞π∂∈∀∃]|"
    r"\b\d+(?:[.,]\d+)? ?[+*×÷^] ?\d|\b\d+ [-/−] \d+|(?<![\w/])\d+/\d+ (?:of|von|de)\b|"
    r"\b[a-z] ?(?:\^ ?\d|[²³])|\b\d*[xyznk] ?[+=−-] ?\d|\b[xyfg]\([xnt]\) ?=|"
    r"\b(?:sin|cos|tan|log|ln|sqrt|exp)\(|\d ?% (?:of|von|de|d[ie]|от)\b|"
    r"\bmod \d|\d+!|\bx² |\b\d+[xy]\b"
)
_NUMBER: Final = re.compile(
    r"(?<![a-zA-Z\d.])\d+(?:[.,]\d+)?(?![a-zA-Z\d])|\b(?:half|twice|dozen|two|three|four|five|six|seven|eight|nine|ten)\b"
)
_INDEX: Final = {name: place for place, name in enumerate(CONCEPTS)}


def code_points(prompt: str, text: str, concepts: list[int]) -> float:
    """From 2 on, a prompt most likely wants code written, explained or mended; `text` is the plain prompt."""
    points = min(concepts[_INDEX["code"]], 3) * 1.0 + min(concepts[_INDEX["code noun"]], 2) * 0.5
    points += 2 * bool(_SURE_CODE.search(prompt))
    points += min(len(_CODE_LINE.findall(prompt)), 3) * 0.7
    points += ("```" in prompt) * 1.0 + bool(_CODE_REQUEST.search(text)) * 1.0
    if concepts[_INDEX["creative form"]] and "```" not in prompt:
        points -= 1.5 * min(concepts[_INDEX["creative form"]], 2)
    return points


def math_points(prompt: str, text: str, concepts: list[int]) -> float:
    """From 2 on, a prompt most likely wants a calculation, a proof or a mathematical explanation."""
    prose = without_code(prompt)
    points = min(concepts[_INDEX["math"]], 3) * 1.0 + min(len(_MATH_SIGNS.findall(prose.lower())), 2) * 1.0
    numbers = len(_NUMBER.findall(text))
    if concepts[_INDEX["how many"]] and numbers >= 2:
        points += 1.5 + 0.5 * min(numbers - 2, 2)
    if concepts[_INDEX["creative form"]]:
        points -= 1.0
    return points
