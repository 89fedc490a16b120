"""Simulated voters: they play battles through the public API, judge what they read, and are marked for good.

They know nothing of the models, only the two texts in front of them: whether an expected fact is there, how much
was said, and a taste of their own. So a board of their votes has an order, ties and noise, like a real one.
"""

import asyncio
import math
from dataclasses import dataclass
from random import Random
from typing import Any

import aiohttp
from sqlalchemy import func, select

from arena.db import Database
from arena.errors import Unavailable
from arena.logs import get_log
from arena.settings import Settings
from arena.tables import Vote, Voter, Winner
from arena.voters import SIMULATED_HEADER, Signer

log = get_log("arena.simulate")
POLL_SECONDS = 0.15
START_SECONDS = 30
PATIENCE_SECONDS = 120
TIE_WIDTH = 0.35
BAD_BELOW = 0.6


@dataclass(frozen=True)
class Question:
    """A prompt, and words of which a good answer holds at least one."""

    prompt: str
    expected: tuple[str, ...]


QUESTIONS = (
    Question("What is 17 * 23?", ("391",)),
    Question("What is 144 / 12 + 7?", ("19",)),
    Question("What is 15 % of 240?", ("36",)),
    Question("Convert 26.2 miles to km.", ("42.1",)),
    Question("Convert 100 degrees Fahrenheit to Celsius.", ("37.7", "37.8")),
    Question("What is the capital of Australia?", ("canberra",)),
    Question("What is the capital of Canada?", ("ottawa",)),
    Question("What is the capital of Brazil?", ("brasília", "brasilia")),
    Question("What is the capital of Turkey?", ("ankara",)),
    Question("What is inflation?", ("prices",)),
    Question("What is Kubernetes good for?", ("container",)),
    Question("Explain recursion to a beginner.", ("itself", "base case")),
    Question("How does TCP differ from UDP?", ("reliable", "order", "connection")),
    Question("Write a Python function that reverses a string.", ("[::-1]", "reversed(")),
    Question("Write a Python function that checks whether a number is prime.", ("def ", "% ")),
    Question(
        "Translate 'good morning' into French, German and Spanish.", ("bonjour", "guten morgen", "buenos")
    ),
    Question("Give me three ideas for a rainy Sunday.", ("1", "-", "*", "•")),
    Question("Write a haiku about autumn.", ("leaf", "leaves", "autumn", "wind")),
)


@dataclass(frozen=True, kw_only=True)
class Taste:
    """What one simulated voter likes."""

    accuracy: float
    length: float
    noise: float

    @classmethod
    def draw(cls, random: Random) -> "Taste":
        return cls(
            accuracy=random.uniform(1.5, 3.0), length=random.gauss(0.25, 0.2), noise=random.uniform(0.2, 0.6)
        )

    def appeal(self, question: Question, answer: str, random: Random) -> float:
        """How much a text pleases this voter, on a scale where 1 is a plain right answer."""
        text = answer.casefold()
        right = any(word in text for word in question.expected)
        fullness = math.log1p(min(len(text), 1200) / 200)
        return self.accuracy * right + self.length * fullness + random.gauss(0, self.noise)

    def judge(self, question: Question, answer_a: str, answer_b: str, random: Random) -> Winner:
        appeal_a = self.appeal(question, answer_a, random)
        appeal_b = self.appeal(question, answer_b, random)
        if max(appeal_a, appeal_b) < BAD_BELOW:
            return "both_bad"
        if abs(appeal_a - appeal_b) < TIE_WIDTH:
            return "tie"
        return "model_a" if appeal_a > appeal_b else "model_b"


async def play(base_url: str, settings: Settings, *, battles: int, at_once: int, seed: int) -> int:
    """Play so many battles and return how many votes were cast; a battle that fails is left without one."""
    gate = asyncio.Semaphore(at_once)
    headers = {SIMULATED_HEADER: Signer(settings.secret()).simulation_token()}

    async def one(number: int) -> bool:
        # A jar of its own: every battle is another voter.
        jar = aiohttp.CookieJar(unsafe=True)
        async with (
            gate,
            aiohttp.ClientSession(base_url, headers=headers, cookie_jar=jar, trust_env=False) as session,
        ):
            return await _battle(session, Random(f"{seed}:{number}"))

    await _ready(base_url)
    results = await asyncio.gather(*(one(number) for number in range(battles)), return_exceptions=True)
    failures = [result for result in results if isinstance(result, BaseException)]
    if failures:
        log.warning("simulated_battles_failed", battles=len(failures), first=repr(failures[0]))
    return sum(result is True for result in results)


async def votes_cast(url: str) -> int:
    """How many votes simulated voters have cast on this arena so far."""
    database = Database(url, pool_size=1)
    try:
        async with database.sessions() as session:
            query = select(func.count()).select_from(Vote).join(Voter).where(Voter.kind == "simulated")
            return await session.scalar(query) or 0
    finally:
        await database.close()


async def _ready(base_url: str) -> None:
    """Wait for an arena that is only starting; raises `Unavailable`."""
    try:
        async with (
            asyncio.timeout(START_SECONDS),
            aiohttp.ClientSession(base_url, trust_env=False) as session,
        ):
            while True:
                if await _is_ready(session):
                    return
                await asyncio.sleep(0.2)
    except TimeoutError:
        raise Unavailable(
            f"No arena answers at {base_url}, and {START_SECONDS} s are enough for one that is starting. "
            "Start it with `arena serve`, or name another with --base-url."
        ) from None


async def _is_ready(session: aiohttp.ClientSession) -> bool:
    try:
        async with session.get("/readyz") as answer:
            return answer.status == 200
    except aiohttp.ClientError:
        return False


async def _battle(session: aiohttp.ClientSession, random: Random) -> bool:
    question = random.choice(QUESTIONS)
    async with session.post("/api/v1/battles", json={"prompt": question.prompt, "publish": True}) as answer:
        answer.raise_for_status()
        battle = await answer.json()
    battle = await _answered(session, battle)
    if not battle["can_vote"]:
        return False
    responses = battle["turns"][-1]["responses"]
    winner = Taste.draw(random).judge(question, responses["a"]["text"], responses["b"]["text"], random)
    async with session.post(f"/api/v1/battles/{battle['id']}/vote", json={"winner": winner}) as answer:
        answer.raise_for_status()
    return True


async def _answered(session: aiohttp.ClientSession, battle: dict[str, Any]) -> dict[str, Any]:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while battle["state"] == "answering":
            await asyncio.sleep(POLL_SECONDS)
            async with session.get(f"/api/v1/battles/{battle['id']}") as answer:
                answer.raise_for_status()
                battle = await answer.json()
    return battle
