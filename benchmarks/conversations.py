"""Voted battles with conversations of realistic lengths, written straight into the tables."""

from collections.abc import Iterator, Sequence
from typing import Any, Final

import numpy as np
import psycopg

from arena.tagging import rules_version
from ratings.board_files import STYLE_FEATURES

MODELS: Final = 100
WORDS, PIECES, PIECE_CHARACTERS = 4_000, 4_000, 150
PROMPT_CHARACTERS, ANSWER_CHARACTERS = 300, 1_500
AT_ONCE: Final = 10_000
LANGUAGES: Final = ("en", "en", "en", "de", "fr", "es", "zh", "ru")
TABLES: Final = {
    "voter": ("id", "number", "kind"),
    "battle": (
        "id", "voter_id", "state", "model_a_id", "model_b_id", "propensity", "decoding", "release_policy", "publish",
        "answered_turns", "created_at",
    ),
    "turn": ("id", "battle_id", "index", "prompt", "prompt_language", "state", "finished_at"),
    "response": (
        "turn_id", "side", "state", "text", "finish_reason", "language", "attempts", "prompt_tokens",
        "completion_tokens", "first_token_milliseconds", "total_milliseconds",
    ),
    "vote": ("id", "battle_id", "voter_id", "winner", "counted", "receipt", "created_at"),
    "ballot": (
        "vote_id", "voter", "model_a_id", "model_b_id", "winner", "cast_on", "tags", "style_a", "style_b",
        "prompt_digest", "rules",
    ),
}  # fmt: skip
DECODING: Final = '{"max_tokens": 2048, "temperature": 0.7, "top_p": 1.0, "system_prompt": null}'


def fill(conninfo: str, battles: int, *, seed: int = 1) -> None:
    """Replace what the database holds by so many battles of one turn, nineteen of twenty with consent."""
    random = np.random.default_rng(seed)
    pieces = _pieces(random)
    with psycopg.connect(conninfo, autocommit=True) as connection:
        connection.execute("SET session_replication_role = replica")  # ballots are written here, tags and all
        connection.execute(f"TRUNCATE {', '.join(TABLES)}, model, release RESTART IDENTITY CASCADE")
        names = ", ".join(f"('model-{number:03}', 'maker', 'open')" for number in range(MODELS))
        connection.execute(f"INSERT INTO model (name, organization, license) VALUES {names}")
        voters = max(battles // 5, 1)
        _copy(connection, "voter", ((_uuid(number), number, "human") for number in range(1, voters + 1)))
        for first in range(0, battles, AT_ONCE):
            rows = _rows(random, pieces, first, min(AT_ONCE, battles - first), voters)
            for table, values in rows.items():
                _copy(connection, table, values)
        connection.execute("VACUUM ANALYZE")


def _pieces(random: np.random.Generator) -> list[str]:
    """Passages of words that are as frequent as words are."""
    letters = np.array(list("etaoinshrdlucmfwypvbgkjqxz"))
    weight = 1 / np.arange(1, 27)
    words = [
        "".join(random.choice(letters, 1 + random.poisson(4), p=weight / weight.sum())) for _ in range(WORDS)
    ]
    frequency = 1 / np.arange(1, WORDS + 1)
    drawn = random.choice(WORDS, (PIECES, PIECE_CHARACTERS // 6), p=frequency / frequency.sum())
    return [
        " ".join(words[place] for place in row) + random.choice([". ", ",\n", "; "]) for row in drawn.tolist()
    ]


def _texts(random: np.random.Generator, pieces: Sequence[str], characters: int, count: int) -> list[str]:
    """Texts of lengths that vary as lengths do, so many characters on average."""
    length = np.exp(random.normal(-0.18, 0.6, count)) * characters / PIECE_CHARACTERS
    parts = np.maximum(1, length.round().astype(int))
    drawn = random.integers(0, len(pieces), parts.sum()).tolist()
    ends = np.cumsum(parts).tolist()
    return [
        "".join(pieces[place] for place in drawn[start:end])
        for start, end in zip([0, *ends], ends, strict=False)
    ]


def _rows(
    random: np.random.Generator, pieces: Sequence[str], first: int, count: int, voters: int
) -> dict[str, Iterator[Any]]:
    ids = range(first + 1, first + count + 1)
    battles = [random.bytes(11).hex() for _ in ids]
    who = (1 + random.integers(0, voters, count)).tolist()
    a = random.integers(0, MODELS, count)
    b = (a + random.integers(1, MODELS, count)) % MODELS
    pairs = list(zip((a + 1).tolist(), (b + 1).tolist(), strict=True))
    winners = random.choice(
        ["model_a", "model_b", "tie", "both_bad"], count, p=[0.38, 0.36, 0.16, 0.1]
    ).tolist()
    language = random.choice(LANGUAGES, count).tolist()
    publish = (random.random(count) < 0.95).tolist()
    day = [f"2026-{1 + number % 9:02}-{1 + number % 28:02}" for number in ids]
    prompts = _texts(random, pieces, PROMPT_CHARACTERS, count)
    answers = [_texts(random, pieces, ANSWER_CHARACTERS, count) for _ in "ab"]
    tokens = [[len(text) // 4 for text in side] for side in answers]
    milliseconds = random.lognormal(6, 0.5, (2, 2, count)).round(2).tolist()
    digests, rules = random.integers(0, 2**62, count).tolist(), rules_version(())
    marks = random.geometric([0.25, 0.15, 0.12, 0.65, 0.6], (2, count, len(STYLE_FEATURES) - 1)) - 1
    rest = marks.tolist()
    each = range(count)
    return {
        "battle": (
            (
                battles[i], _uuid(who[i]), "voted", *pairs[i], 1 / 4950, DECODING, "paced", publish[i], 1,
                f"{day[i]} 10:00Z",
            )
            for i in each
        ),
        "turn": (
            (ids[i], battles[i], 0, prompts[i], language[i], "answered", f"{day[i]} 10:01Z") for i in each
        ),
        "response": (
            (
                ids[i], "ab"[side], "answered", answers[side][i], "stop", language[i], 1, len(prompts[i]) // 4,
                tokens[side][i], milliseconds[side][0][i], 10 * milliseconds[side][1][i],
            )
            for i in each
            for side in (0, 1)
        ),
        "vote": (
            (ids[i], battles[i], _uuid(who[i]), winners[i], True, battles[i], f"{day[i]} 10:02Z") for i in each
        ),
        "ballot": (
            (
                ids[i], who[i], *pairs[i], winners[i], day[i], [f"language:{language[i]}"],
                *([tokens[side][i], *rest[side][i]] for side in (0, 1)), 4 * f"{digests[i]:016x}", rules,
            )
            for i in each
        ),
    }  # fmt: skip


def _uuid(number: int) -> str:
    return f"{number:032x}"


def _copy(connection: psycopg.Connection[Any], table: str, rows: Iterator[Any]) -> None:
    into = f"COPY {table} ({', '.join(TABLES[table])}) FROM STDIN"
    with connection.cursor() as cursor, cursor.copy(into) as copy:
        for row in rows:
            copy.write_row(row)
