import gzip
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet
import pytest

from ratings import Comparisons, InvalidComparisonsError, InvalidOptionError, UnreadableVotesError
from ratings.late_columns import late_columns
from ratings.reading import read_votes, read_votes_with_notes
from tests.unit.ratings.tables import random_battles

Records = list[dict[str, Any]]

PLAIN = [("x", "y", "model_a"), ("y", "z", "model_b"), ("x", "z", "tie"), ("z", "x", "both_bad")]


def write_csv(path: Path, records: Records) -> None:
    pd.DataFrame(records).to_csv(path, index=False)


def write_tsv(path: Path, records: Records) -> None:
    pd.DataFrame(records).to_csv(path, index=False, sep="\t")


def write_json(path: Path, records: Records) -> None:
    path.write_text(json.dumps(records, indent=1))


def write_json_lines(path: Path, records: Records) -> None:
    path.write_text("".join(json.dumps(record) + "\n" for record in records))


def write_zipped_json_lines(path: Path, records: Records) -> None:
    path.write_bytes(gzip.compress("".join(json.dumps(record) + "\n" for record in records).encode()))


def write_zipped_csv(path: Path, records: Records) -> None:
    path.write_bytes(gzip.compress(pd.DataFrame(records).to_csv(index=False).encode()))


def write_parquet(path: Path, records: Records) -> None:
    pa.parquet.write_table(pa.Table.from_pylist(records), path)


WRITERS: Mapping[str, Callable[[Path, Records], None]] = {
    "votes.csv": write_csv,
    "votes.tsv": write_tsv,
    "votes.json": write_json,
    "votes.jsonl": write_json_lines,
    "votes.jsonl.gz": write_zipped_json_lines,
    "votes.csv.gz": write_zipped_csv,
    "votes.parquet": write_parquet,
}
NESTED = ("votes.json", "votes.jsonl", "votes.jsonl.gz", "votes.parquet")


def records_of(votes: pd.DataFrame) -> list[tuple[str, ...]]:
    return list(votes[["model_a", "model_b", "winner"]].astype(str).itertuples(index=False, name=None))


def conversation(text: str) -> Records:
    return [{"role": "user", "content": "?"}, {"role": "assistant", "content": text, "num_tokens": 3}]


def arena_33k(winner: str, anony: bool = True) -> dict[str, Any]:
    return {
        "question_id": "q",
        "model_a": "x",
        "model_b": "y",
        "winner": winner,
        "judge": "arena_user_1",
        "conversation_a": conversation("a"),
        "conversation_b": conversation("b"),
        "turn": 1,
        "anony": anony,
        "language": "English",
        "tstamp": 1682351591.1322,
        "openai_moderation": {"flagged": False, "categories": {"hate": False}},
    }


def style_of(side: str, tokens: int) -> dict[str, Any]:
    return {
        f"sum_assistant_{side}_tokens": tokens,
        f"context_{side}_tokens": 7,
        f"header_count_{side}": {"h1": 1, "h2": 2, "h3": 0, "h4": 0, "h5": 0, "h6": 0},
        f"list_count_{side}": {"ordered": 4, "unordered": 5},
        f"bold_count_{side}": {"**": 6, "__": 1},
    }


def arena_100k(winner: str) -> dict[str, Any]:
    record = arena_33k(winner)
    record["judge_hash"] = "6b86b273"
    del record["judge"]
    metadata = {"sum_user_tokens": 9, "turns": 1, **style_of("a", 120), **style_of("b", 80)}
    return {**record, "conv_metadata": metadata, "is_code": False, "dedup_tag": {"high_freq": False}}


def arena_140k(winner: str) -> dict[str, Any]:
    return {
        "id": "v",
        "model_a": "x",
        "model_b": "y",
        "winner": winner,
        "evaluation_session_id": "s1",
        "evaluation_order": 2,
        "conversation_a": [{"role": "user", "content": [{"type": "text", "text": "?"}]}],
        "conv_metadata": {**style_of("a", 120), **style_of("b", 80)},
        "timestamp": "2025-07-03T10:00:00Z",
    }


@pytest.mark.parametrize("name", WRITERS)
def test_every_format_gives_the_same_votes(name: str, tmp_path: Path) -> None:
    columns = ("model_a", "model_b", "winner")
    WRITERS[name](tmp_path / name, [dict(zip(columns, row, strict=True)) for row in PLAIN])
    votes = read_votes(tmp_path / name)
    assert records_of(votes) == PLAIN
    assert list(votes.columns) == list(columns)
    assert votes.model_a.cat.categories.equals(votes.model_b.cat.categories)


@pytest.mark.parametrize("name", NESTED)
def test_the_33k_layout(name: str, tmp_path: Path) -> None:
    rows = [arena_33k("model_a"), arena_33k("tie (bothbad)", anony=False), arena_33k("tie (bothbad)")]
    WRITERS[name](tmp_path / name, rows)
    reading = read_votes_with_notes(tmp_path / name)
    assert records_of(reading.votes) == [("x", "y", "model_a"), ("x", "y", "both_bad")]
    assert reading.votes.voter.tolist() == ["arena_user_1"] * 2
    assert reading.votes.date[1] == pd.Timestamp("2023-04-24T15:53:11.1322Z")
    (note,) = reading.notes
    assert "Chatbot Arena 33k layout (voter = judge, date = tstamp)" in note
    assert "left out 1 votes with anony = false: the models were named" in note
    assert len(read_votes(tmp_path / name, include_named=True)) == 3


def test_the_55k_layout(tmp_path: Path) -> None:
    texts = dict.fromkeys(("prompt", "response_a", "response_b"), '["long, \\"quoted\\"\nin lines"]')
    names = ("winner_model_a", "winner_model_b", "winner_tie")
    rows = [
        {"id": n, "model_a": "x", "model_b": "y", **texts, **dict(zip(names, flags, strict=True))}
        for n, flags in enumerate([(1, 0, 0), (0, 1, 0), (0, 0, 1)])
    ]
    path = tmp_path / "train.csv"
    write_csv(path, rows)
    reading = read_votes_with_notes(path)
    assert reading.votes.winner.tolist() == ["model_a", "model_b", "tie"]
    assert "Chatbot Arena 55k layout; ties include both bad" in reading.notes[0]
    write_csv(path, [*rows, {**rows[0], "winner_tie": 1}])
    with pytest.raises(InvalidComparisonsError, match=r"train.csv: row 3 .* are 1, 0, 1; exactly one"):
        read_votes(path)


@pytest.mark.parametrize("name", NESTED)
@pytest.mark.parametrize(
    ("record", "voter", "layout"),
    [(arena_100k, "6b86b273", "100k"), (arena_140k, "s1", "140k")],
)
def test_the_100k_and_140k_layouts_with_style(
    name: str, record: Callable[[str], dict[str, Any]], voter: str, layout: str, tmp_path: Path
) -> None:
    WRITERS[name](tmp_path / name, [record("model_b"), record("both_bad")])
    reading = read_votes_with_notes(tmp_path / name)
    assert records_of(reading.votes) == [("x", "y", "model_b"), ("x", "y", "both_bad")]
    assert reading.votes.voter.tolist() == [voter] * 2
    assert f"Chatbot Arena {layout} layout" in reading.notes[0]
    style = {
        f: (reading.votes[f"{f}_a"][0], reading.votes[f"{f}_b"][0]) for f in ("tokens", "headers", "lists")
    }
    assert style == {"tokens": (120, 80), "headers": (3, 3), "lists": (9, 9)}
    assert reading.votes.bold_a.tolist() == [7, 7]
    assert reading.votes.date.dt.year.tolist() in ([2023, 2023], [2025, 2025])
    only = read_votes(tmp_path / name, features=("tokens",), dates=False)
    assert set(only.columns) == {"model_a", "model_b", "winner", "voter", "tokens_a", "tokens_b"}


def test_conversations_are_not_read(tmp_path: Path) -> None:
    path = tmp_path / "votes.parquet"
    write_parquet(path, [arena_100k("model_a")])
    file = pa.parquet.ParquetFile(path)
    offset = file.metadata.row_group(0)
    chunks = [offset.column(n) for n in range(offset.num_columns)]
    (text,) = [
        c for c in chunks if c.path_in_schema.startswith("conversation_a") and "content" in c.path_in_schema
    ]
    content = bytearray(path.read_bytes())
    start = text.dictionary_page_offset or text.data_page_offset
    content[start : start + text.total_compressed_size] = bytes(text.total_compressed_size)
    path.write_bytes(content)
    assert records_of(read_votes(path)) == [("x", "y", "model_a")]


@pytest.mark.parametrize(
    ("columns", "rows", "expected"),
    [
        (("left", "right", "winner"), [("x", "y", "left"), ("x", "y", "right")], ["model_a", "model_b"]),
        (("model_1", "model_2", "label"), [("x", "y", "model_1"), ("x", "y", "A")], ["model_a", "model_a"]),
        (("model_x", "model_y", "winner"), [("x ", "y", " Tie"), ("x", "y", "bothbad")], ["tie", "both_bad"]),
    ],
)
def test_other_names_for_the_same(
    columns: tuple[str, ...], rows: list[tuple[str, ...]], expected: list[str], tmp_path: Path
) -> None:
    write_csv(tmp_path / "v.csv", [dict(zip(columns, row, strict=True)) for row in rows])
    votes = read_votes(tmp_path / "v.csv")
    assert records_of(votes) == [("x", "y", winner) for winner in expected]


def test_the_real_llmfao_votes(real_data: Path) -> None:
    path = real_data / "llmfao" / "crowd-comparisons.csv"
    raw = pd.read_csv(path)
    votes = read_votes(path, keep=["prompt"])
    assert len(votes) == len(raw) == 8931
    assert votes.voter.tolist() == raw.worker.astype(str).tolist()
    assert votes.prompt.tolist() == raw.prompt.astype(str).tolist()
    assert votes.winner.value_counts()["model_a"] == (raw.winner == "left").sum()
    assert set(votes.model_b.cat.categories) == {*raw.left, *raw.right}


def test_columns_can_be_mapped_by_hand(tmp_path: Path) -> None:
    rows = [{"first": "x", "second": "y", "chosen": "a", "who": 7, "words_first": 10, "words_second": 20}]
    write_csv(tmp_path / "v.csv", rows)
    with pytest.raises(InvalidComparisonsError) as caught:
        read_votes(tmp_path / "v.csv")
    assert str(caught.value).endswith(
        "v.csv: This layout is unknown: no column for model_a, model_b, winner. Found: first, second, chosen, "
        "who, words_first, words_second. Say which is which, such as "
        "--columns model_a=COLUMN,model_b=COLUMN,winner=COLUMN."
    )
    mapping = {"model_a": "first", "model_b": "second", "winner": "chosen", "voter": "who"}
    style = {"tokens_a": "words_first", "tokens_b": "words_second"}
    votes = read_votes(tmp_path / "v.csv", columns=mapping | style)
    assert votes.iloc[0].tolist() == ["x", "y", "model_a", "7", 10.0, 20.0]


def test_numbers_and_features_of_our_own_convention(tmp_path: Path) -> None:
    row = {"model_a": "x", "model_b": "y", "winner": "tie", "count": 3, "weight": 0.5, "date": "2024-05-31"}
    write_csv(
        tmp_path / "v.csv",
        [{**row, "emoji_a": 1, "emoji_b": 2, "organization_a": "o", "organization_b": "p"}],
    )
    reading = read_votes_with_notes(tmp_path / "v.csv")
    assert reading.votes["count"].tolist() == [3]
    assert reading.votes.weight.tolist() == [0.5]
    assert reading.votes.emoji_b.tolist() == [2]
    assert reading.votes.date.tolist() == [pd.Timestamp("2024-05-31", tz="UTC")]
    assert "organization_a" not in reading.votes
    assert "no style feature: row 0 (from 0): organization_a is 'o', not a number" in reading.notes[0]
    with pytest.raises(InvalidComparisonsError, match="organization_a is 'o', not a number"):
        read_votes(tmp_path / "v.csv", features=("organization",))


def test_names_that_look_like_missing_values_or_numbers(tmp_path: Path) -> None:
    (tmp_path / "v.csv").write_text("model_a,model_b,winner\nNA,007,tie\nnull,nan,model_a\n")
    assert records_of(read_votes(tmp_path / "v.csv")) == [("NA", "007", "tie"), ("null", "nan", "model_a")]


def test_byte_order_mark_and_windows_lines(tmp_path: Path) -> None:
    (tmp_path / "v.csv").write_bytes("\ufeffmodel_a,model_b,winner\r\nx,y,tie\r\n".encode())
    assert records_of(read_votes(tmp_path / "v.csv")) == [("x", "y", "tie")]


def test_a_folder_of_parts_and_several_files(tmp_path: Path) -> None:
    table = random_battles(1, rows=90)
    parts = tmp_path / "data"
    parts.mkdir()
    for number in range(3):
        table[number * 30 : (number + 1) * 30].to_parquet(parts / f"train-{number}.parquet", index=False)
    table.to_csv(tmp_path / "all.csv", index=False)
    whole = Comparisons.from_battles(read_votes(tmp_path / "all.csv"))
    by_folder = read_votes(parts)
    assert records_of(by_folder) == records_of(read_votes(tmp_path / "all.csv"))
    for votes in (by_folder, read_votes(tmp_path), read_votes(sorted(parts.iterdir()))):
        assert np.array_equal(Comparisons.from_battles(votes).counts, whole.counts)
    table[:5].to_parquet(parts / "votes.parquet", index=False)
    assert len(read_votes(tmp_path)) == 5
    with pytest.raises(UnreadableVotesError, match="empty holds no files of votes"):
        read_votes(tmp_path.joinpath("empty").mkdir() or tmp_path / "empty")


def test_files_with_different_columns_are_not_mixed(tmp_path: Path) -> None:
    table = random_battles(2, rows=10)
    table.to_csv(tmp_path / "a.csv", index=False)
    table.drop(columns="voter").to_csv(tmp_path / "b.csv", index=False)
    message = "Some of the files have the column 'voter' and others have not: .*a.csv has 'voter'"
    with pytest.raises(InvalidComparisonsError, match=message):
        read_votes([tmp_path / "a.csv", tmp_path / "b.csv"])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            "model_a,model_b,winner\nx,y,tie\nx,y,draw\n",
            r"row 1 \(from 0\): unknown winner label 'draw'. Map it",
        ),
        ("model_a,model_b,winner\nx,y,tie\nx,y,\n", r"row 1 \(from 0\): winner is missing"),
        ("model_a,model_b,winner\nx,,tie\n", r"row 0 \(from 0\): model_b is missing"),
        ("model_a,model_b,winner,count\nx,y,tie,2\nx,y,tie,few\n", r"row 1 .*: count is 'few', not a number"),
        ("model_a,model_b,winner,date\nx,y,tie,soon\n", r"row 0 .*: 'soon' is no date. Write ISO 8601"),
        ("model_a,model_b,winner,date\nx,y,tie,20240531\n", r"row 0 .*: '20240531' is no date"),
        (
            "model_a,model_b,winner,count\nx,y,tie,-2\n",
            r"row 0 .*: count is '-2'. A count is a finite number",
        ),
        (
            "model_a,model_b,winner,count\nx,y,tie,1.5\n",
            r"row 0 .*: count is '1.5'. A count is a whole number",
        ),
        ("model_a,model_b,winner,count\nx,y,tie,1e30\n", r"row 0 .*: count is '1e30', more than the 9007"),
        ("model_a,model_b,winner,weight\nx,y,tie,-1\n", r"row 0 .*: weight is '-1'. A weight is a finite"),
        ("model_a,model_b,winner\nx,y,tie\ny,y,tie\n", r"row 1 .*: 'y' stands on both sides"),
        ("left,right,winner\nx,y,y\n", r"row 0 .*: winner is 'y', the name of a model. Say on which side"),
        ("left,right,label\nx,,tie\n", r"row 0 .*: right is missing"),
        (
            "model_a,model_b,winner,tokens_a,tokens_b\nx,y,tie,1,2\nx,y,tie,3,\n",
            r"row 1 .*: tokens_b is miss",
        ),
        (
            "model_a,model_b,winner,n_a,n_b\nx,y,tie,1,2\nx,y,tie,3,?\n",
            r"row 1 .*: n_b is '\?', not a number",
        ),
        ("model_a,model_b,winner,anony\nx,y,tie,False\nx,y,no,True\n", r"row 1 \(from 0\): unknown winner"),
    ],
)
def test_bad_rows_are_named(content: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "v.csv").write_text(content)
    with pytest.raises(InvalidComparisonsError, match=message):
        read_votes(tmp_path / "v.csv")


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("v.csv", b"", "cannot be read as csv: it is empty"),
        (
            "v.csv",
            b"model_a,model_b,winner\nx,y\n",
            "cannot be read as csv: line 2 has 2 cells, and the first line 3",
        ),
        ("v.csv", b"model_a;model_b;winner\nx;y;tie\n", "the separator looks like ';', not ','"),
        ("v.tsv", b"model_a,model_b,winner\nx,y,tie\n", "the separator looks like ',', not '\\\\t'"),
        ("v.csv", b"mod\xe8le,model_a,model_b,winner\n", "byte 4 of line 1 is 0xe8, which is not UTF-8"),
        ("v.jsonl", b'{"model_a": "\xe8"}\n', "byte 14 of line 1 is 0xe8, which is not UTF-8"),
        ("v.csv", b"model_a,model_b,winner,winner\n", "names the column winner twice"),
        (
            "v.csv",
            b"model_a,model_b,winner\nx,\xff\xfe,tie\n",
            r"byte 3 of line 2 is 0xff, .* save the file as UTF-8\.$",
        ),
        ("v.jsonl", b'{"model_a": "x"}\n{broken\n', "cannot be read as jsonl: line 2 is not JSON"),
        ("v.json", b"[1, 2]", "cannot be read as json: row 0 is no JSON object"),
        ("v.json", b"[" * 200_000, "cannot be read as json: .*recursion"),
        ("v.jsonl", b'{"a":' * 200_000, "cannot be read as jsonl: .*recursion"),
        ("v.json.gz", b"no gzip", "cannot be read as json.gz"),
        ("v.parquet", b"PAR1", "cannot be read as parquet"),
        ("v.xlsx", b"", "does not end in .csv, .tsv, .json"),
        ("v", b"", "does not end in"),
    ],
)
def test_broken_files_are_named(name: str, content: bytes, message: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(UnreadableVotesError, match=message) as caught:
        read_votes(tmp_path / name)
    assert str(tmp_path / name) in str(caught.value)


def test_json_whose_values_change_type_late(tmp_path: Path) -> None:
    rows = [{"model_a": "x", "model_b": "y", "winner": "tie", "voter": n} for n in range(150)]
    rows += [
        {"model_a": "x", "model_b": "y", "winner": "tie", "voter": "guest"},
        {"model_a": "x", "model_b": "y"},
    ]
    rows[-1] |= {"winner": "model_a", "voter": "guest"}
    write_json_lines(tmp_path / "v.jsonl", rows)
    assert read_votes(tmp_path / "v.jsonl").voter.tolist() == [*range(150), "guest", "guest"]


@pytest.mark.parametrize("ending", ["jsonl", "json"])
def test_json_in_any_order_is_the_same_votes(ending: str, tmp_path: Path) -> None:
    """Columns that the first 120 records lack, and a key of that name within a value, which is none."""
    plain = {"model_a": "x", "model_b": "y", "winner": "tie", "meta": {"user": "nested"}}
    rows = [*[plain] * 120, *[plain | {"voter": "ann"}] * 50, *[plain | {"anony": False}] * 30]
    found = []
    for order in (rows, rows[::-1]):
        path = tmp_path / f"v.{ending}"
        path.write_text(
            json.dumps(order) if ending == "json" else "".join(json.dumps(row) + "\n" for row in order)
        )
        votes = read_votes(path)
        found.append((len(votes), set(votes.columns), int((votes.voter == "ann").sum())))
    assert found == [(170, {"model_a", "model_b", "winner", "voter"}, 50)] * 2


@pytest.mark.parametrize("cut", range(1, 40))
def test_late_columns_are_found_wherever_the_text_is_cut(cut: int) -> None:
    text = b'{"a": "\\"worker", "weight" : 1, "anony":0, "user_2": "date", "counted": 1, "count"\n:2}'
    blocks = [text[at : at + cut] for at in range(0, len(text), cut)]
    assert late_columns(blocks, ("counted",)) == {"weight", "anony", "count"}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"columns": {"model_a": "nope"}},
            "There is no column 'nope' to take as model_a; the file has model_a",
        ),
        ({"columns": {"colour": "winner"}}, "'colour' is no column of ours"),
        ({"features": ("tokens",)}, "no columns for the feature tokens; found features: none"),
        ({"keep": ("prompt",)}, "There is no column prompt; the file has model_a"),
    ],
)
def test_bad_options_are_named(options: dict[str, Any], message: str, tmp_path: Path) -> None:
    random_battles(3, rows=5).to_csv(tmp_path / "v.csv", index=False)
    with pytest.raises(InvalidOptionError, match=message):
        read_votes(tmp_path / "v.csv", **options)


def test_an_empty_table_has_no_votes(tmp_path: Path) -> None:
    (tmp_path / "v.csv").write_text("model_a,model_b,winner\n")
    assert Comparisons.from_battles(read_votes(tmp_path / "v.csv")).models == ()
    with pytest.raises(UnreadableVotesError, match="No file of votes"):
        read_votes([])


def test_a_judge_is_a_voter_in_the_33k_release_only(tmp_path: Path) -> None:
    row = {"model_a": "x", "model_b": "y", "winner": "tie", "judge": "model_b"}
    for more in ({}, {"voter": "ann"}, {"voter": "ann", "tstamp": 1682351591}):
        write_csv(tmp_path / "v.csv", [{**row, **more}])
        votes = read_votes(tmp_path / "v.csv")
        assert votes.judge.tolist() == ["model_b"]
        assert votes.get("voter", pd.Series()).tolist() == ["ann"] * ("voter" in more)
    mapped = read_votes(tmp_path / "v.csv", columns={"voter": "judge"})
    assert mapped.voter.tolist() == ["model_b"]
    assert "judge" not in mapped


@pytest.mark.parametrize(("suffix", "write"), [(".csv", write_csv), (".jsonl.gz", write_zipped_json_lines)])
def test_a_folder_of_files_of_one_format(
    suffix: str, write: Callable[[Path, Records], None], tmp_path: Path
) -> None:
    rows = [dict(zip(("model_a", "model_b", "winner"), row, strict=True)) for row in PLAIN]
    for number, row in enumerate(rows):
        write(tmp_path / f"{number}{suffix}", [row])
    (tmp_path / "notes.md").write_text("not votes")
    assert records_of(read_votes(tmp_path)) == PLAIN
    write_json(tmp_path / "other.json", rows)
    with pytest.raises(UnreadableVotesError, match="holds files of several formats, .*json"):
        read_votes(tmp_path)


def test_a_file_that_is_given_twice(tmp_path: Path) -> None:
    random_battles(4, rows=5).to_csv(tmp_path / "v.csv", index=False)
    with pytest.raises(InvalidOptionError, match="v.csv is given twice, and its votes would count twice"):
        read_votes([tmp_path / "v.csv", tmp_path / "." / "v.csv"])
    with pytest.raises(InvalidOptionError, match="is given twice"):
        read_votes([tmp_path, tmp_path / "v.csv"])


@pytest.mark.parametrize("name", ["-", "/dev/null"])
def test_votes_do_not_come_from_a_stream(name: str) -> None:
    with pytest.raises(UnreadableVotesError, match="is no regular file.*: save them to a file and name it"):
        read_votes(name)


def test_what_may_not_be_missing_is_named_with_its_file(tmp_path: Path) -> None:
    table = random_battles(5, rows=5)
    table.to_csv(tmp_path / "a.csv", index=False)
    table.assign(voter=[1, None, 2, 3, 4]).to_csv(tmp_path / "b.csv", index=False)
    files = [tmp_path / name for name in ("a.csv", "b.csv")]
    assert read_votes(files).voter.isna().sum() == 1
    with pytest.raises(InvalidComparisonsError, match=r"b.csv: row 1 \(from 0\): voter is missing"):
        read_votes_with_notes(files, complete=["voter"])


def test_a_feature_is_left_out_only_if_it_is_no_number_at_all(tmp_path: Path) -> None:
    rows = [{"model_a": "x", "model_b": "y", "winner": "tie", "lab_a": "360", "lab_b": "o"}] * 2
    write_csv(tmp_path / "v.csv", [*rows, {**rows[0], "lab_a": "p"}])
    reading = read_votes_with_notes(tmp_path / "v.csv")
    assert "lab_a" not in reading.votes
    assert "no style feature: row 2 (from 0): lab_a is 'p'" in reading.notes[0]
