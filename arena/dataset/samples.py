"""The first battles of a release as lines of JSON, each with its vote and its turns, to look at before a download."""

import json
from pathlib import Path
from typing import Any, Final

from ratings.release.checks import BATTLES_FILE, TURNS_FILE
from ratings.release.populations import VOTES_FILE
from ratings.release.tables import TableReader

SAMPLE: Final = "samples/battles.jsonl"
SAMPLE_ROWS: Final = 1_000
_BATCH: Final = 1_024


def write_sample(directory: Path) -> None:
    """Write the first `SAMPLE_ROWS` battles; their order says nothing of time, so they are a random sample."""
    battles = {row["battle_id"]: row for row in _first(directory / BATTLES_FILE, SAMPLE_ROWS)}
    for vote in _first(directory / VOTES_FILE, SAMPLE_ROWS):
        battle = battles[vote["battle_id"]]
        battle["vote"] = {name: value for name, value in vote.items() if name not in battle}
        battle["vote"]["week"] = vote["week"]
        battle["conversation"] = []
    last = max(battles, default="")
    for batch in TableReader(directory / TURNS_FILE).batches(_BATCH):
        for turn in batch.to_pylist():
            if turn["battle_id"] in battles:
                battles[turn.pop("battle_id")]["conversation"].append(turn)
        if batch["battle_id"][-1].as_py() > last:
            break
    (directory / SAMPLE).parent.mkdir(exist_ok=True)
    with (directory / SAMPLE).open("w", encoding="utf-8") as file:
        file.writelines(json.dumps(row, ensure_ascii=False, default=str) + "\n" for row in battles.values())


def _first(path: Path, rows: int) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for batch in TableReader(path).batches(rows):
        found += batch.to_pylist()
        if len(found) >= rows:
            break
    return found[:rows]
