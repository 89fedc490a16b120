"""The battles of a release as others read them: published layouts, preferences, samples."""

import csv
import json
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.parquet as pq  # type: ignore[import-untyped]
import pytest

import ratings
from arena.dataset import compat, conversations
from arena.dataset.card import configurations
from arena.dataset.compat import ARENA_33K, ARENA_55K, ARENA_100K, ARENA_140K, FASTCHAT
from arena.dataset.conversations import counted_populations, read_conversations
from arena.dataset.finish import finish
from arena.dataset.message_counts import markdown_counts, token_counts
from arena.dataset.preference import PREFERENCES
from arena.dataset.samples import SAMPLE
from benchmarks.synthetic_release import write_data
from ratings.release.manifest import read_manifest
from ratings.release.tables import table_names
from ratings.release.verification import verify
from ratings.text_features import count_tokens
from tests.unit.release.conftest import KEY, changed, rewrite

Row = Mapping[str, Any]


def rows(directory: Path, name: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = pq.read_table(directory / name).to_pylist()
    return found


@pytest.fixture(scope="module")
def voted(release: Path) -> list[tuple[Row, Row, list[Row]]]:
    """Each vote that the overall board counts, with its battle and its turns: the slow, obvious way."""
    battles = {row["battle_id"]: row for row in rows(release, "data/battles.parquet")}
    turns = rows(release, "data/turns.parquet")
    return [
        (vote, battles[vote["battle_id"]], [turn for turn in turns if turn["battle_id"] == vote["battle_id"]])
        for vote in rows(release, "data/votes.parquet")
        if vote["population"] == "overall" and not vote["over_frequent"]
    ]


def conversation(turns: list[Row], side: str) -> list[dict[str, str]]:
    return [
        {"role": role, "content": turn[column]}
        for turn in turns
        for role, column in (("user", "prompt"), ("assistant", f"response_{side}"))
    ]


@pytest.mark.parametrize("size", [7, 64, 4096])
def test_conversations_do_not_depend_on_batches(
    release: Path, voted: list[tuple[Row, Row, list[Row]]], size: int
) -> None:
    found = []
    for said in read_conversations(release, ["overall"], rows=size):
        assert said.votes.num_rows <= size
        sides = [said.by_battle(said.messages(side), each=2).to_pylist() for side in ("a", "b")]
        found += list(zip(said.votes["battle_id"].to_pylist(), *sides, strict=True))
    assert found == [
        (vote["battle_id"], conversation(turns, "a"), conversation(turns, "b")) for vote, _, turns in voted
    ]
    assert max(len(turns) for _, _, turns in voted) == 2


def test_the_33k_layout(release: Path, voted: list[tuple[Row, Row, list[Row]]]) -> None:
    found = rows(release, ARENA_33K)
    assert len(found) == len(voted)
    for row, (vote, battle, turns) in zip(found, voted, strict=True):
        assert row["question_id"] == vote["battle_id"]
        assert row["winner"] == {"both_bad": "tie (bothbad)"}.get(vote["winner"], vote["winner"])
        assert row["judge"] == f"arena_user_{vote['voter']}"
        assert (row["turn"], row["anony"]) == (len(turns), True)
        assert (
            row["language"]
            == {"en": "English", "de": "German", "fr": "French", "zh": "Chinese"}[battle["language"]]
        )
        assert row["conversation_b"] == conversation(turns, "b")
    assert {row["tstamp"] for row in found} == {1793577600.0, 1794182400.0}, "two Mondays, 00:00 UTC"


def test_the_55k_layout(release: Path, voted: list[tuple[Row, Row, list[Row]]]) -> None:
    with (release / ARENA_55K).open(newline="", encoding="utf-8") as file:
        found = list(csv.DictReader(file))
    for row, (vote, _, turns) in zip(found, voted, strict=True):
        for name in ("prompt", "response_a", "response_b"):
            assert json.loads(row[name]) == [turn[name] for turn in turns]
        won = [row[name] for name in ("winner_model_a", "winner_model_b", "winner_tie")]
        assert won == [
            str(int(vote["winner"] in winners)) for winners in ("model_a", "model_b", ("tie", "both_bad"))
        ]
    assert len({row["id"] for row in found}) == len(found)


def test_the_100k_layout(release: Path, voted: list[tuple[Row, Row, list[Row]]]) -> None:
    for row, (vote, _, turns) in zip(rows(release, ARENA_100K), voted, strict=True):
        for message, plain in zip(row["conversation_a"], conversation(turns, "a"), strict=True):
            assert message == plain | {"num_tokens": count_tokens(plain["content"])}
        said = row["conv_metadata"]
        assert said["sum_assistant_b_tokens"] == sum(count_tokens(turn["response_b"]) for turn in turns)
        asked = sum(count_tokens(turn["prompt"]) for turn in turns)
        assert said["context_a_tokens"] == asked + sum(
            count_tokens(turn["response_a"]) for turn in turns[:-1]
        )
        counts = [markdown_counts(turn["response_a"]) for turn in turns]
        assert list(said["bold_count_a"].values()) == [
            sum(column) for column in [*zip(*counts, strict=True)][8:]
        ]
        assert row["is_code"] == ("code" in vote["tags"])
        assert row["category_tag"]["math_v0.1"] == {"math": "math" in vote["tags"]}
        assert row["judge_hash"] == vote["voter"]
        frequent = vote["prompt_cluster"] == "0" * 16
        assert row["dedup_tag"] == {"high_freq": frequent, "sampled": True}


def test_the_140k_layout(release: Path, voted: list[tuple[Row, Row, list[Row]]]) -> None:
    found = rows(release, ARENA_140K)
    for row, (vote, battle, turns) in zip(found, voted, strict=True):
        assert (row["id"], row["winner"], row["language"]) == (
            vote["battle_id"],
            vote["winner"],
            battle["language"],
        )
        texts = [(message["role"], message["content"][0]["text"]) for message in row["conversation_b"]]
        assert texts == [tuple(message.values()) for message in conversation(turns, "b")]
        assert [each["model_side_a"]["content"][0]["text"] for each in row["full_conversation"]] == [
            turn["response_a"] for turn in turns
        ]
    assert max(orders_by_voter(found).values()) > 1


def orders_by_voter(found: list[Any]) -> Counter[str]:
    """How many votes of each voter a file has; they are counted in its order."""
    seen: Counter[str] = Counter()
    for row in found:
        seen[row["evaluation_session_id"]] += 1
        assert row["evaluation_order"] == seen[row["evaluation_session_id"]]
    return seen


@pytest.mark.parametrize("name", [ARENA_33K, ARENA_100K, ARENA_140K, FASTCHAT, ARENA_55K])
def test_published_layouts_give_the_board(release: Path, name: str) -> None:
    """Read by `ratings` as the release it looks like: the ratings of the arena's own board."""
    board = ratings.leaderboard(ratings.read_votes(release / name))
    published = json.loads((release / "leaderboard/overall.json").read_text())
    assert board.votes == published["votes"]
    assert board.table.model.tolist() == [entry["model"] for entry in published["entries"]]
    assert board.table.rating.round(2).tolist() == [entry["rating"] for entry in published["entries"]]
    if name != ARENA_55K:  # which tells of no voters
        assert board.table.lower.round(2).tolist() == [entry["lower"] for entry in published["entries"]]


def test_preferences_are_the_decisive_votes(release: Path, voted: list[tuple[Row, Row, list[Row]]]) -> None:
    decisive = [each for each in voted if each[0]["winner"] in ("model_a", "model_b")]
    for row, (vote, _, turns) in zip(rows(release, PREFERENCES), decisive, strict=True):
        won = vote["winner"][-1]
        lost = {"a": "b", "b": "a"}[won]
        assert (row["chosen_model"], row["rejected_model"]) == (vote[f"model_{won}"], vote[f"model_{lost}"])
        assert row["prompt"] + row["chosen"] == conversation(turns, won)
        assert row["prompt"] + row["rejected"] == conversation(turns, lost)
        assert [message["role"] for message in row["prompt"]] == ["user"]


def test_the_sample_joins_battles_votes_and_turns(release: Path) -> None:
    lines = [json.loads(line) for line in (release / SAMPLE).read_text(encoding="utf-8").splitlines()]
    battles = rows(release, "data/battles.parquet")
    assert [line["battle_id"] for line in lines] == [battle["battle_id"] for battle in battles]
    assert [len(line["conversation"]) for line in lines] == [battle["turns"] for battle in battles]
    assert {line["vote"]["winner"] for line in lines} == {"model_a", "model_b", "tie", "both_bad"}


def test_what_came_after_the_reveal_is_not_in_conversations(copied: Path) -> None:
    last = rows(copied, "data/turns.parquet")[-1]
    rewrite(
        copied, "data/turns.parquet", lambda turns: changed(turns, "after_reveal", turns.num_rows - 1, True)
    )
    ids = {
        battle: length
        for said in read_conversations(copied, ["overall", "demo", "simulated"])
        for battle, length in zip(said.votes["battle_id"].to_pylist(), said.turns.tolist(), strict=True)
    }
    assert ids.get(last["battle_id"], 0) == last["index"]


def test_without_votes_of_people_the_others_are_shown() -> None:
    said = {"votes_file": "data/votes.parquet", "votes": 0}
    manifest = {
        "populations": {
            "overall": said | {"kind": "people"},
            "demo": said | {"kind": "demo", "votes": 4},
            "study": {"votes_file": "boards/study.parquet", "kind": "imported", "votes": 9},
        }
    }
    assert counted_populations(manifest) == (["overall", "demo"], "demo")
    manifest["populations"]["overall"]["votes"] = 1
    assert counted_populations(manifest) == (["overall"], "people")


def test_layouts_can_be_left_out(tmp_path: Path) -> None:
    finish(tmp_path, write_data(tmp_path, battles=60), KEY, compat=False)
    assert not (tmp_path / "compat").exists()
    assert (tmp_path / PREFERENCES).exists()
    assert verify(tmp_path) == []


def test_a_release_without_votes_is_whole(tmp_path: Path) -> None:
    finish(tmp_path, write_data(tmp_path, battles=0), KEY)
    assert verify(tmp_path) == []
    assert json.loads((tmp_path / FASTCHAT).read_text()) == []
    assert (tmp_path / SAMPLE).read_text() == ""
    assert read_manifest(tmp_path)["populations"]["overall"]["votes"] == 0


def test_markdown_is_counted_kind_by_kind() -> None:
    text = "# One\n### Three\n1. a\n2. b\n- c\n**bold** __too__\n```\n# no header\n- no item\n```\n"
    assert markdown_counts(text) == [1, 0, 1, 0, 0, 0, 2, 1, 1, 1]
    assert markdown_counts("plain") == [0] * 10


def test_tokens_are_counted_as_for_style() -> None:
    signs = "".join(map(chr, range(1, 128)))
    texts = [
        "",
        "Hello, world!",
        signs,
        " ".join(signs),
        "a_b-c\x0bd\x1ce",
        "你好 world",
        "naïve café",
        "x\u00a0y",
    ]
    assert token_counts(pa.array(texts, pa.string())).tolist() == [count_tokens(text) for text in texts]
    assert token_counts(pa.array([], pa.string())).tolist() == []


def test_votes_of_a_voter_are_counted_whatever_their_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    """With so few places that most voters find theirs taken."""
    monkeypatch.setattr(compat, "FILE_BATTLES", 60)
    monkeypatch.setattr(compat._Sessions, "_SLOTS", 120)
    random = np.random.default_rng(2)
    voters = [None if each == 40 else f"voter-{each}" for each in random.integers(0, 41, 300).tolist()]
    sessions, found = compat._Sessions(), []
    for start in range(0, 300, 17):
        found += sessions.orders(pa.chunked_array([voters[start : start + 17]], pa.string())).to_pylist()
    expected = []
    for start in range(0, 300, 60):
        seen: Counter[str] = Counter()
        for voter in voters[start : start + 60]:
            seen.update([voter] if voter else [])
            expected.append(seen[voter] if voter else 1)
    assert found == expected
    assert max(found) > 3


def without_orders(directory: Path, *files: str) -> list[Any]:
    """The rows of these files; each counts the votes of a voter anew."""
    return [
        {column: value for column, value in row.items() if column != "evaluation_order"}
        for file in files
        for row in rows(directory, file)
    ]


def test_large_layouts_are_divided(
    release: Path, copied: Path, voted: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Into files of so many battles, which together hold what one would, and are loaded by one name."""
    for module in (compat, conversations):
        monkeypatch.setattr(module, "FILE_BATTLES", 100)
    manifest = read_manifest(copied)
    written = finish(copied, manifest, KEY)
    for name in (ARENA_33K, ARENA_100K, ARENA_140K, PREFERENCES):
        files = table_names(copied, name)
        sizes = [written["files"][file]["rows"] for file in files]
        assert files[1] == name.replace(".parquet", "_002.parquet")
        assert sizes[:-1] == [100] * (len(files) - 1)
        assert files == sorted(files)
        assert without_orders(copied, *files) == without_orders(release, name)
    for file in table_names(copied, ARENA_140K):
        orders_by_voter(rows(copied, file))
    assert configurations(copied, written)["arena-140k"] == table_names(copied, ARENA_140K)
    assert "| `compat/arena-140k_002.parquet` |" in (copied / "README.md").read_text()
    assert not verify(copied)
    monkeypatch.undo()
    assert "compat/arena-140k_002.parquet" not in finish(copied, manifest, KEY)["files"], (
        "nothing is left of it"
    )
