"""A large population's files are those that its votes make when they are few: another way leads to them, not others."""

from random import Random

import orjson
import pyarrow as pa  # type: ignore[import-untyped]
import pytest

from arena.ballots import BallotBox, own_votes
from arena.boards import BoardFile
from arena.leaderboards import compute, digest_of, snapshot_inputs
from arena.snapshots import results_digest
from ratings import style_kernels
from ratings.board_files import STYLE_COLUMNS, STYLE_FEATURES
from tests.unit.ratings.machine_code import require_numba

MODELS = {number: f"model-{number}" for number in range(1, 9)}
TAGS = ("code", "math", "language:en", "language:de", "multi-turn")


def ballots(rows: int) -> pa.Table:
    """Of many who voted a few times, and of one who votes all day."""
    random, found = Random(11), []
    for number in range(1, rows + 1):
        a, b = random.sample(list(MODELS), 2)
        style = {column: random.randrange(40) for column in STYLE_COLUMNS}
        longer = style[f"{STYLE_FEATURES[0]}_a"] > style[f"{STYLE_FEATURES[0]}_b"]
        won = random.random() < (a + 4 * longer) / (a + b + 4)
        found.append(
            {
                "vote_id": number,
                "voter": 0 if random.random() < 0.1 else random.randrange(1, rows // 3),
                "model_a": a,
                "model_b": b,
                "winner": random.choice(["tie", "both_bad"])
                if random.random() < 0.2
                else f"model_{'ba'[won]}",
                "reason": "",
                "tags": " ".join(sorted(random.sample(TAGS, 2))),
                "prompt": random.randrange(rows // 2),
                **style,
            }
        )
    return pa.Table.from_pylist(found).cast(BallotBox().rows.schema)


def files_of(rows: pa.Table) -> list[BoardFile]:
    votes = own_votes(rows, MODELS)
    return compute(votes, snapshot_inputs(votes, []))


def test_boards_of_many_votes_are_those_of_few(monkeypatch: pytest.MonkeyPatch) -> None:
    require_numba()
    rows = ballots(3000)
    few = files_of(rows)
    monkeypatch.setattr(style_kernels, "WORTH_COMPILING", 0)
    many = files_of(rows)
    assert {file.name: file.says for file in many} == {file.name: file.says for file in few}
    assert any(file.name.endswith("code.style.json") for file in many)
    assert results_digest(many) == results_digest(few)


def test_the_digest_is_that_of_all_that_files_say() -> None:
    files = files_of(ballots(400))
    assert results_digest(files) == digest_of({file.name: file.says for file in files})
    assert results_digest(files[::-1]) == results_digest(files)
    changed = BoardFile.of(files[0].name, orjson.loads(files[0].written) | {"votes": 1})
    assert results_digest([changed, *files[1:]]) != results_digest(files)
