"""An operator's regular expressions: those that could keep a processor busy for minutes are refused beforehand."""

import importlib
import re
from collections.abc import Iterable
from typing import Any, Final

LONGEST_SEARCHED: Final = 2000
"""Characters of a prompt that an operator's words and patterns see."""
LONGEST_PATTERN: Final = 1000
_MOST_STEPS: Final = 8_000_000
"""Part of a second at worst; one unlimited repetition on a text of the longest length stays below."""
_FLAGS: Final = re.IGNORECASE

# The standard library's own reading of a pattern; the module has no public name since 3.11.
_PARSER: Final[Any] = importlib.import_module("re._parser")


def compile_pattern(source: str) -> re.Pattern[str]:
    """Compile a pattern that is matched without regard to case; raises ValueError saying what to mend."""
    if not source or len(source) > LONGEST_PATTERN:
        raise ValueError(f"pattern has {len(source)} characters; 1 to {LONGEST_PATTERN} are allowed")
    try:
        compiled = re.compile(source, _FLAGS)
        tree = _PARSER.parse(source, _FLAGS)
    except (re.error, OverflowError, RecursionError) as error:
        raise ValueError(f"pattern is no regular expression: {error}") from error
    if compiled.search("") is not None:
        raise ValueError("pattern matches the empty text, and so every prompt; let it ask for something")
    if _ways(tree) * LONGEST_SEARCHED > _MOST_STEPS:
        raise ValueError(
            "pattern could take very long on some texts: it nests repetitions or has several without a limit; "
            "write .{0,60} for .*, {1,9} for + around a group, or list plain words instead"
        )
    return compiled


def compile_words(words: Iterable[str]) -> re.Pattern[str]:
    """A pattern that finds any of the words, whole; in scripts without spaces, anywhere."""
    bounded = (
        f"{_edge(word[0], 'behind')}{re.escape(word)}{_edge(word[-1], 'ahead')}"
        for word in sorted(words, key=len, reverse=True)
    )
    return re.compile("|".join(bounded), _FLAGS)


def _edge(sign: str, side: str) -> str:
    """What keeps a word whole at one end: nothing for signs of scripts that do not part words."""
    if not re.match(
        r"[^\W\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]", sign
    ):
        return ""
    return r"(?<!\w)" if side == "behind" else r"(?!\w)"


def _ways(sequence: Any) -> int:
    """An upper bound of how many ways backtracking may try from one place of the text."""
    ways = 1
    for operation, argument in sequence:
        ways = min(ways * _ways_of(str(operation), argument), _MOST_STEPS)
    return ways


def _ways_of(operation: str, argument: Any) -> int:
    match operation:
        case "POSSESSIVE_REPEAT" if _ways(argument[2]) == 1:
            return 1  # what it took it does not give back
        case "MAX_REPEAT" | "MIN_REPEAT" | "POSSESSIVE_REPEAT":
            least, most, body = argument
            return _repeated(_ways(body), min(int(least), LONGEST_SEARCHED), min(int(most), LONGEST_SEARCHED))
        case "BRANCH":
            return min(sum(_ways(branch) for branch in argument[1]), _MOST_STEPS)
        case "SUBPATTERN" | "ASSERT" | "ASSERT_NOT":
            return _ways(argument[-1])
        case "ATOMIC_GROUP":
            return _ways(argument)
        case "GROUPREF_EXISTS":
            return _ways(argument[1]) + (_ways(argument[2]) if argument[2] else 1)
        case _:
            return 1


def _repeated(ways: int, least: int, most: int) -> int:
    if ways == 1:
        return most - least + 1
    total = 0
    for times in range(least, most + 1):
        total += ways**times
        if total > _MOST_STEPS:
            return _MOST_STEPS
    return total
