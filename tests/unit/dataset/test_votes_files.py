"""What is read of votes files of every format and layout, and what is rejected."""

import csv
import gzip
import json
from pathlib import Path
from typing import Any

import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.parquet as pq  # type: ignore[import-untyped]
import pytest
from hypothesis import given
from hypothesis import strategies as st

from arena.dataset import csv_votes, json_votes, text_records
from arena.dataset.layouts import recognise_votes, votes_of
from arena.dataset.rejects import Reject
from arena.dataset.votes_files import board_name, open_votes, plain_name
from arena.errors import DatasetInvalid

Vote = tuple[int, str, str, str, str | None]
HEAD = "model_a,model_b,winner,voter\n"


def read(path: Path) -> tuple[list[Vote], list[Reject]]:
    file = open_votes(path)
    columns = recognise_votes(file.columns)
    votes: list[Vote] = []
    rejects: list[Reject] = []
    for block in file.blocks(columns.needed(), lambda share: None):
        good, bad = votes_of(block, columns)
        votes += [tuple(row.values()) for row in good.to_pylist()]
        rejects += bad
    return votes, rejects


def written(folder: Path, name: str, content: str | bytes) -> Path:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def in_lines(records: list[Any]) -> str:
    return "".join(json.dumps(record) + "\n" for record in records)


def test_bad_rows_are_rejected_with_line_and_reason(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        "votes.csv",
        HEAD + "x,y,model_a,1\nx,x,tie,2\n,y,tie,3\n\nx,y,maybe,4\nx,y\nx,y,x,5\nz,y,tie,\n",
    )
    votes, rejects = read(path)
    assert votes == [(2, "x", "y", "model_a", "1"), (9, "z", "y", "tie", None)]
    assert [(reject.line, reject.why, reject.row) for reject in rejects] == [
        (3, "a model against itself", "x,x,tie,2"),
        (4, "model_a is missing", ",y,tie,3"),
        (6, "winner is 'maybe'; use model_a, model_b, tie or both_bad", "x,y,maybe,4"),
        (7, "2 fields, and the first line names 4", "x,y"),
        (
            8,
            "winner is 'x', the name of a model: say on which side it stood; use model_a, model_b, tie or both_bad",
            "x,y,x,5",
        ),
    ]


def test_lines_are_counted_within_quotes(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        "votes.csv",
        'prompt,model_a,model_b,winner\n"a\nb\n\nc",x,y,tie\r\n"say ""hi""\n",x,y,nobody\n"",x,y,left\n',
    )
    votes, rejects = read(path)
    assert votes == [(2, "x", "y", "tie", None), (8, "x", "y", "model_a", None)]
    assert [(reject.line, reject.row) for reject in rejects] == [(6, '"say ""hi""\n",x,y,nobody')]


def test_stray_quote_costs_no_other_row(tmp_path: Path) -> None:
    path = written(tmp_path, "votes.csv", HEAD + 'x,5" y,tie,1\n"x,y,tie,2\nz,y,"tie",3\nz,"y"" ",tie,4\n')
    votes, rejects = read(path)
    assert votes == [
        (2, "x", '5" y', "tie", "1"),
        (3, '"x', "y", "tie", "2"),
        (4, "z", "y", "tie", "3"),
        (5, "z", 'y"', "tie", "4"),
    ]
    assert rejects == []


def test_quote_that_spans_other_rows_costs_its_own_line(tmp_path: Path) -> None:
    path = written(tmp_path, "votes.csv", HEAD + 'x,"y,tie\nz,y,tie,1\nz,y",tie,2,3,4\nz,y,tie,5\n')
    votes, rejects = read(path)
    assert votes == [(3, "z", "y", "tie", "1"), (5, "z", "y", "tie", "5")]
    assert [reject.line for reject in rejects] == [2, 4]


def test_line_of_a_cell_is_no_vote(tmp_path: Path) -> None:
    """Also where the row that holds the cell has too few others: it is one row that cannot be read."""
    row = 'x,"they wrote:\nz,y,tie,1\nand that was\nall"'
    path = written(tmp_path, "votes.csv", HEAD + f"{row}\nx,y,tie,2\n" + 'x,"a\nb"\nz,y,tie,3\n')
    votes, rejects = read(path)
    assert votes == [(6, "x", "y", "tie", "2"), (9, "z", "y", "tie", "3")]
    assert [(reject.line, reject.row) for reject in rejects] == [(2, row), (7, 'x,"a\nb"')]


def test_bytes_that_are_no_text_cost_their_row(tmp_path: Path) -> None:
    path = written(tmp_path, "votes.csv", HEAD.encode() + b"x,y\xff,tie,1\nx,y,tie,2\n")
    votes, rejects = read(path)
    assert votes == [(3, "x", "y", "tie", "2")]
    assert (rejects[0].line, rejects[0].row) == (2, r"x,y\xff,tie,1")
    assert "not UTF-8" in rejects[0].why


@pytest.fixture(params=["small blocks", "one block"])
def any_blocks(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param == "small blocks":
        monkeypatch.setattr(text_records, "BLOCK", 40)
        monkeypatch.setattr(text_records, "_TAIL", 20)
        monkeypatch.setattr(json_votes, "_READ", 7)


CELLS = st.text(st.sampled_from('ab,"\n\r é'), max_size=6)


@given(rows=st.lists(st.tuples(CELLS, CELLS), max_size=30), size=st.integers(30, 90))
def test_any_csv_is_read_like_the_standard_library_reads_it(
    rows: list[tuple[str, str]], size: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Whatever is quoted, and wherever a block ends; lines are those on which records begin."""
    path = tmp_path_factory.mktemp("any") / "votes.csv"
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("prompt", "model_a", "model_b", "winner", "voter"))
        writer.writerows((prompt, "x", "y", "tie", f"v{voter}") for prompt, voter in rows)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(text_records, "BLOCK", size)
        votes, rejects = read(path)
    assert rejects == []
    assert [voter for *_, voter in votes] == [f"v{voter}" for _, voter in rows]
    line, expected = 2, []
    for prompt, voter in rows:
        expected.append(line)
        line += 1 + prompt.count("\n") + voter.count("\n")
    assert [vote[0] for vote in votes] == expected


@pytest.mark.usefixtures("any_blocks")
def test_lines_of_json_of_any_types(tmp_path: Path) -> None:
    vote = {"model_a": "x", "model_b": "y", "winner": "tie"}
    lines = [
        json.dumps(vote | {"voter": 3}),
        json.dumps(vote | {"voter": "3"}),
        "nope",
        "[1]",
        "",
        json.dumps(vote | {"model_b": "\ud800"}),
        json.dumps(vote | {"tstamp": float("nan"), "voter": None}),
    ]
    votes, rejects = read(written(tmp_path, "votes.jsonl", "\ufeff" + "\n".join(lines)))
    assert votes == [(1, "x", "y", "tie", "3"), (2, "x", "y", "tie", "3"), (7, "x", "y", "tie", None)]
    assert [(reject.line, reject.why.split(":")[0]) for reject in rejects] == [
        (3, "not JSON"),
        (4, "not a JSON object"),
        (6, "model_b is not a model name"),
    ]


@pytest.mark.usefixtures("any_blocks")
def test_array_of_json(tmp_path: Path) -> None:
    vote = {"model_a": "x", "model_b": "y", "winner": "tie (bothbad)", "judge": "ü", "tstamp": 1.5}
    path = written(tmp_path, "clean_battle.json", json.dumps([vote, 5, vote], ensure_ascii=False, indent=1))
    votes, rejects = read(path)
    assert votes == [(1, "x", "y", "both_bad", "ü"), (3, "x", "y", "both_bad", "ü")]
    assert [(reject.line, reject.why, reject.row) for reject in rejects] == [(2, "not a JSON object", "5")]


CONVERSATION = [{"role": "user", "content": "Hi", "num_tokens": 1}, {"role": "assistant", "content": "Hello"}]
CONVERSATIONS = {"conversation_a": CONVERSATION, "conversation_b": CONVERSATION}
PAIR = {"model_a": "ant", "model_b": "bee"}
LAYOUTS: dict[str, tuple[dict[str, Any], str, str | None]] = {
    "Chatbot Arena 33k": (
        {"question_id": "q", **PAIR, "winner": "tie (bothbad)", "judge": "arena_user_1", **CONVERSATIONS, "turn": 1,
         "anony": True, "language": "English", "tstamp": 1.5, "toxic_chat_tag": {"t5-large": {"flagged": False}}},
        "both_bad", "arena_user_1",
    ),
    "Chatbot Arena 55k": (
        {"id": 1, **PAIR, "prompt": '["Hi"]', "response_a": '["Hello"]', "response_b": '["Yes"]', "winner_model_a": 0,
         "winner_model_b": 1, "winner_tie": 0},
        "model_b", None,
    ),
    "Chatbot Arena 100k": (
        {"question_id": "q", **PAIR, "winner": "model_a", "judge_hash": "abc", **CONVERSATIONS, "anony": True,
         "language": "English", "tstamp": 1.5, "conv_metadata": {"turns": 1}, "is_code": False,
         "dedup_tag": {"high_freq": False, "sampled": True}, "category_tag": {"if_v0.1": {"if": True, "score": 4}}},
        "model_a", "abc",
    ),
    "Chatbot Arena 140k": (
        {"id": "v", **PAIR, "winner": "both_bad", "evaluation_session_id": "s", "evaluation_order": 2, **CONVERSATIONS,
         "full_conversation": [{"user": {"role": "user"}, "model_side_a": {"role": "assistant"}}],
         "conv_metadata": {"sum_assistant_a_tokens": 3, "header_count_a": {"h1": 1}}, "is_code": False},
        "both_bad", "s",
    ),
    "Chatbot Arena preference": (
        {"question_id": "q", **PAIR, "winner": "tie", "prompt": "Hi", "response_1": "Hello", "response_2": "Yes",
         "language": "en", "conv_metadata": {"turns": 1}, "category_tag": {"math_v0.1": {"math": False}}},
        "tie", None,
    ),
    "our own": (  # MT-Bench human judgments
        {"question_id": 81, **PAIR, "winner": "model_b", "judge": "expert_1", "turn": 2, **CONVERSATIONS},
        "model_b", "expert_1",
    ),
    "MT-Bench pairs": (
        {"question_id": 81, "model_1": "ant", "model_2": "bee", "g1_winner": "model_1", "g2_winner": "model_1",
         "judge": ["gpt-4", "pair-v2"], "g1_user_prompt": "Which?", "g1_judgment": "A", "turn": 1, "tstamp": 1.5},
        "model_a", "gpt-4 pair-v2",
    ),
}  # fmt: skip


@pytest.mark.parametrize("ending", ["jsonl", "json", "parquet", "csv"])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_published_layout(layout: str, ending: str, tmp_path: Path) -> None:
    record, winner, voter = LAYOUTS[layout]
    path = tmp_path / f"votes.{ending}"
    if ending == "parquet":
        pq.write_table(pa.Table.from_pylist([record, record]), path)
    elif ending == "csv":
        flat = {name: " ".join(value) if name == "judge" and isinstance(value, list) else value
                for name, value in record.items()}  # fmt: skip
        with path.open("w", newline="") as file:
            writer = csv.DictWriter(file, list(flat))
            writer.writeheader()
            writer.writerows([flat, flat])
    else:
        path.write_text(json.dumps([record, record]) if ending == "json" else in_lines([record, record]))
    if ending != "csv":  # where records within a column have no columns of their own
        assert recognise_votes(open_votes(path).columns).name == layout
    votes, rejects = read(path)
    assert rejects == []
    assert [vote[1:] for vote in votes] == [("ant", "bee", winner, voter)] * 2


def test_judge_that_contradicts_itself_ties(tmp_path: Path) -> None:
    games = [("model_1", "model_2"), ("model_2", "model_2"), ("tie", "model_1"), ("error", "model_1")]
    records = [
        {"model_1": "x", "model_2": "y", "g1_winner": first, "g2_winner": second, "judge": ["j", "p"]}
        for first, second in games
    ]
    votes, rejects = read(written(tmp_path, "pairs.jsonl", in_lines(records)))
    assert [vote[3] for vote in votes] == ["tie", "model_b", "tie"]
    assert [(reject.line, reject.why.split(";")[0]) for reject in rejects] == [(4, "g1_winner is 'error'")]


@pytest.mark.parametrize("ending", ["jsonl", "json", "jsonl.gz"])
@pytest.mark.parametrize(
    ("late", "rejected"),
    [
        ({"anony": False}, 80),
        ({"counted": False}, 80),
        ({"count": 1}, 120),  # a count that is missing is none
        ({"voter": "ann"}, 0),
        ({"judge_hash": "ann"}, 0),
    ],
)
def test_votes_in_any_order_are_the_same_votes(
    late: dict[str, Any], rejected: int, ending: str, tmp_path: Path
) -> None:
    """A column that the first 120 records lack counts as if the first had it."""
    plain = {"model_a": "x", "model_b": "y", "winner": "tie", "meta": {"user": 1, "worker": "nested"}}
    found = []
    for records in ([plain] * 120 + [plain | late] * 80, [plain | late] * 80 + [plain] * 120):
        text = json.dumps(records, indent=1) if ending == "json" else in_lines(records)
        content = gzip.compress(text.encode()) if ending.endswith("gz") else text
        votes, rejects = read(written(tmp_path, f"votes.{ending}", content))
        found.append((sorted(str(vote[1:]) for vote in votes), sorted(reject.why for reject in rejects)))
    assert found[0] == found[1]
    assert (len(found[0][0]), len(found[0][1])) == (200 - rejected, rejected)
    assert sum("'ann'" in vote for vote in found[0][0]) == (0 if rejected else 80)


@pytest.mark.parametrize(
    ("head", "good", "bad", "why"),
    [
        ("anony", "true", "False", "anony is false: the models were named before the vote"),
        ("counted", "", "0", "counted is false: their release does not count them"),
        ("count", "1.0", "3", "count is not 1. Write one row for each vote"),
        ("weight", "1", "", "weight is not 1. Votes have no weights here"),
    ],
)
def test_rows_that_are_not_one_blind_vote(head: str, good: str, bad: str, why: str, tmp_path: Path) -> None:
    text = f"model_a,model_b,winner,{head}\nx,y,tie,{good}\nx,y,tie,{bad}\n"
    votes, rejects = read(written(tmp_path, "votes.csv", text))
    assert [vote[0] for vote in votes] == [2]
    assert [(reject.line, reject.why) for reject in rejects] == [(3, why)]


def test_one_hot_winners_that_contradict_each_other(tmp_path: Path) -> None:
    head = "model_a,model_b,winner_model_a,winner_model_b,winner_tie\n"
    votes, rejects = read(written(tmp_path, "votes.csv", head + "x,y,0,0,1\nx,y,1,0,1\nx,y,,0,1\n"))
    assert [vote[3] for vote in votes] == ["tie"]
    assert [reject.line for reject in rejects] == [3, 4]
    assert rejects[0].why.startswith("exactly one of winner_model_a")


def of_zstandard(content: bytes) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.CompressedOutputStream(sink, "zstd") as stream:
        stream.write(content)
    compressed: bytes = sink.getvalue().to_pybytes()
    return compressed


@pytest.mark.parametrize(("compress", "ending"), [(gzip.compress, "gz"), (of_zstandard, "zst")])
def test_compressed_text(compress: Any, ending: str, tmp_path: Path) -> None:
    content = (HEAD + "x,y,tie,1\n" * 1000).replace(",", "\t").encode()
    path = written(tmp_path, f"votes.tsv.{ending}", compress(content))
    assert len(read(path)[0]) == 1000
    path.write_bytes(compress(content)[:-9])
    with pytest.raises(DatasetInvalid, match=path.name):
        read(path)


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("votes.csv", b"a,b\n1,2\n", "no column model_a, model_b, winner; found: a, b"),
        ("votes.csv", b"", "votes.csv is empty. Give a file with a vote on each line"),
        ("votes.csv", b"\xff\xfe\x00", "not UTF-8"),
        ("votes.csv", b"model_a;model_b;winner\nx;y;tie\n", "the separator looks like ';'"),
        ("votes.csv", b"model_a,model_b,winner,model_a\n", "the column model_a is there twice"),
        ("votes.json", b'[{"model_a": "x", "mod', "element 1 of the array is not JSON"),
        ("votes.json", b'[{"model_a": "x", "model_b": "y", "winner": "tie"}', "cut off after 1 elements"),
        ("votes.json", b'[{"model_a": "x", "model_b": "y", "winner": "tie"} {', "a comma or ] belongs"),
        ("votes.parquet", b"PAR1", "votes.parquet"),
        ("votes.xlsx", b"", "does not end in .csv"),
        ("votes.parquet.gz", b"", "does not end in .csv"),
    ],
)
def test_unusable_file_is_refused(name: str, content: bytes, said: str, tmp_path: Path) -> None:
    path = written(tmp_path, name, content)
    with pytest.raises(DatasetInvalid, match=said):
        read(path)
    with pytest.raises(DatasetInvalid, match="No such file"):
        open_votes(tmp_path / "missing.csv")


def test_record_that_never_ends_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text_records, "BLOCK", 100)
    monkeypatch.setattr(text_records, "MOST_RECORD", 1000)
    path = written(
        tmp_path, "votes.jsonl", '{"model_a": "x", "model_b": "y", "winner": "tie"}\n' + "x" * 3000
    )
    with pytest.raises(DatasetInvalid, match=r"line 2 is longer than"):
        read(path)


def test_broken_rows_are_few_among_fast_ones(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A row that is cut short must not cost a block its speed."""

    def slowly(*_: Any) -> None:
        pytest.fail("rows with too few fields are known to the fast reader")

    monkeypatch.setattr(csv_votes._Reader, "_read_carefully", slowly)
    votes, rejects = read(written(tmp_path, "votes.csv", HEAD + "x,y,tie,1\nx\n" * 50))
    assert (len(votes), len(rejects)) == (50, 50)
    assert rejects[1].line == 5


@pytest.mark.parametrize("name", ["overall", "Code", "german", "simulated-code", "no ties"])
def test_name_of_a_board_of_ours_is_refused(name: str) -> None:
    with pytest.raises(DatasetInvalid, match="arena's own leaderboard"):
        board_name(name)


def test_name_of_a_category_of_the_operator_is_refused() -> None:
    assert board_name("Harbour") == "harbour"
    with pytest.raises(DatasetInvalid, match="arena's own leaderboard"):
        board_name("Harbour", ["harbour"])


def test_board_is_named_by_its_file() -> None:
    assert [plain_name(Path(name)) for name in ("My Votes.csv", "a/b.jsonl.gz", "c.d.parquet")] == [
        "My Votes",
        "b",
        "c.d",
    ]
