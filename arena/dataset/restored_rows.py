"""Rows of a release → rows of the database: names become numbers, weeks their first moment."""

import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import orjson
import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.compute as pc  # type: ignore[import-untyped]

from arena.records import Variant
from ratings.arrays import IntArray
from ratings.board_files import STYLE_FEATURES

_DAY = 86_400
_OF_SIDES = ("state", "finish_reason", "language", "prompt_tokens", "completion_tokens", "first_token_milliseconds",
             "total_milliseconds", "attempts", "reveals_identity")  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Restorer:
    """Makes rows of the database; the votes of a voter find the row by a number that nobody can guess."""

    models: Mapping[str, int]
    variant: Variant
    rules: str  # by which the boards of today tag
    _key: bytes = field(default_factory=lambda: secrets.token_bytes(32))

    def voters(self, votes: pa.Table) -> pa.Table:
        """Each voter once, as a person unless all of the votes are simulated."""
        simulated = pc.fill_null(pc.equal(votes["reason"], "simulated_voter"), False)
        kind = pc.if_else(simulated, "simulated", "human")
        found = (
            pa.table({"pseudonym": votes["voter"], "kind": kind})
            .group_by(["pseudonym", "kind"])
            .aggregate([])
        )
        return found.append_column("id", self._voter_ids(found["pseudonym"]))

    def _voter_ids(self, pseudonyms: pa.ChunkedArray) -> pa.Array:
        coded = pseudonyms.combine_chunks().dictionary_encode()
        made = [
            hashlib.blake2b(name.encode(), key=self._key, digest_size=16).hexdigest()
            for name in coded.dictionary.to_pylist()
        ]
        return pa.array(made, pa.string()).take(coded.indices)

    def battles(self, battles: pa.Table, votes: pa.Table) -> pa.Table:
        """Rows of `battle`. Who voted in an audit agreed to nothing that it tells of, so they publish nothing."""
        same = ("propensity", "sampling_policy", "decoding", "release_policy", "void_reason")
        began_at = _moments(battles["week"])
        return pa.table(
            {
                "id": battles["battle_id"],
                "voter_id": self._voter_ids(votes["voter"]),
                "state": _all("voted", battles),
                **{f"{model}_id": self._numbers(battles[model]) for model in ("model_a", "model_b")},
                **{name: battles[name] for name in same},
                "publish": _all(self.variant == "open", battles),
                "answered_turns": battles["turns"],
                "released_as": battles["battle_id"],
                **{f"released_version_{side}": battles[f"version_{side}"] for side in "ab"},
                "created_at": began_at,
                "updated_at": began_at,
            }
        )

    def _numbers(self, names: pa.ChunkedArray) -> pa.Array:
        coded = names.combine_chunks().dictionary_encode()
        numbers = pa.array([self.models[name] for name in coded.dictionary.to_pylist()], pa.int64())
        return numbers.take(coded.indices)

    def turns(self, turns: pa.Table, first: int, battles: pa.Table, votes: pa.Table) -> pa.Table:
        """Rows of `turn`, numbered from `first`; they end when the votes' seconds begin to count."""
        place = pc.index_in(turns["battle_id"], value_set=battles["battle_id"].combine_chunks())
        began_at = _moments(battles["week"].take(place))
        timed = pc.or_(votes["seconds_to_vote"].take(place).is_valid(), turns["after_reveal"])
        same = ("battle_id", "index", "prompt", "prompt_language", "state", "after_reveal")
        return pa.table(
            {
                "id": np.arange(first, first + len(turns)),
                **{name: turns[name] for name in same},
                **{name: _json(turns[name]) for name in ("redacted", "moderation")},
                "heartbeat_at": began_at,
                "created_at": began_at,
                "finished_at": pc.if_else(timed.combine_chunks(), began_at, None),
            }
        )

    def responses(self, turns: pa.Table, first: int, side: str) -> pa.Table:
        """Rows of `response`, to turns numbered like this."""
        text = turns[f"response_{side}"]
        return pa.table(
            {
                "turn_id": np.arange(first, first + len(turns)),
                "side": _all(side, turns),
                "text": text,
                "released_characters": pc.utf8_length(text),
                **{name: turns[f"{name}_{side}"] for name in _OF_SIDES},
            }
        )

    def votes(self, votes: pa.Table, numbers: IntArray) -> pa.Table:
        """Rows of `vote` with these numbers; their receipts stayed elsewhere."""
        cast_at = _moments(votes["week"], votes["seconds_to_vote"])
        withdrawn = pc.fill_null(pc.equal(votes["reason"], "withdrawn"), False).combine_chunks()
        same = ("battle_id", "winner", "counted", "reason", "early")
        return pa.table(
            {
                "id": numbers,
                "voter_id": self._voter_ids(votes["voter"]),
                **{name: votes[name] for name in same},
                "reasons": _json(votes["reasons"]),
                "receipt": _all("", votes),
                "created_at": cast_at,
                "withdrawn_at": pc.if_else(withdrawn, cast_at, None),
            }
        )

    def tags(self, votes: pa.Table, numbers: IntArray) -> pa.Table:
        """What a ballot says besides its vote."""
        return pa.table(
            {
                "vote_id": numbers,
                "tags": _array(votes["tags"]),
                **{f"style_{side}": _style(votes, side) for side in "ab"},
                "prompt_digest": votes["prompt_cluster"],
                "rules": _all(self.rules, votes),
            }
        )


class VoteNumbers:
    """Numbers of votes, in the order of the file, those on prompts asked too often last.

    Of such a prompt the boards count the votes with the lowest numbers, which are those that the release counted.
    """

    def __init__(self, first: int, usual: int) -> None:
        self._usual, self._frequent = first, first + usual

    def of(self, votes: pa.Table) -> IntArray:
        """Those of the next votes."""
        frequent = votes["over_frequent"].to_numpy()
        later = np.cumsum(frequent)
        numbers = np.where(frequent, self._frequent + later - 1, self._usual + np.cumsum(~frequent) - 1)
        self._frequent += int(frequent.sum())
        self._usual += int((~frequent).sum())
        return numbers.astype(np.int64)


def _all(value: str | bool, rows: pa.Table) -> pa.Array:
    return pa.repeat(value, len(rows))


def _moments(weeks: pa.ChunkedArray, seconds: pa.ChunkedArray | None = None) -> pa.Array:
    """Midnight of these days, UTC, and so many seconds later."""
    days: IntArray = weeks.cast(pa.int32()).to_numpy().astype(np.int64)
    later = 0 if seconds is None else pc.fill_null(seconds, 0).to_numpy()
    return pa.array(days * _DAY + later, pa.timestamp("s", "UTC"))


def _json(lists: pa.ChunkedArray) -> pa.Array:
    return pa.array(
        [None if value is None else orjson.dumps(value).decode() for value in lists.to_pylist()], pa.string()
    )


def _array(lists: pa.ChunkedArray) -> pa.Array:
    """Lists of texts as Postgres writes arrays, each text in quotes."""
    column = lists.combine_chunks()
    values = column.flatten()
    for letter in ("\\", '"'):
        values = pc.replace_substring(values, letter, f"\\{letter}")
    quoted = pc.binary_join_element_wise('"', values, '"', "")
    starts = column.offsets.to_numpy() - column.offsets[0].as_py()
    joined = pc.binary_join(pa.ListArray.from_arrays(pa.array(starts, pa.int32()), quoted), ",")
    return pc.binary_join_element_wise("{", joined, "}", "")


def _style(votes: pa.Table, side: str) -> pa.Array:
    columns = [votes[f"{feature}_{side}"].combine_chunks() for feature in STYLE_FEATURES]
    texts = [pc.fill_null(column.cast(pa.string()), "NULL") for column in columns]
    known = columns[0].is_valid()
    for column in columns[1:]:
        known = pc.or_(known, column.is_valid())
    written = pc.binary_join_element_wise("{", pc.binary_join_element_wise(*texts, ","), "}", "")
    return pc.if_else(known, written, pa.scalar(None, pa.string()))
