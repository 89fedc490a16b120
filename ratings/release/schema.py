"""What the files of a release hold, column by column: the one place that exporter, checker and documents read."""

import re
from collections.abc import Mapping
from typing import Final

import pyarrow as pa  # type: ignore[import-untyped]

from ratings.board_files import STYLE_FEATURES

NAME: Final = re.compile(r"(?!.*\.\.)[a-z0-9][a-z0-9.-]{0,62}")
"""What a release may be called: its name is that of a folder, too."""
BATTLE_ID: Final = re.compile("[0-9a-f]{32}")
FORMAT: Final = "arena-release/1"
MANIFEST: Final = "release.json"
CHECKSUMS: Final = "SHA256SUMS"
SIGNATURE: Final = "SHA256SUMS.sig"
PUBLIC_KEY: Final = "signing-key.pub"


def _column(name: str, kind: pa.DataType, meaning: str, *, nullable: bool = False) -> pa.Field:
    return pa.field(name, kind, nullable=nullable, metadata={"description": meaning})


def _sides(name: str, kind: pa.DataType, meaning: str, *, nullable: bool = False) -> list[pa.Field]:
    """The same column for side a and for side b."""
    return [_column(f"{name}_{side}", kind, f"Side {side}: {meaning}", nullable=nullable) for side in "ab"]


_BATTLE_ID = _column(
    "battle_id",
    pa.string(),
    "The battle, by 32 hexadecimal digits that only its arena can tell from its address; the same in every release.",
)
_POPULATION = _column(
    "population",
    pa.string(),
    "Which main board the vote counts on: `overall`, `demo` or `simulated`; null where it counts on none.",
    nullable=True,
)
_MODELS = [
    _column("model_a", pa.string(), "Model on side a."),
    _column("model_b", pa.string(), "Model on side b."),
]
_WINNER = _column("winner", pa.string(), "The verdict: `model_a`, `model_b`, `tie` or `both_bad`.")
_VOTER = _column(
    "voter",
    pa.string(),
    "The voter, by a pseudonym made for this release; of an imported vote, as it came.",
    nullable=True,
)
_WEEK = _column("week", pa.date32(), "Monday of the week in which it happened, UTC.")

BATTLES: Final = pa.schema(
    [
        _BATTLE_ID,
        _POPULATION,
        *_MODELS,
        *_sides("version", pa.int32(), "number of the model's period, see `models.versions`.", nullable=True),
        _column("turns", pa.int32(), "How many turns were answered."),
        _column("language", pa.string(), "Language of the first prompt, ISO 639.", nullable=True),
        _WEEK,
        _column(
            "propensity",
            pa.float64(),
            "Probability with which this pair was drawn, whichever stood on which side.",
        ),
        _column("sampling_policy", pa.string(), "The rule by which pairs were drawn."),
        _column(
            "release_policy", pa.string(), "How answers reached the voter: `paced`, `together` or `raw`."
        ),
        _column("decoding", pa.string(), "Decoding settings sent to both models, as JSON."),
        _column("void_reason", pa.string(), "Why the battle is void.", nullable=True),
    ]
)

TURNS: Final = pa.schema(
    [
        _BATTLE_ID,
        _column("index", pa.int32(), "Place of the turn in its battle, from 0."),
        _column("after_reveal", pa.bool_(), "Whether the names were known when it was asked."),
        _column("state", pa.string(), "`answered`, `stopped`, `failed` or `interrupted`."),
        _column("prompt", pa.string(), "What the voter asked; personal data replaced."),
        _column("prompt_language", pa.string(), "Its language, ISO 639.", nullable=True),
        *_sides("response", pa.string(), "what the model answered; personal data replaced."),
        *_sides("state", pa.string(), "`answered`, `stopped`, `failed` or `interrupted`."),
        *_sides("finish_reason", pa.string(), "why the model stopped, in its server's word.", nullable=True),
        *_sides("language", pa.string(), "language of the answer, ISO 639.", nullable=True),
        *_sides("prompt_tokens", pa.int32(), "tokens of all it was sent.", nullable=True),
        *_sides("completion_tokens", pa.int32(), "tokens of its answer.", nullable=True),
        *_sides(
            "first_token_milliseconds",
            pa.float64(),
            "time to the first token, whole milliseconds.",
            nullable=True,
        ),
        *_sides(
            "total_milliseconds", pa.float64(), "time to the last token, whole milliseconds.", nullable=True
        ),
        *_sides("attempts", pa.int32(), "how often it was asked before it answered.", nullable=True),
        *_sides("reveals_identity", pa.string(), "the rule by which it names its maker.", nullable=True),
        _column("redacted", pa.list_(pa.string()), "Kinds of personal data that were replaced in this turn."),
        _column(
            "moderation",
            pa.list_(pa.string()),
            "What is unsafe in it: prompt, a or b, a colon and a category; null where that is not known.",
            nullable=True,
        ),
    ]
)

STYLE: Final = [
    field
    for feature in STYLE_FEATURES
    for field in _sides(
        feature, pa.int32(), f"{feature.replace('_', ' ')} in all answers before the vote.", nullable=True
    )
]

VOTES: Final = pa.schema(
    [
        _BATTLE_ID,
        _POPULATION,
        *_MODELS,
        _WINNER,
        _VOTER,
        _column("counted", pa.bool_(), "Whether the vote counts on the overall board."),
        _column("reason", pa.string(), "Why it does not.", nullable=True),
        _column("reasons", pa.list_(pa.string()), "What the voter gave as reasons."),
        _column("early", pa.bool_(), "Whether the voter stopped an answer and voted."),
        _column(
            "seconds_to_vote",
            pa.int32(),
            "From the end of the last answer to the vote, an hour at most.",
            nullable=True,
        ),
        _WEEK,
        _column(
            "propensity",
            pa.float64(),
            "Probability with which this pair was drawn, whichever stood on which side.",
        ),
        _column(
            "prompt_cluster",
            pa.string(),
            "Battles that began with the same prompt share it; its digits say nothing of the prompt.",
            nullable=True,
        ),
        _column(
            "over_frequent", pa.bool_(), "Whether the boards leave it out: its prompt was asked too often."
        ),
        _column("tags", pa.list_(pa.string()), "What the categories select by."),
        *STYLE,
    ]
)

BOARD_VOTES: Final = pa.schema([_BATTLE_ID, *_MODELS, _WINNER, _VOTER])
"""Of a file of imported votes, which has no battles: there `battle_id` is the vote's own."""

VERSION: Final = pa.struct(
    [
        _column("number", pa.int32(), "Counted from 1 for each model."),
        _column("name", pa.string(), "Name it was served under."),
        _column("organization", pa.string(), "Who made it, as said then."),
        _column("license", pa.string(), "Its licence, as said then.", nullable=True),
        _column("open_weights", pa.bool_(), "Whether its weights are open, as said then.", nullable=True),
        _column("aliases", pa.list_(pa.string()), "Names of its family."),
        _column("endpoints", pa.list_(pa.string()), "Where it ran: `demo`, `self-hosted` or `hosted`."),
        _column("decoding", pa.string(), "Decoding settings, as JSON."),
        _column("first_day", pa.date32(), "First day, UTC."),
        _column("last_day", pa.date32(), "Last day, UTC.", nullable=True),
        _column("reason", pa.string(), "Why the period ended.", nullable=True),
    ]
)

MODELS: Final = pa.schema(
    [
        _column("model", pa.string(), "Name of the model."),
        _column("organization", pa.string(), "Who made it."),
        _column(
            "license",
            pa.string(),
            "Licence of the model, null where not stated; its answers stand under its maker's terms.",
            nullable=True,
        ),
        _column(
            "open_weights", pa.bool_(), "Whether its weights are open; null where not stated.", nullable=True
        ),
        _column("parameters_billions", pa.float64(), "Its size, all experts counted.", nullable=True),
        _column("link", pa.string(), "Where to read about it.", nullable=True),
        _column("description", pa.string(), "About it, in a sentence."),
        _column(
            "aliases", pa.list_(pa.string()), "Other names of its family, which an answer may give away."
        ),
        _column("demo", pa.bool_(), "Whether it is one of the program's demo models."),
        _column("status", pa.string(), "`active` or `retired`."),
        _column("listed_on", pa.date32(), "Day on which it was listed, UTC."),
        _column("retired_on", pa.date32(), "Day on which it was retired, UTC.", nullable=True),
        _column("retired_reason", pa.string(), "Why.", nullable=True),
        _column("versions", pa.list_(VERSION), "Every period in which it was served, oldest first."),
    ]
)

WITHHELD: Final = pa.schema(
    [
        _column("why", pa.string(), "Why these battles are not in the release, such as `no_consent`."),
        _column(
            "model_a",
            pa.string(),
            "Model on side a; null in the rest that is too small to be told.",
            nullable=True,
        ),
        _column("model_b", pa.string(), "Model on side b, likewise.", nullable=True),
        _column("winner", pa.string(), "The verdict, likewise.", nullable=True),
        _column("counted", pa.bool_(), "Whether these votes count on the overall board.", nullable=True),
        _column("votes", pa.int64(), "How many they are."),
    ]
)

DATA: Final[Mapping[str, pa.Schema]] = {
    "data/battles.parquet": BATTLES,
    "data/turns.parquet": TURNS,
    "data/votes.parquet": VOTES,
    "data/models.parquet": MODELS,
    "data/withheld.parquet": WITHHELD,
}


def board_votes_file(board: str) -> str:
    """Where the votes of an imported board stand."""
    return f"boards/{board}.parquet"
