"""Sums, percentages and unit conversions, read out of a sentence and computed without `eval`."""

from __future__ import annotations

import ast
import operator
import re
from collections.abc import Callable, Mapping

_OPERATIONS: Mapping[type[ast.operator], Callable[[float, float], float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Pow: operator.pow,
}
_SPOKEN = (
    (r"\b(?:multiplied by|times)\b|[×·]", "*"),
    (r"(?<=\d)\s*x\s*(?=\d)", "*"),
    (r"\bdivided by\b|÷", "/"),
    (r"\bplus\b", "+"),
    (r"\bminus\b|−", "-"),
    (r"\bto the power of\b|\^", "**"),
    (r"\bsquared\b", "**2"),
    (r"(?<=\d),(?=\d{3}\b)", ""),
)
# Whole numbers or none: a search that may begin inside a run of digits takes the square of its length, and
# for the same reason the repetitions below are possessive (`*+`) or counted.
_NUMBER = r"(?<![\d.])\d{1,15}(?:\.\d{1,15})?(?!\d)"
_UNIT = r"[a-z°/]{1,30}"
_PERCENT = re.compile(
    rf"({_NUMBER})\s*+(?:%|percent|per cent|prozent)\s*+(?:of|von|de)\s*+\$?({_NUMBER})", re.I
)
_ROOT = re.compile(rf"square root of ({_NUMBER})", re.I)
_SUM = re.compile(r"(?<![-(\d.])[-(]*+\d[\d\s.()]*+(?:(?:\*\*|[-+*/])[\s(-]*+\d[\d\s.()]*+)+")
_CONVERT = re.compile(
    rf"(-?{_NUMBER})\s*+(?:degrees?\s++)?({_UNIT})\s++(?:to|in|into|as)\s++(?:degrees?\s++)?({_UNIT})", re.I
)
_HOW_MANY = re.compile(rf"how many ({_UNIT}) (?:are )?(?:there )?in (an?|one|{_NUMBER}) ({_UNIT})", re.I)
_LARGEST_EXPONENT = 64
_LARGEST_NUMBER = 1e15
_LONGEST_SUM = 120


def find_sum(prompt: str) -> tuple[str, float] | None:
    """The sum asked for, as (text, value)."""
    text = prompt
    for pattern, symbol in _SPOKEN:
        text = re.sub(pattern, symbol, text, flags=re.IGNORECASE)
    if match := _PERCENT.search(text):
        return f"{match[1]}% of {match[2]}", float(match[1]) * float(match[2]) / 100
    if match := _ROOT.search(text):
        return f"√{match[1]}", float(match[1]) ** 0.5
    for candidate in _SUM.findall(text):
        if (value := _evaluate(candidate.strip(" ."))) is not None:
            return re.sub(r"\s+", " ", candidate.strip(" .")), value
    return None


def _evaluate(text: str) -> float | None:
    if len(text) > _LONGEST_SUM or re.fullmatch(r"\d{4}-\d{2}(-\d{2})?", text):  # a date is no subtraction
        return None
    try:
        return _value(ast.parse(text, mode="eval").body)
    except (SyntaxError, ValueError, ZeroDivisionError, OverflowError):
        return None


def _value(node: ast.expr) -> float:
    match node:
        case ast.Constant(value=int() | float() as value):
            return _not_too_large(value)
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return -_value(operand)
        case ast.BinOp(left=left, op=operation, right=right) if type(operation) in _OPERATIONS:
            first, second = _value(left), _value(right)
            if isinstance(operation, ast.Pow):
                _check_power(first, second)
            return _not_too_large(_OPERATIONS[type(operation)](first, second))
    raise ValueError("not a sum")


def _check_power(base: float, exponent: float) -> None:
    if abs(exponent) > _LARGEST_EXPONENT:
        raise ValueError("too large")
    if base < 0 and not (exponent >= 0 and float(exponent).is_integer()):
        raise ValueError("not a real number")


def _not_too_large(value: float) -> float:
    if abs(value) > _LARGEST_NUMBER:
        raise ValueError("too large")
    return value


def find_conversion(
    prompt: str, units: Mapping[str, tuple[str, float]], names: Mapping[str, str]
) -> tuple[str, float, str] | None:
    """The conversion asked for, as (what, value, unit)."""
    if match := _CONVERT.search(prompt):
        amount, source, target = float(match[1]), match[2], match[3]
    elif match := _HOW_MANY.search(prompt):
        amount = 1.0 if match[2].isalpha() else float(match[2])
        source, target = match[3], match[1]
    else:
        return None
    from_unit, to_unit = (_unit(name.lower(), units, names) for name in (source, target))
    if not from_unit or not to_unit or units[from_unit][0] != units[to_unit][0]:
        return None
    if units[from_unit][0] == "temperature":
        return f"{show(amount)} {source}", _temperature(amount, from_unit, to_unit), target
    return f"{show(amount)} {source}", amount * units[from_unit][1] / units[to_unit][1], target


def _unit(name: str, units: Mapping[str, tuple[str, float]], names: Mapping[str, str]) -> str:
    for form in (name, name.removesuffix("s")):
        unit = names.get(form, form)
        if unit in units:
            return unit
    return ""


def _temperature(amount: float, source: str, target: str) -> float:
    celsius = {"celsius": amount, "kelvin": amount - 273.15, "fahrenheit": (amount - 32) / 1.8}[source]
    return {"celsius": celsius, "kelvin": celsius + 273.15, "fahrenheit": celsius * 1.8 + 32}[target]


def show(value: float) -> str:
    """A number as people write it: 4 rather than 4.0, and not more than four decimals."""
    if isinstance(value, int) or float(value).is_integer():
        return str(int(value))
    return f"{value:.4f}".rstrip("0").rstrip(".") if abs(value) >= 0.001 else f"{value:.3g}"
