"""Synthetic battles as the data files of a release, of any size: to test and to time whatever reads releases."""

from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]

from arena.ballots import over_frequent
from arena.populations import OWN_POPULATIONS, POPULATION_OF_REASON, imported
from ratings.board_files import STYLE_FEATURES
from ratings.release.populations import VOTES_FILE, read_populations
from ratings.release.schema import BOARD_VOTES, DATA, FORMAT, STYLE, TURNS, VOTES, board_votes_file
from ratings.release.tables import TableWriter

BATCH = 20_000
STUDY = "study"
STUDY_VOTES = 200
WEEKS = pa.array([date(2026, 11, 2), date(2026, 11, 9)], pa.date32())
REASONS = (None, "demo_models", "simulated_voter", "identity_revealed")
SHARES = (0.72, 0.1, 0.15, 0.03)
WINNERS = ("model_a", "model_b", "tie", "both_bad")
LANGUAGES = ("en", "de", "fr", "zh")
SPOKEN = (0.7, 0.15, 0.1, 0.05)
TAGS = ("code", "creative-writing", "hard-prompt", "math", "refusal")
WORDS = (
    "how", "does", "a", "small", "river", "find", "its", "way", "from", "mountains", "down", "to", "the", "sea",
    "when", "it", "rains", "all", "day", "**and**", "night\n",
)  # fmt: skip


class SyntheticBattles:
    """Battles drawn once, and the rows of each file of them."""

    def __init__(self, battles: int, models: int, voters: int, characters: int, seed: int) -> None:
        self.rng = rng = np.random.default_rng(seed)
        self.size = battles
        self.ids = np.sort(_hexadecimal(rng, battles, 16))
        self.reason = rng.choice(len(REASONS), battles, p=SHARES)
        demo = np.isin(self.reason, (1, 2))
        self.names = [f"{kind}-{number:02}" for kind in ("model", "demo") for number in range(models)]
        a = rng.integers(models, size=battles)
        b = (a + rng.integers(1, models, size=battles)) % models
        self.a, self.b = a + models * demo, b + models * demo
        self.winner = self._winners(models)
        self.voter = (rng.zipf(1.6, battles) % voters) + voters * (self.reason == 2)
        self.turns = 1 + (rng.random(battles) < 0.2)
        self.week = rng.integers(len(WEEKS), size=battles)
        self.language = rng.choice(len(LANGUAGES), battles, p=SPOKEN)
        self.tags = rng.random((battles, len(TAGS))) < 0.25
        self.prompt = np.where(rng.random(battles) < 0.15, 0, rng.integers(2**62, size=battles))
        self.frequent = np.zeros(battles, bool)
        for reason in range(len(REASONS)):
            rows = np.flatnonzero(self.reason == reason)
            self.frequent[rows] = over_frequent(self.prompt[rows], rows)
        self.characters = characters
        self.text = " ".join(rng.choice(WORDS, 40 * characters + 50_000))

    def _winners(self, models: int) -> Any:
        strength = np.linspace(1, -1, models)
        chance = 1 / (1 + np.exp(strength[self.b % models] - strength[self.a % models]))
        decided = (self.rng.random(self.size) >= chance).astype(np.int64)
        return np.where(self.rng.random(self.size) < 0.25, self.rng.integers(2, 4, self.size), decided)

    def write(self, directory: Path) -> None:
        """Write the data files, and the imported votes of a study."""
        for folder in ("data", "boards"):
            (directory / folder).mkdir(parents=True, exist_ok=True)
        with (
            TableWriter(directory / "data/battles.parquet", DATA["data/battles.parquet"]) as battles,
            TableWriter(directory / "data/turns.parquet", TURNS) as turns,
            TableWriter(directory / VOTES_FILE, VOTES) as votes,
        ):
            for start in range(0, self.size, BATCH):
                rows = np.arange(start, min(start + BATCH, self.size))
                battles.write(self._battles(rows))
                turns.write(self._turns(rows))
                votes.write(self._votes(rows))
        for name, rows in (("models", self._models()), ("withheld", _withheld(self.names))):
            file = f"data/{name}.parquet"
            with TableWriter(directory / file, DATA[file]) as writer:
                writer.write(pa.Table.from_pylist(rows, DATA[file]))
        with TableWriter(directory / board_votes_file(STUDY), BOARD_VOTES) as writer:
            writer.write(self._study())

    def _shared(self, rows: Any) -> dict[str, Any]:
        names = pa.array(self.names)
        population = [None if each is None else each.name for each in map(POPULATION_OF_REASON.get, REASONS)]
        return {
            "battle_id": pa.array(self.ids[rows].astype(str)),
            "population": pa.array([*population[:3], None], pa.string()).take(pa.array(self.reason[rows])),
            "model_a": names.take(pa.array(self.a[rows])),
            "model_b": names.take(pa.array(self.b[rows])),
            "week": WEEKS.take(pa.array(self.week[rows])),
            "propensity": np.full(len(rows), 1 / 30),
        }

    def _battles(self, rows: Any) -> pa.Table:
        columns = self._shared(rows) | {
            "version_a": np.ones(len(rows), np.int32),
            "version_b": np.ones(len(rows), np.int32),
            "turns": self.turns[rows].astype(np.int32),
            "language": pa.array(LANGUAGES).take(pa.array(self.language[rows])),
            "sampling_policy": ["uniform"] * len(rows),
            "release_policy": ["paced"] * len(rows),
            "decoding": ['{"temperature": 0.7}'] * len(rows),
            "void_reason": pa.nulls(len(rows), pa.string()),
        }
        return _table(columns, DATA["data/battles.parquet"])

    def _turns(self, rows: Any) -> pa.Table:
        counts = self.turns[rows]
        size = int(counts.sum())
        first = np.repeat(np.cumsum(counts) - counts, counts)
        columns: dict[str, Any] = {
            "battle_id": pa.array(np.repeat(self.ids[rows], counts).astype(str)),
            "index": (np.arange(size) - first).astype(np.int32),
            "after_reveal": np.zeros(size, bool),
            "prompt": self._texts(size, self.characters // 4),
            "prompt_language": pa.array(LANGUAGES).take(pa.array(np.repeat(self.language[rows], counts))),
            "redacted": pa.array([[]] * size, pa.list_(pa.string())),
            "moderation": pa.nulls(size, pa.list_(pa.string())),
        }
        for state in ("state", "state_a", "state_b"):
            columns[state] = ["answered"] * size
        for side in "ab":
            columns |= {
                f"response_{side}": self._texts(size, self.characters),
                f"finish_reason_{side}": ["stop"] * size,
                f"language_{side}": columns["prompt_language"],
                f"prompt_tokens_{side}": self.rng.integers(5, 200, size).astype(np.int32),
                f"completion_tokens_{side}": self.rng.integers(5, 400, size).astype(np.int32),
                f"first_token_milliseconds_{side}": self.rng.gamma(2, 100, size).round(1),
                f"total_milliseconds_{side}": self.rng.gamma(2, 3000, size).round(1),
                f"attempts_{side}": np.ones(size, np.int32),
                f"reveals_identity_{side}": pa.nulls(size, pa.string()),
            }
        return _table(columns, TURNS)

    def _texts(self, size: int, mean: int) -> list[str]:
        lengths = self.rng.integers(mean // 2, mean + mean // 2, size) + 4
        starts = self.rng.integers(len(self.text) - int(lengths.max()), size=size)
        return [
            self.text[start : start + length].strip() or "so"
            for start, length in zip(starts, lengths, strict=True)
        ]

    def _votes(self, rows: Any) -> pa.Table:
        size = len(rows)
        reason = self.reason[rows]
        tags = [
            sorted(
                [f"language:{LANGUAGES[language]}", *(tag for tag, has in zip(TAGS, row, strict=True) if has)]
            )
            for language, row in zip(self.language[rows], self.tags[rows].tolist(), strict=True)
        ]
        columns = self._shared(rows) | {
            "winner": pa.array(WINNERS).take(pa.array(self.winner[rows])),
            "voter": [f"{voter * 2654435761 % 2**64:016x}" for voter in self.voter[rows].tolist()],
            "counted": reason == 0,
            "reason": pa.array(REASONS, pa.string()).take(pa.array(reason)),
            "reasons": pa.array([[]] * size, pa.list_(pa.string())),
            "early": np.zeros(size, bool),
            "seconds_to_vote": self.rng.integers(1, 300, size).astype(np.int32),
            "prompt_cluster": [f"{each:016x}" for each in self.prompt[rows].tolist()],
            "over_frequent": self.frequent[rows],
            "tags": pa.array(tags, pa.list_(pa.string())),
        }
        for field in STYLE:
            most = 400 if field.name.startswith(STYLE_FEATURES[0]) else 6
            columns[field.name] = self.rng.integers(0, most, size).astype(np.int32)
        return _table(columns, VOTES)

    def _models(self) -> list[dict[str, Any]]:
        said = {"organization": "Maker", "license": "Apache-2.0", "open_weights": True, "aliases": []}
        fixed = said | {"description": "", "status": "active", "listed_on": date(2026, 10, 1)}
        period = said | {"number": 1, "endpoints": ["demo"], "decoding": "{}", "first_day": date(2026, 10, 1)}
        return [
            fixed | {"model": name, "demo": name.startswith("demo"), "versions": [period | {"name": name}]}
            for name in sorted(self.names)
        ]

    def _study(self) -> pa.Table:
        rng = self.rng
        a = rng.integers(3, size=STUDY_VOTES)
        b = (a + rng.integers(1, 3, size=STUDY_VOTES)) % 3
        names = pa.array(["ant", "bee", "model-00"])
        voters = [None if each < 3 else f"w{each}" for each in rng.integers(30, size=STUDY_VOTES).tolist()]
        columns = {
            "battle_id": pa.array(np.sort(_hexadecimal(rng, STUDY_VOTES, 16)).astype(str)),
            "model_a": names.take(pa.array(a)),
            "model_b": names.take(pa.array(b)),
            "winner": pa.array(WINNERS).take(pa.array(rng.integers(4, size=STUDY_VOTES))),
            "voter": pa.array(voters),
        }
        return _table(columns, BOARD_VOTES)


def _hexadecimal(rng: np.random.Generator, size: int, width: int) -> Any:
    """Distinct ids, as bytes of hexadecimal digits."""
    digits = np.frombuffer(b"0123456789abcdef", dtype="S1")
    return digits[rng.integers(16, size=(size, 2 * width))].view(f"S{2 * width}").ravel()


def _table(columns: dict[str, Any], schema: pa.Schema) -> pa.Table:
    return pa.table({name: columns[name] for name in schema.names}).cast(schema)


def _withheld(names: list[str]) -> list[dict[str, Any]]:
    kept = {
        "why": "no_consent",
        "model_a": names[0],
        "model_b": names[1],
        "winner": "tie",
        "counted": True,
        "votes": 12,
    }
    return [kept, {"why": "no_consent", "votes": 7}]


def write_data(
    directory: Path,
    *,
    battles: int = 320,
    models: int = 6,
    voters: int = 60,
    characters: int = 120,
    seed: int = 1,
) -> dict[str, Any]:
    """Write the data files of a release, and return its manifest as an exporter knows it before the boards."""
    SyntheticBattles(battles, models, voters, characters, seed).write(directory)
    (directory / "CHANGES.md").write_text("# Changes\n\n## 2026-11\n\n- The first release.\n")
    (directory / "withdrawn.txt").write_text("")
    study = imported(STUDY, "A study", "https://example.org/study", "CC0-1.0")
    populations = {
        each.name: {key: value for key, value in asdict(each).items() if key != "name"}
        | {"votes_file": VOTES_FILE if each in OWN_POPULATIONS else board_votes_file(each.name)}
        for each in (*OWN_POPULATIONS, study)
    }
    for name, votes in read_populations(directory, populations).items():
        populations[name] |= {"votes": votes.table.num_rows}
    return {
        "format": FORMAT,
        "name": "2026-11",
        "variant": "audit",
        "title": "Arena",
        "license": {
            "prompts": "CC-BY-4.0",
            "votes": "CC-BY-4.0",
            "responses": "terms of each model, see data/models.parquet",
            "boards": {STUDY: "CC0-1.0"},
        },
        "cut_week": "2026-11-23",
        "populations": populations,
        "privacy": {"least_group": 10, "folded_languages": 0, "redacted": {}, "planted_recall": {}},
        "withheld": {"no_consent": 19},
        "withdrawn": 0,
        "snapshot": None,
        "changes": [],
    }
