"""Rows of the database → rows of a release: pseudonyms for ids, names for numbers, weeks for moments."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.compute as pc  # type: ignore[import-untyped]

from arena.dataset.redaction import Privacy, redact_turns
from arena.dataset.rows import lists_of
from arena.errors import ReleaseInvalid
from arena.populations import POPULATION_OF_REASON
from arena.voters import Signer
from ratings.release.schema import BATTLES, TURNS, VOTES

MOST_SECONDS: Final = 3_600  # to the vote: who waits longer stands out
DIGITS: Final = 16  # of voters and of clusters of prompts
# A battle with its vote: what both files say of it, before it is known what the release as a whole allows to say.
BATTLES_AND_VOTES: Final = pa.schema(
    [
        pa.field("vote_id", pa.int64()),
        *BATTLES,
        *(field for field in VOTES if field.name not in (*BATTLES.names, "over_frequent")),
    ]
)
# Nulls where there must be none are for the checks to name.
TURNS_OF_VOTES: Final = pa.schema(
    [pa.field("vote_id", pa.int64()), *(field.with_nullable(True) for field in TURNS)]
)


@dataclass(frozen=True, kw_only=True)
class Rows:
    """Battles with their votes, and their turns, as a release says them."""

    battles: pa.Table
    turns: pa.Table

    @classmethod
    def together(cls, several: Sequence[Self]) -> Self:
        """One after the other."""
        return cls(
            battles=pa.concat_tables([each.battles for each in several]),
            turns=pa.concat_tables([each.turns for each in several]),
        )

    @property
    def bytes(self) -> int:
        return int(self.battles.nbytes + self.turns.nbytes)


class Shaper:
    """Makes rows of a release from rows of the database."""

    def __init__(
        self, arena: Signer, release: Signer | None, models: Mapping[str, Any], privacy: Privacy
    ) -> None:
        self._arena = arena
        self._release = release
        self._privacy = privacy
        self._names = {int(number): said["model"] for number, said in models.items()}
        self._served_from = {
            int(number): np.array([_microseconds(moment) for moment in said.get("served_from", ())], np.int64)
            for number, said in models.items()
        }

    def shaped(self, battles: pa.Table, turns: pa.Table) -> Rows:
        """The rows of some votes, battles in the order of their votes."""
        battles, turns = battles.sort_by("vote_id"), turns.combine_chunks()
        vote_ids = battles["vote_id"].to_numpy()
        place = np.searchsorted(vote_ids, turns["vote_id"].to_numpy())
        ids = self._battle_ids(battles)
        first = np.flatnonzero(turns["index"].to_numpy() == 0)
        language = _scattered(turns["prompt_language"].take(pa.array(first)), place[first], len(vote_ids))
        columns = {
            **{name: battles[name] for name in battles.column_names if name in BATTLES_AND_VOTES.names},
            "battle_id": ids,
            "population": _population(battles["reason"]),
            "model_a": self._named(battles["model_a_id"]),
            "model_b": self._named(battles["model_b_id"]),
            "version_a": self._version(battles, "a"),
            "version_b": self._version(battles, "b"),
            "language": language,
            "voter": self._voters(battles),
            "reasons": lists_of(battles["reasons"]),
            "seconds_to_vote": _seconds_to_vote(battles, turns, place),
            "prompt_cluster": self._clusters(battles["prompt_digest"], battles["released_as"].is_valid()),
            "tags": lists_of(pc.fill_null(battles["tags"], "[]")),
        }
        return Rows(
            battles=pa.table([columns[name] for name in BATTLES_AND_VOTES.names], schema=BATTLES_AND_VOTES),
            turns=self._turns(turns, ids.take(pa.array(place))),
        )

    def _turns(self, turns: pa.Table, ids: pa.Array) -> pa.Table:
        known = lists_of(pc.fill_null(turns["redacted"], "[]")).to_pylist()
        moderation = turns["moderation"]
        turns = redact_turns(turns, known, self._privacy)
        looked = pc.if_else(moderation.is_valid(), lists_of(pc.fill_null(moderation, "[]")), None)
        columns = {name: turns[name] for name in turns.column_names} | {
            "battle_id": ids,
            "moderation": looked,
        }
        # Fractions of a millisecond would be found again in the logs of whoever serves the model.
        columns |= {name: pc.round(column) for name, column in columns.items() if "_milliseconds_" in name}
        return pa.table([columns[name] for name in TURNS_OF_VOTES.names], schema=TURNS_OF_VOTES)

    def _battle_ids(self, battles: pa.Table) -> pa.Array:
        """As they came with a release, or a keyed hash that is the same in every release of this arena."""
        came = battles["released_as"].combine_chunks()
        own = battles["battle"].filter(came.is_null()).to_pylist()
        return _filled(came, pa.array(self._arena.digests("battle", own), pa.string()))

    def _voters(self, battles: pa.Table) -> pa.Array:
        came = battles["pseudonym"].combine_chunks()
        return _filled(
            came, self._keyed("voter", battles["voter_number"].filter(came.is_null()).cast(pa.string()))
        )

    def clusters(self, digests: Sequence[str], came: Sequence[bool]) -> list[str]:
        """What a release calls the battles on these prompts, some of which came with another release."""
        found = self._clusters(pa.chunked_array([digests], pa.string()), pa.chunked_array([came], pa.bool_()))
        return found.to_pylist()  # type: ignore[no-any-return]

    def _clusters(self, digests: pa.ChunkedArray, came: pa.ChunkedArray) -> pa.Array:
        """Of a battle from a release, the cluster that it came in is stored as its prompt's digest."""
        kept = pc.if_else(came, pc.utf8_slice_codeunits(digests, 0, DIGITS), None).combine_chunks()
        own = pc.and_(pc.invert(came), digests.is_valid())
        keyed = self._keyed("prompt", digests.filter(own))
        return pc.replace_with_mask(kept, own.combine_chunks(), keyed) if len(keyed) else kept

    def _keyed(self, purpose: str, values: pa.ChunkedArray) -> pa.Array:
        """Keyed hashes under the key of the release, each value hashed once."""
        if not len(values):
            return pa.array([], pa.string())
        if self._release is None:
            raise ReleaseInvalid(
                "A release from elsewhere holds what did not come with it. Restore it anew, into an empty arena."
            )
        coded = values.combine_chunks().dictionary_encode()
        made = self._release.digests(purpose, coded.dictionary.to_pylist(), length=DIGITS)
        return pa.array(made, pa.string()).take(coded.indices)

    def _named(self, numbers: pa.ChunkedArray) -> pa.Array:
        coded = numbers.combine_chunks().dictionary_encode()
        names = [self._names[number] for number in coded.dictionary.to_pylist()]
        return pa.array(names, pa.string()).take(coded.indices)

    def _version(self, battles: pa.Table, side: str) -> pa.Array:
        """As it came with a release, or the last period of the model that had begun; null before the first."""
        models = battles[f"model_{side}_id"].to_numpy()
        began_at = battles["began_at"].to_numpy()
        found = np.zeros(len(models), np.int32)
        for number in np.unique(models).tolist():
            rows = models == number
            found[rows] = np.searchsorted(self._served_from[number], began_at[rows], side="right")
        came = battles["released_as"].is_valid().to_numpy()
        own = pa.array(found, mask=(found == 0) | came)
        return pc.coalesce(battles[f"version_{side}"].combine_chunks(), own)


def _microseconds(moment: str) -> int:
    since = datetime.fromisoformat(moment) - datetime.fromisoformat("1970-01-01T00:00:00+00:00")
    return round(since.total_seconds() * 1e6)


def _filled(known: pa.Array, others: pa.Array) -> pa.Array:
    """The nulls of a column, in turn, by the others."""
    return pc.replace_with_mask(known, known.is_null(), others) if len(others) else known


def _population(reasons: pa.ChunkedArray) -> pa.Array:
    """Which main board a vote is on, by the reason that it has for not counting on the overall one."""
    coded = pc.fill_null(reasons, "").combine_chunks().dictionary_encode()
    boards = [POPULATION_OF_REASON.get(reason or None) for reason in coded.dictionary.to_pylist()]
    return pa.array([board and board.name for board in boards], pa.string()).take(coded.indices)


def _scattered(values: pa.ChunkedArray, rows: npt.NDArray[np.int64], length: int) -> pa.Array:
    """These values in these rows of a column, nulls in the others."""
    source = np.full(length, -1, np.int64)
    source[rows] = np.arange(len(rows))
    return values.combine_chunks().take(pa.array(source, mask=source < 0))


def _seconds_to_vote(battles: pa.Table, turns: pa.Table, place: npt.NDArray[np.int64]) -> pa.Array:
    """From the end of the last answer before the reveal; null where no turn was answered."""
    answered = pc.and_(
        pc.invert(turns["after_reveal"]), pc.is_in(turns["state"], pa.array(["answered", "stopped"]))
    )
    answered = pc.and_(answered, turns["finished_at"].is_valid()).to_numpy()
    ended_at = np.full(battles.num_rows, -1, np.int64)
    np.maximum.at(ended_at, place[answered], turns["finished_at"].filter(pa.array(answered)).to_numpy())
    seconds = np.maximum(battles["cast_at"].to_numpy() - ended_at, 0) // 1_000_000
    return pa.array(np.minimum(seconds, MOST_SECONDS).astype(np.int32), mask=ended_at < 0)
