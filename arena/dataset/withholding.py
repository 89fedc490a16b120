"""What a release leaves out, in numbers too coarse to find anybody in; and which battles left the world since."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import psycopg
import pyarrow as pa  # type: ignore[import-untyped]

from arena.dataset.rows import FROM_VOTES, WHY
from arena.records import Release
from arena.voters import Signer
from ratings.release.schema import WITHHELD

# Of votes by reason, models and verdict. Simulated voters hide nobody.
COUNTS = f"""WITH withheld AS (
        SELECT {WHY} AS why, battle.model_a_id, battle.model_b_id, vote.winner, vote.counted,
            CASE WHEN voter.kind = 'human' THEN voter.id END AS person
        FROM {FROM_VOTES} JOIN voter ON voter.id = vote.voter_id WHERE vote.id <= %(last)s
    )
    SELECT why, model_a_id, model_b_id, winner, counted, count(*), count(DISTINCT person)
    FROM withheld WHERE why IS NOT NULL GROUP BY why, model_a_id, model_b_id, winner, counted"""

# Released, and withdrawn later; of the open variant alone, whose battles others hold. What a restored release left out
# is not here, but who holds earlier releases of the arena that it came from holds it.
WITHDRAWN = """SELECT battle.id, battle.released_as FROM vote JOIN battle ON battle.id = vote.battle_id
    WHERE vote.withdrawn_at IS NOT NULL AND battle.publish AND EXISTS (
        SELECT FROM release WHERE variant = 'open' AND vote.id <= last_vote_id AND vote.withdrawn_at > opened_at)
    UNION SELECT battle_id, released_as FROM erased_battle
    UNION SELECT gone, gone FROM release, jsonb_array_elements_text(withdrawn) AS gone WHERE state = 'imported'"""

NO_MODELS = "private_test", "failed_check"
Key = tuple[str, str | None, str | None, str | None, bool | None]


def withheld_votes(
    connection: psycopg.Connection[Any], release: Release, least_group: int, failed: int
) -> pa.Table:
    """The rows of `withheld.parquet`, with those that came with an imported release."""
    counts: dict[Key, int] = {}
    for row in release.withheld:
        _add(
            counts, (row["why"], row["model_a"], row["model_b"], row["winner"], row["counted"]), row["votes"]
        )
    if release.variant == "open":
        names = {int(number): said["model"] for number, said in release.models.items()}
        for why, a, b, winner, counted, votes, voters in connection.execute(
            COUNTS, {"last": release.last_vote_id}
        ):
            told = voters >= least_group and why not in NO_MODELS
            key = (why, names[a], names[b], winner, counted) if told else (why, None, None, None, None)
            _add(counts, key, votes)
    if failed:
        _add(counts, ("failed_check", None, None, None, None), failed)
    return _table(counts)


def _add(counts: dict[Key, int], key: Key, votes: int) -> None:
    counts[key] = counts.get(key, 0) + votes


def _table(counts: Mapping[Key, int]) -> pa.Table:
    ordered = sorted(counts, key=lambda key: tuple((value is not None, value) for value in key))
    columns = (
        zip(*((*key, counts[key]) for key in ordered), strict=True) if ordered else ((),) * len(WITHHELD)
    )
    return pa.table(
        [pa.array(list(column), field.type) for column, field in zip(columns, WITHHELD, strict=True)],
        schema=WITHHELD,
    )


def votes_by_reason(withheld: pa.Table) -> dict[str, int]:
    """How many votes each reason withholds."""
    found: dict[str, int] = {}
    for why, votes in zip(withheld["why"].to_pylist(), withheld["votes"].to_pylist(), strict=True):
        found[why] = found.get(why, 0) + votes
    return found


def withdrawn_battles(connection: psycopg.Connection[Any], arena: Signer, known: Sequence[str]) -> list[str]:
    """The battles that a release held and that were erased or withdrawn since, as releases call them."""
    return named_in_releases(connection.execute(WITHDRAWN).fetchall(), arena, known)


def named_in_releases(rows: Iterable[Any], arena: Signer, known: Sequence[str] = ()) -> list[str]:
    """What releases call these battles."""
    rows = [*rows]
    own = arena.digests("battle", [battle for battle, released_as in rows if released_as is None])
    return sorted({*known, *own, *_came(rows)})


def _came(rows: Iterable[Any]) -> Iterable[str]:
    return (released_as for _, released_as in rows if released_as is not None)
