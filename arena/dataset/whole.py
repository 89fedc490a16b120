"""What can be said of a vote only once all votes of a release are known: rare languages, prompts asked too often."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import psycopg
import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.compute as pc  # type: ignore[import-untyped]
from psycopg.types.json import Jsonb

from arena.ballots import FREQUENT_LEAST, FREQUENT_QUANTILE
from arena.dataset.parts import Parts
from arena.dataset.rows import FROM_VOTES, WHY
from arena.dataset.shaping import Shaper
from arena.populations import POPULATION_OF_REASON, SIMULATED
from arena.records import Release

LANGUAGE_TAG: Final = "language:"
POPULATION: Final = (
    "CASE coalesce(ballot.reason, '') "
    + " ".join(f"WHEN '{reason or ''}' THEN '{board.name}'" for reason, board in POPULATION_OF_REASON.items())
    + " END"
)


def kept_languages(parts: Parts, least_group: int) -> tuple[frozenset[str], int]:
    """Languages that so many people began a battle in, or none but simulated voters; and how many others there are."""
    voters: dict[str, set[str]] = {}
    kept: set[str] = set()
    simulated: set[str] = set()
    for table in parts.battles(["language", "voter", "population"]):
        table = table.filter(table["language"].is_valid())
        by_program = pc.fill_null(pc.equal(table["population"], SIMULATED.name), False)
        simulated |= {*pc.unique(table["language"].filter(by_program)).to_pylist()}
        pairs = table.filter(pc.invert(by_program)).group_by(["language", "voter"]).aggregate([])
        for language, voter in zip(pairs["language"].to_pylist(), pairs["voter"].to_pylist(), strict=True):
            if language not in kept:
                voters.setdefault(language, set()).add(voter)
                if len(voters[language]) >= least_group:
                    kept.add(language)
                    del voters[language]
    return frozenset(kept | simulated - voters.keys()), len(voters)


def folded(table: pa.Table, kept: frozenset[str]) -> pa.Table:
    """Without the languages of too few voters, in columns and tags."""
    for name in table.column_names:
        if name == "language" or name.endswith("_language") or name in ("language_a", "language_b"):
            known = pc.is_in(table[name], value_set=pa.array(sorted(kept), pa.string()))
            table = _replaced(table, name, pc.if_else(known, table[name], None))
        if name == "tags":
            table = _replaced(table, name, _without_languages(table[name], kept))
    return table


def _replaced(table: pa.Table, name: str, column: Any) -> pa.Table:
    place = table.schema.get_field_index(name)
    return table.set_column(place, table.schema.field(place), column)


def _without_languages(tags: pa.ChunkedArray, kept: frozenset[str]) -> pa.Array:
    """Lists of tags without those of other languages."""
    lists = tags.combine_chunks()
    coded = lists.flatten().dictionary_encode()
    stays = np.array(
        [
            not tag.startswith(LANGUAGE_TAG) or tag[len(LANGUAGE_TAG) :] in kept
            for tag in coded.dictionary.to_pylist()
        ],
        np.bool_,
    )[coded.indices.to_numpy()]
    sizes = pc.list_value_length(lists).to_numpy()
    of = np.repeat(np.arange(len(sizes)), sizes)
    offsets = np.append(0, np.cumsum(np.bincount(of[stays], minlength=len(sizes))))
    values = coded.filter(pa.array(stays)).cast(pa.string())
    return pa.ListArray.from_arrays(pa.array(offsets, pa.int32()), values)


# A vote whose prompt nobody has looked at is on a prompt of its own.
ASKED: Final = f"""WITH asked AS MATERIALIZED (
        SELECT {POPULATION} AS population, coalesce(ballot.prompt_digest, vote.id::text) AS prompt,
            battle.released_as IS NOT NULL AS came, count(*) AS votes
        FROM {FROM_VOTES} JOIN ballot ON ballot.vote_id = vote.id
        WHERE vote.id <= %(last)s AND (NOT %(open)s OR ({WHY}) IS NULL) GROUP BY 1, 2, 3
    )
    SELECT population, NULL, NULL, votes, count(*) FROM asked WHERE population IS NOT NULL GROUP BY population, votes
    UNION ALL SELECT population, prompt, came, votes, NULL FROM asked
    WHERE population IS NOT NULL AND votes > {FREQUENT_LEAST}"""
LATER: Final = f"""SELECT vote_id FROM (
        SELECT vote_id, {POPULATION} AS population,
            row_number() OVER (PARTITION BY reason, left(prompt_digest, 16) ORDER BY vote_id) AS place
        FROM ballot WHERE vote_id <= %(last)s AND prompt_digest IS NOT NULL
    ) AS asked WHERE place > (%(limits)s::jsonb ->> population)::bigint ORDER BY vote_id"""


@dataclass(kw_only=True)
class FrequentPrompts:
    """Prompts asked more often than boards allow; of each, so many votes stay, the first ones of the file.

    Of an audit, the earliest ones, as on the boards of the arena.
    """

    limits: Mapping[str, int]
    clusters: frozenset[tuple[str, str]] = frozenset()
    later_votes: npt.NDArray[np.int64] | None = None
    _seen: dict[tuple[str, str], int] = field(default_factory=dict)

    def mark(self, battles: pa.Table) -> pa.Array:
        """Whether each of these battles is beyond the limit; called once, in the order of the file."""
        if self.later_votes is not None:
            return pa.array(np.isin(battles["vote_id"].to_numpy(), self.later_votes))
        marks = np.zeros(battles.num_rows, bool)
        if not self.clusters:
            return pa.array(marks)
        rows = zip(battles["population"].to_pylist(), battles["prompt_cluster"].to_pylist(), strict=True)
        for row, asked in enumerate(rows):
            if asked in self.clusters:
                place = self._seen.get(asked, 0)
                self._seen[asked] = place + 1
                marks[row] = place >= self.limits[asked[0]]
        return pa.array(marks)


def frequent_prompts(
    connection: psycopg.Connection[Any], release: Release, shaper: Shaper
) -> FrequentPrompts:
    """By the rule of `arena.ballots.over_frequent`, counted by the server."""
    which = {"last": release.last_vote_id, "open": release.variant == "open"}
    counts: dict[str, list[tuple[int, int]]] = {}
    asked: list[tuple[str, str, bool, int]] = []
    # To look up the ballot of every vote takes the server twice as long as to read them all.
    connection.execute("SET LOCAL enable_nestloop = off")
    found = connection.execute(ASKED, which)
    connection.execute("SET LOCAL enable_nestloop = on")
    for population, prompt, came, votes, prompts in found:
        if prompt is None:
            counts.setdefault(population, []).append((votes, prompts))
        else:
            asked.append((population, prompt, came, votes))
    limits = {population: _limit(sizes) for population, sizes in counts.items()}
    if release.variant == "audit":
        later = [vote_id for (vote_id,) in connection.execute(LATER, {**which, "limits": Jsonb(limits)})]
        return FrequentPrompts(limits=limits, later_votes=np.array(later, np.int64))
    often = [each for each in asked if each[3] > limits[each[0]]]
    clusters = shaper.clusters([prompt for _, prompt, _, _ in often], [came for _, _, came, _ in often])
    return FrequentPrompts(
        limits=limits, clusters=frozenset(zip((each[0] for each in often), clusters, strict=True))
    )


def _limit(sizes: Sequence[tuple[int, int]]) -> int:
    """The quantile of how often prompts were asked, from how many were asked how often."""
    votes, prompts = zip(*sorted(sizes), strict=True)
    place = int((sum(prompts) - 1) * FREQUENT_QUANTILE)
    quantile: int = votes[int(np.searchsorted(np.cumsum(prompts), place, side="right"))]
    return max(FREQUENT_LEAST, quantile)
