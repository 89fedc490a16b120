"""Data that look like an arena's, the same in every run: one plot of each kind, small, large and hostile."""

import math
import random
from datetime import date, timedelta

from arena.web.plots.bars import Bar, BarsPlot
from arena.web.plots.convergence import ConvergencePlot, Spread
from arena.web.plots.history import HistoryPlot, ModelHistory
from arena.web.plots.pair_matrix import Pair, PairMatrixPlot
from arena.web.plots.ratings import RatedModel, RatingsPlot
from arena.web.plots.stacked_days import VoteDay, VoteDaysPlot
from arena.web.plots.timelines import Point
from arena.web.plots.win_loss_by_week import Week, WinLossPlot

FIRST_DAY = date(2024, 9, 2)  # a Monday
BIRDS = (
    "heron",
    "kestrel",
    "wren",
    "ibis",
    "plover",
    "tern",
    "lark",
    "bittern",
    "crane",
    "dunlin",
    "egret",
    "finch",
)
KINDS = (
    "large",
    "small-instruct-2024-08-06",
    "chat",
    "mini",
    "pro-experimental-20241022",
    "1",
    "2-70b-it",
    "next",
)
HOSTILE = '<script>alert(1)</script> & "quoted" \x00\x0b ]]> \u202egnorw'
REASONS = (
    "Rate limit exceeded",
    "Answer named its model",
    "Voted within a second",
    "Same vote again and again",
)


def model_names(count: int) -> list[str]:
    return [
        f"{BIRDS[it % 12]}-{KINDS[it // 12 % 8]}" + (f"-v{it // 96}" if it >= 96 else "")
        for it in range(count)
    ]


def rated_models(count: int, *, controlled: bool = False, seed: int = 1) -> list[RatedModel]:
    dice = random.Random(seed)
    ratings = sorted((1000 + 130 * dice.gauss(0, 1) for _ in range(count)), reverse=True)
    models = []
    for place, (model, rating) in enumerate(zip(model_names(count), ratings, strict=True), start=1):
        preliminary = dice.random() < 0.12
        width = dice.uniform(90, 260) if preliminary else dice.uniform(4, 22)
        models.append(
            RatedModel(
                model=model,
                rating=rating,
                lower=rating - width * dice.uniform(0.9, 1.1),
                upper=rating + width,
                rank_lower=max(1, place - dice.randrange(3)),
                rank_upper=min(count, place + dice.randrange(3)),
                preliminary=preliminary,
                controlled=rating + dice.gauss(0, 25) if controlled else None,
            )
        )
    return models


def ratings_plot(count: int = 24, *, controlled: bool = False) -> RatingsPlot:
    about = "Dots are ratings; the longer the whisker, the less the votes say. Ranks hold for all models together."
    models = rated_models(count, controlled=controlled)
    return RatingsPlot(id=f"ratings-{count}", title=f"Ratings of {count} models", about=about, models=models)


def history_days(count: int) -> list[date]:
    days = [FIRST_DAY + timedelta(days=it) for it in range(count)]
    return [day for day in days if not 60 <= (day - FIRST_DAY).days < 78]


def histories(days: list[date], count: int, highlighted: int, *, seed: int = 2) -> list[ModelHistory]:
    dice = random.Random(seed)
    models = []
    for place, name in enumerate(model_names(count)):
        rating, points = 1260 - place * 420 / count, []
        entered, left = dice.choice((0, 0, 30, 90)), len(days) - dice.choice((0, 0, 0, 45))
        for since, day in enumerate(days[entered:left]):
            rating += dice.gauss(0, 2.2) * math.exp(-since / 150)
            width = 6 + 40 / math.sqrt(1 + since)
            points.append(Point(day=day, value=rating, lower=rating - width, upper=rating + width))
        models.append(ModelHistory(model=name, points=points, highlighted=place < highlighted))
    return models


def history_plot(days: int = 240, models: int = 40, highlighted: int = 6) -> HistoryPlot:
    dates = history_days(days)
    about = (
        "Lines break where there is no snapshot. Names stand at the ends of the lines, with the last rating."
    )
    return HistoryPlot(
        id=f"history-{days}",
        title=f"Ratings over {days} days",
        about=about,
        days=dates,
        models=histories(dates, models, highlighted),
    )


def convergence_plot(days: int = 400) -> ConvergencePlot:
    dice, dates = random.Random(3), history_days(days)

    def points(start: float, end: float, noise: float) -> list[Point]:
        fall = [end + (start - end) * math.exp(-it / 110) for it in range(len(dates))]
        return [
            Point(day=day, value=max(0.0, value + dice.gauss(0, noise)))
            for day, value in zip(dates, fall, strict=True)
        ]

    spreads = [
        Spread(name="First to tenth", points=points(180, 62, 2.0)),
        Spread(name="First to second", points=points(35, 9, 1.5)),
        Spread(name="Median interval", points=points(70, 14, 0.7)),
    ]
    return ConvergencePlot(
        id="convergence", title="Is the field closing up?", about="In rating points.", spreads=spreads
    )


def pair_matrix_plot(count: int = 20, *, met: float = 0.9) -> PairMatrixPlot:
    dice, names = random.Random(4), model_names(count)
    pairs = []
    for a in range(count):
        for b in range(a + 1, count):
            if dice.random() < met:
                strength = (b - a) * 3.2 / count
                rate = 1 / (1 + math.exp(-strength + dice.gauss(0, 0.25)))
                pairs.append(
                    Pair(model_a=names[a], model_b=names[b], win_rate=rate, votes=dice.randrange(3, 900))
                )
    about = "Read a row from left to right: the model of the row against the models in order of the board."
    return PairMatrixPlot(
        id=f"pairs-{count}", title=f"Who beats whom, {count} models", about=about, models=names, pairs=pairs
    )


def win_loss_plot(weeks: int = 40) -> WinLossPlot:
    dice = random.Random(5)
    drawn = []
    for it in range(weeks):
        votes = int(900 * (0.35 + it / weeks) * dice.uniform(0.7, 1.2))
        wins, ties = int(votes * dice.uniform(0.45, 0.55)), int(votes * dice.uniform(0.15, 0.22))
        drawn.append(
            Week(start=FIRST_DAY + timedelta(weeks=it), wins=wins, losses=votes - wins - ties, ties=ties)
        )
    del drawn[18:20]
    return WinLossPlot(id=f"weeks-{weeks}", title="heron-large, week by week", weeks=drawn)


def bars_plot() -> BarsPlot:
    dice = random.Random(6)
    names = (
        "Code",
        "Math",
        "Creative writing",
        "Instruction following",
        "Hard prompts",
        "Long prompts",
        "Multi-turn",
    )
    languages = ("English", "中文", "Deutsch", "Русский", "日本語", "العربية", "Português do Brasil")
    bars = []
    for name in (*names, *languages):
        share, votes = dice.uniform(0.38, 0.71), dice.randrange(40, 30000)
        half = 1.96 * math.sqrt(share * (1 - share) / votes)
        bars.append(Bar(name=name, share=share, votes=votes, lower=share - half, upper=share + half))
    return BarsPlot(id="bars", title="Win rate by category and language", bars=bars)


def vote_days_plot(days: int = 60) -> VoteDaysPlot:
    dice, drawn = random.Random(7), []
    for it in range(days):
        counted = int(2600 * dice.uniform(0.7, 1.2) * (0.7 if it % 7 > 4 else 1))
        jump = 4 if 38 <= it < 41 else 1
        left_out = {
            reason: int(counted * 0.03 / (1 + place) * dice.uniform(0.5, 1.5) * (jump if place == 0 else 1))
            for place, reason in enumerate(REASONS)
        }
        drawn.append(
            VoteDay(day=FIRST_DAY + timedelta(days=it), counted=counted, not_counted=left_out, alarm=jump > 1)
        )
    return VoteDaysPlot(id=f"days-{days}", title="Votes by day", days=drawn)
