"""From values and dates to coordinates, round ticks on the way, and numbers as the plots print them."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property
from itertools import count, islice, pairwise
from typing import Final

MINUS: Final = "\N{MINUS SIGN}"
NO_BREAK: Final = "\N{NO-BREAK SPACE}"
ROUND_STEPS: Final = (1, 2, 5, 10)
DAY_STEPS: Final = (1, 2, 7, 14)
MONTH_STEPS: Final = (1, 2, 3, 6)
TICK_DISTANCE: Final = 14.0  # pixels between the labels of dates
MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def format_number(value: float, decimals: int = 0, *, grouped: bool = False) -> str:
    """A number with a true minus sign, never a negative zero; `grouped` sets commas between thousands."""
    text = f"{value:,.{decimals}f}" if grouped else f"{value:.{decimals}f}"
    digits = text.lstrip("-")
    return MINUS + digits if text.startswith("-") and digits.strip("0.,") else digits


def format_percent(share: float, decimals: int = 0) -> str:
    """A share from 0 to 1 in per cent."""
    return f"{format_number(100 * share, decimals)}%"


def format_day(day: date) -> str:
    """A date as prose writes it, 4 Aug 2024, with no-break spaces, so that no line ends within it."""
    return NO_BREAK.join((str(day.day), MONTHS[day.month - 1], str(day.year)))


@dataclass(frozen=True, kw_only=True)
class LinearScale:
    """A straight line from values to coordinates."""

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        """The coordinate of a value; the middle where all values are one."""
        if self.high == self.low:
            return (self.start + self.end) / 2
        return self.start + (value - self.low) / (self.high - self.low) * (self.end - self.start)


def round_step(span: float, most: int, *, smallest: float = 0.0) -> float:
    """The smallest of 1, 2 and 5 times a power of ten that divides a span into at most so many steps."""
    if not (math.isfinite(span) and span > 0 and most > 0):
        raise ValueError(f"ticks need a positive finite span and room for one: got span {span}, {most} steps")
    exponent = math.floor(math.log10(span / most))
    power = float(f"1e{exponent}")
    step = next(factor * power for factor in ROUND_STEPS if factor * power * most >= span * (1 - 1e-12))
    return max(step, smallest)


def round_ticks(low: float, high: float, step: float) -> list[float]:
    """The multiples of a step from `low` to `high`, both included."""
    decimals = max(0, 1 - math.floor(math.log10(step)))
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [round(k * step, decimals) + 0.0 for k in range(first, last + 1)]


def decimals_of(step: float) -> int:
    """How many decimals tell the ticks of a step apart."""
    return max(0, -math.floor(math.log10(step) + 1e-9))


def round_domain(low: float, high: float, most: int, *, smallest: float = 0.0) -> tuple[float, float, float]:
    """Widen a range to round ends; returns both ends and the step between ticks."""
    if high == low:
        low, high = low - 1, high + 1
    step = round_step(high - low, most, smallest=smallest)
    ends = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    decimals = max(0, 1 - math.floor(math.log10(step)))
    return round(ends[0] * step, decimals) + 0.0, round(ends[1] * step, decimals) + 0.0, step


@dataclass(frozen=True, kw_only=True)
class DateTick:
    """A tick of a date axis; the year stands under the first tick and wherever it changes."""

    day: date
    label: str
    year: str | None


@dataclass(frozen=True, kw_only=True)
class DateScale:
    """A straight line from days to coordinates."""

    first: date
    last: date
    start: float
    end: float

    def __call__(self, day: date) -> float:
        """The coordinate of a day; the middle where all days are one."""
        return self._line(day.toordinal())

    @cached_property
    def _line(self) -> LinearScale:
        low, high = self.first.toordinal(), self.last.toordinal()
        return LinearScale(low=low, high=high, start=self.start, end=self.end)

    def ticks(self, width_of: Callable[[str], float]) -> list[DateTick]:
        """As many ticks on round dates as their labels leave room for: days, Mondays, firsts of months or years."""
        most = int(abs(self.end - self.start) / TICK_DISTANCE) + 1
        for coarseness in count():
            days = list(islice(self._round_days(coarseness), most + 1)) or [self.first]
            labels = _labels(days)
            if len(days) <= most and self._fit(days, [width_of(label) for label in labels]):
                break
        before = [None, *days]
        return [
            DateTick(day=day, label=label, year=_year_of(day, earlier))
            for day, label, earlier in zip(days, labels, before, strict=False)
        ]

    def _fit(self, days: list[date], widths: list[float]) -> bool:
        ends = [
            (self(day) - width / 2, self(day) + width / 2) for day, width in zip(days, widths, strict=True)
        ]
        return all(start - end >= TICK_DISTANCE for (_, end), (start, _) in pairwise(ends))

    def _round_days(self, coarseness: int) -> Iterator[date]:
        steps = len(DAY_STEPS), len(DAY_STEPS) + len(MONTH_STEPS)
        if coarseness < steps[0]:
            return _every_days(self.first, self.last, DAY_STEPS[coarseness])
        if coarseness < steps[1]:
            return _every_months(self.first, self.last, MONTH_STEPS[coarseness - steps[0]])
        decade, place = divmod(coarseness - steps[1], 3)
        years: int = (1, 2, 5)[place] * 10**decade
        return (day for day in _every_months(self.first, self.last, 12) if day.year % years == 0)


def _every_days(first: date, last: date, step: int) -> Iterator[date]:
    # Ordinal 1 is a Monday, so multiples of 7 after it are Mondays too.
    offset = -(first.toordinal() - 1) % step
    day = first + timedelta(days=offset)
    while day <= last:
        yield day
        day += timedelta(days=step)


def _every_months(first: date, last: date, step: int) -> Iterator[date]:
    for months in range(first.year * 12 + first.month - 1, last.year * 12 + last.month):
        day = date(months // 12, months % 12 + 1, 1)
        if months % step == 0 and first <= day:
            yield day


def _labels(days: list[date]) -> list[str]:
    """Years for firsts of years, months for firsts of months, else days with their month."""
    if len(days) > 1 and all(day.day == day.month == 1 for day in days):
        return [str(day.year) for day in days]
    if len(days) > 1 and all(day.day == 1 for day in days):
        return [MONTHS[day.month - 1] for day in days]
    return [f"{day.day} {MONTHS[day.month - 1]}" for day in days]


def _year_of(day: date, before: date | None) -> str | None:
    return str(day.year) if before is None or before.year != day.year else None
