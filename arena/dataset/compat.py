"""The column layouts of the published Chatbot Arena releases, so that what was written for them runs on ours."""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from itertools import pairwise
from json.encoder import encode_basestring_ascii
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.compute as pc  # type: ignore[import-untyped]
from pandas.util import hash_array
from pyarrow import csv

from arena.dataset.conversations import FILE_BATTLES, Conversations, view_writer
from arena.dataset.lane import BEHIND, Lane
from arena.dataset.message_counts import BOLD, HEADERS, LISTS, MessageCounts
from arena.language_names import LANGUAGE_NAMES
from arena.tables import SIDES, Side
from ratings.release.populations import VOTES_FILE
from ratings.release.tables import TableReader

FOLDER: Final = "compat"
ARENA_33K: Final = f"{FOLDER}/arena-33k.parquet"
ARENA_55K: Final = f"{FOLDER}/arena-55k.csv"
ARENA_100K: Final = f"{FOLDER}/arena-100k.parquet"
ARENA_140K: Final = f"{FOLDER}/arena-140k.parquet"
FASTCHAT: Final = f"{FOLDER}/fastchat-battles.json"

MODERATION: Final = (
    "harassment", "harassment/threatening", "hate", "hate/threatening", "self-harm", "self-harm/instructions",
    "self-harm/intent", "sexual", "sexual/minors", "violence", "violence/graphic",
)  # fmt: skip
CRITERIA: Final = {
    "complexity": "complexity",
    "creativity": "creativity",
    "domain_knowledge": "domain-knowledge",
    "problem_solving": "problem-solving",
    "real_world": "real-world",
    "specificity": "specificity",
    "technical_accuracy": "technical-accuracy",
}
_TEXT, _NUMBER, _FLAG, _FLOAT = pa.string(), pa.int64(), pa.bool_(), pa.float64()
_COUNTED = pa.struct([("content", _TEXT), ("num_tokens", _NUMBER), ("role", _TEXT)])
_PART = pa.struct([("type", _TEXT), ("text", _TEXT), ("image", _TEXT), ("mimeType", _TEXT)])
_PARTED = pa.struct([("role", _TEXT), ("content", pa.list_(_PART)), ("num_tokens", _NUMBER)])
_ROUND = pa.struct([(name, _PARTED) for name in ("user", "model_side_a", "model_side_b")])
_METADATA = pa.struct(
    [
        *((f"bold_count_{side}", pa.struct([(name, _NUMBER) for name in BOLD])) for side in SIDES),
        *((f"context_{side}_tokens", _NUMBER) for side in SIDES),
        *((f"header_count_{side}", pa.struct([(name, _NUMBER) for name in HEADERS])) for side in SIDES),
        *((f"list_count_{side}", pa.struct([(name, _NUMBER) for name in LISTS])) for side in SIDES),
        *((f"sum_assistant_{side}_tokens", _NUMBER) for side in SIDES),
        ("sum_user_tokens", _NUMBER),
        ("turns", _NUMBER),
    ]
)
_CATEGORIES = pa.struct(
    [
        ("creative_writing_v0.1", pa.struct([("creative_writing", _FLAG), ("score", _TEXT)])),
        ("criteria_v0.1", pa.struct([(name, _FLAG) for name in CRITERIA])),
        ("if_v0.1", pa.struct([("if", _FLAG), ("score", _NUMBER)])),
        ("math_v0.1", pa.struct([("math", _FLAG)])),
    ]
)
_SCHEMAS: Final[Mapping[str, pa.Schema]] = {
    ARENA_33K: pa.schema(
        [
            *((name, _TEXT) for name in ("question_id", "model_a", "model_b", "winner", "judge")),
            *(
                (f"conversation_{side}", pa.list_(pa.struct([("content", _TEXT), ("role", _TEXT)])))
                for side in SIDES
            ),
            *(("turn", _NUMBER), ("anony", _FLAG), ("language", _TEXT), ("tstamp", _FLOAT)),
            (
                "openai_moderation",
                pa.struct(
                    [
                        ("categories", pa.struct([(name, _FLAG) for name in MODERATION])),
                        ("category_scores", pa.struct([(name, _FLOAT) for name in MODERATION])),
                        ("flagged", _FLAG),
                    ]
                ),
            ),
            (
                "toxic_chat_tag",
                pa.struct(
                    [
                        ("roberta-large", pa.struct([("flagged", _FLAG), ("probability", _FLOAT)])),
                        ("t5-large", pa.struct([("flagged", _FLAG), ("score", _FLOAT)])),
                    ]
                ),
            ),
        ]
    ),
    ARENA_100K: pa.schema(
        [
            *((name, _TEXT) for name in ("question_id", "model_a", "model_b", "winner")),
            *((f"conversation_{side}", pa.list_(_COUNTED)) for side in SIDES),
            *(("turn", _NUMBER), ("anony", _FLAG), ("language", _TEXT), ("tstamp", _FLOAT)),
            *(("conv_metadata", _METADATA), ("is_code", _FLAG), ("is_refusal", _FLAG)),
            ("dedup_tag", pa.struct([("high_freq", _FLAG), ("sampled", _FLAG)])),
            *(("category_tag", _CATEGORIES), ("judge_hash", _TEXT)),
        ]
    ),
    ARENA_140K: pa.schema(
        [
            *((name, _TEXT) for name in ("id", "model_a", "model_b", "winner", "evaluation_session_id")),
            ("evaluation_order", pa.int32()),
            *((f"conversation_{side}", pa.list_(_PARTED)) for side in SIDES),
            ("full_conversation", pa.list_(_ROUND)),
            *(
                ("conv_metadata", _METADATA),
                ("category_tag", _CATEGORIES),
                ("language", _TEXT),
                ("is_code", _FLAG),
            ),
            ("timestamp", pa.timestamp("us")),
        ]
    ),
}
_ONE_HOT: Final = {
    "winner_model_a": ("model_a",),
    "winner_model_b": ("model_b",),
    "winner_tie": ("tie", "both_bad"),
}
_55K: Final = pa.schema(
    [
        ("id", _NUMBER),
        *((name, _TEXT) for name in ("model_a", "model_b", "prompt", "response_a", "response_b")),
        *((name, _NUMBER) for name in _ONE_HOT),
    ]
)


@contextmanager
def compat_writer(directory: Path) -> Iterator[Callable[[Conversations], None]]:
    """What writes conversations into all files of `compat/`."""
    (directory / FOLDER).mkdir(exist_ok=True)
    with ExitStack() as files:
        parquet = {
            name: files.enter_context(view_writer(directory / name, schema))
            for name, schema in _SCHEMAS.items()
        }
        # The layouts are compressed while the next are made, on another core.
        lane = files.enter_context(Lane(len(parquet) * BEHIND))
        table = files.enter_context(csv.CSVWriter(directory / ARENA_55K, _55K))
        battles = files.enter_context((directory / FASTCHAT).open("w", encoding="utf-8"))
        frequent = _frequent_prompts(directory)
        between, sessions = "[\n", _Sessions()

        def write(said: Conversations) -> None:
            nonlocal between
            columns = _columns(said, frequent, sessions)
            for name, writer in parquet.items():
                lane.submit(
                    writer.write, pa.table({field: columns[name][field] for field in writer.schema.names})
                )
            table.write(pa.table(_columns_55k(said), schema=_55K))
            for row in pa.table(_shared(said)).to_pylist():
                battles.write(between + json.dumps(row, ensure_ascii=False))
                between = ",\n"

        yield write
        battles.write("\n]\n" if between == ",\n" else "[]\n")


def _shared(said: Conversations) -> dict[str, Any]:
    """What a cleaned battle of FastChat says besides its conversations."""
    votes = said.votes
    names = [LANGUAGE_NAMES.get(language or "", "unknown") for language in said.languages.to_pylist()]
    return {
        "question_id": votes["battle_id"],
        "model_a": votes["model_a"],
        "model_b": votes["model_b"],
        "winner": pc.replace_substring(votes["winner"], "both_bad", "tie (bothbad)"),
        "judge": pc.binary_join_element_wise("arena_user_", _voters(said), ""),
        "turn": pa.array(said.turns),
        "anony": pa.repeat(True, votes.num_rows),
        "language": pa.array(names, _TEXT),
        "tstamp": pc.cast(pc.cast(votes["week"], pa.timestamp("s")), _NUMBER).cast(_FLOAT),
    }


def _voters(said: Conversations) -> pa.ChunkedArray:
    """A vote without a voter is a voter of its own."""
    return pc.coalesce(said.votes["voter"], said.votes["battle_id"])


def _columns(said: Conversations, frequent: pa.Array, sessions: "_Sessions") -> dict[str, dict[str, Any]]:
    """The columns of every Parquet file."""
    shared, rows, counts = _shared(said), said.votes.num_rows, MessageCounts(said)
    tagged = {
        "is_code": _has(said, "code"),
        "is_refusal": _has(said, "refusal"),
        "category_tag": _category_tag(said),
    }
    measured = tagged | {"conv_metadata": counts.metadata(_METADATA)}
    untold = ("openai_moderation", "toxic_chat_tag")
    return {
        ARENA_33K: shared
        | _conversations(said, lambda side: said.messages(side, ("content", "role")))
        | {name: pa.nulls(rows, _SCHEMAS[ARENA_33K].field(name).type) for name in untold},
        ARENA_100K: shared
        | _conversations(
            said,
            lambda side: said.messages(
                side, ("content", "num_tokens", "role"), num_tokens=counts.of_messages(side)
            ),
        )
        | measured
        | {"dedup_tag": _dedup_tag(said, frequent), "judge_hash": _voters(said)},
        ARENA_140K: shared
        | _conversations(
            said,
            lambda side: _in_parts(
                said.messages(side, ("role", "content", "num_tokens"), num_tokens=counts.of_messages(side))
            ),
        )
        | measured
        | {
            "id": said.votes["battle_id"],
            "winner": said.votes["winner"],
            "evaluation_session_id": _voters(said),
            "evaluation_order": sessions.orders(said.votes["voter"]),
            "full_conversation": said.by_battle(_rounds(said, counts)),
            "language": pc.fill_null(said.languages, "und"),
            "timestamp": pc.cast(said.votes["week"], pa.timestamp("us")),
        },
    }


def _conversations(said: Conversations, messages: Callable[[Side], pa.Array]) -> dict[str, pa.ListArray]:
    return {f"conversation_{side}": said.by_battle(messages(side), each=2) for side in SIDES}


def _in_parts(messages: pa.StructArray) -> pa.StructArray:
    """Messages whose content is a list of parts, here of one text."""
    size = len(messages)
    none = pa.nulls(size, _TEXT)
    part = pa.StructArray.from_arrays(
        [pa.repeat("text", size), messages.field("content"), none, none], fields=[*_PART]
    )
    content = pa.ListArray.from_arrays(pa.array(range(size + 1), pa.int32()), part)
    return pa.StructArray.from_arrays(
        [messages.field("role"), content, messages.field("num_tokens")], fields=[*_PARTED]
    )


def _rounds(said: Conversations, counts: MessageCounts) -> pa.StructArray:
    """Each turn with both answers."""
    spoken = {
        "user": ("user", said.prompts, counts.prompts),
        **{f"model_side_{side}": ("assistant", said.answers[side], counts.answers[side]) for side in SIDES},
    }
    names = ["role", "content", "num_tokens"]
    columns = [
        _in_parts(
            pa.StructArray.from_arrays([pa.repeat(role, len(texts)), texts, pa.array(tokens)], names=names)
        )
        for role, texts, tokens in spoken.values()
    ]
    return pa.StructArray.from_arrays(columns, names=[*spoken])


def _has(said: Conversations, tag: str) -> pa.Array:
    """Which battles carry a tag."""
    tags = said.votes["tags"].combine_chunks()
    carried = np.zeros(len(tags), dtype=bool)
    carried[pc.list_parent_indices(tags).filter(pc.equal(pc.list_flatten(tags), tag)).to_numpy()] = True
    return pa.array(carried)


def _category_tag(said: Conversations) -> pa.StructArray:
    """What the published releases say of tasks; their scores are a model's, and ours has none."""
    rows = said.votes.num_rows
    found = {
        "creative_writing_v0.1": [_has(said, "creative-writing"), pa.nulls(rows, _TEXT)],
        "criteria_v0.1": [_has(said, tag) for tag in CRITERIA.values()],
        "if_v0.1": [_has(said, "instruction-following"), pa.nulls(rows, _NUMBER)],
        "math_v0.1": [_has(said, "math")],
    }
    columns = [pa.StructArray.from_arrays(found[field.name], fields=[*field.type]) for field in _CATEGORIES]
    return pa.StructArray.from_arrays(columns, fields=[*_CATEGORIES])


def _frequent_prompts(directory: Path) -> pa.Array:
    """Clusters of prompts that were asked so often that boards leave some of their votes out."""
    found: set[str] = set()
    for batch in TableReader(directory / VOTES_FILE).batches(columns=["prompt_cluster", "over_frequent"]):
        found.update(batch["prompt_cluster"].filter(batch["over_frequent"]).to_pylist())
    return pa.array(sorted(found), _TEXT)


def _dedup_tag(said: Conversations, frequent: pa.Array) -> pa.StructArray:
    """Who drops what is not `sampled` drops nothing: votes that boards leave out are not in these files."""
    high = pc.is_in(said.votes["prompt_cluster"].combine_chunks(), value_set=frequent)
    return pa.StructArray.from_arrays([high, pa.repeat(True, len(high))], names=["high_freq", "sampled"])


class _Sessions:
    """Places of votes among those of their voter in one file, from 1, in its order, which says nothing of time.

    A table of counts by hash, at most half full, since a file ends before: it does not grow with the release, and
    takes a tenth of what names would.
    """

    _SLOTS: Final = 1 << 19

    def __init__(self) -> None:
        if FILE_BATTLES > self._SLOTS // 2:
            raise ValueError("A file of so many battles may have more voters than there is room for.")
        self._voters, self._seen = np.zeros(self._SLOTS, np.uint64), np.zeros(self._SLOTS, np.uint32)
        self._votes = 0

    def orders(self, voters: pa.ChunkedArray) -> pa.Array:
        """The places of the votes of these voters; one without a voter is the first and only one of its own."""
        return pa.array([self._next(number) for number in _numbers(voters)], pa.int32())

    def _next(self, number: int) -> int:
        if not self._votes % FILE_BATTLES:
            self._voters.fill(0)
            self._seen.fill(0)
        self._votes += 1
        if not number:
            return 1
        voters, seen = self._voters.data, self._seen.data  # whose items are Python's own numbers
        slot = number % self._SLOTS
        while voters[slot] not in (0, number):
            slot = (slot + 1) % self._SLOTS
        voters[slot] = number
        seen[slot] += 1
        return int(seen[slot])


def _numbers(names: pa.ChunkedArray) -> list[int]:
    """A number for each name, of so many possible ones that no two voters have the same; 0 for none."""
    known = pc.is_valid(names).to_numpy()
    numbers = hash_array(np.array(names.to_pylist(), dtype=object), categorize=False)
    found: list[int] = np.where(known, np.maximum(numbers, 1), 0).tolist()
    return found


def _columns_55k(said: Conversations) -> dict[str, Any]:
    votes = said.votes
    texts = {"prompt": said.prompts.to_pylist()} | {f"response_{side}": said.spoken[side] for side in SIDES}
    battles = [*pairwise(said.offsets.tolist())]
    return {
        "id": [int(battle[:15], 16) for battle in votes["battle_id"].to_pylist()],
        "model_a": votes["model_a"],
        "model_b": votes["model_b"],
        **{
            name: [f"[{', '.join(map(encode_basestring_ascii, each[start:end]))}]" for start, end in battles]
            for name, each in texts.items()
        },
        **{
            name: pc.cast(pc.is_in(votes["winner"], value_set=pa.array(winners)), _NUMBER)
            for name, winners in _ONE_HOT.items()
        },
    }
