"""Imported boards in a release: a file of votes each, sorted by ids that say nothing of whose votes they are."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import psycopg
import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.compute as pc  # type: ignore[import-untyped]

from arena.dataset.binary_copy import Columns, copy_batches
from arena.dataset.redaction import Privacy
from arena.dataset.shaping import DIGITS
from arena.populations import Population, imported
from arena.records import Release
from arena.voters import Signer
from ratings.release.schema import BOARD_VOTES, board_votes_file
from ratings.release.tables import TableWriter

BATCH_BYTES: Final = 4 * 2**20
BOARDS: Final = """SELECT id, name, title, origin, license FROM board
    WHERE EXISTS (SELECT FROM imported_vote WHERE board_id = board.id AND id <= %(last)s) ORDER BY name"""
COLUMNS: Final[Columns] = {
    "battle_id": (
        "coalesce(released_as, left(encode(sha256(convert_to(file_digest || ':' || line, 'UTF8')), 'hex'), 32))",
        pa.string(),
    ),
    **{name: (name, pa.string()) for name in ("model_a", "model_b", "winner", "voter")},
}


def write_boards(
    connection: psycopg.Connection[Any], release: Release, folder: Path, arena: Signer, privacy: Privacy
) -> list[tuple[Population, int]]:
    """Write the votes of every imported board that the release sees; returns the boards, with how many those are."""
    found = []
    for number, name, title, origin, license in connection.execute(
        BOARDS, {"last": release.last_imported_id}
    ).fetchall():
        path = folder / board_votes_file(name)
        path.parent.mkdir(exist_ok=True)
        votes = 0
        with TableWriter(path, BOARD_VOTES) as writer:
            for batch in _batches(connection, number, release):
                place = batch.schema.get_field_index("voter")
                batch = batch.set_column(place, "voter", _pseudonyms(batch["voter"], arena, privacy))
                writer.write(batch.cast(BOARD_VOTES))
                votes += batch.num_rows
        found.append((imported(name, title, origin, license), votes))
    return found


def _batches(connection: psycopg.Connection[Any], board: int, release: Release) -> Iterator[pa.Table]:
    # The server sorts what may not fit in memory here.
    order = COLUMNS["battle_id"][0]
    source = f"""FROM imported_vote WHERE board_id = {board} AND id <= {release.last_imported_id}
        ORDER BY {order} COLLATE "C" """
    yield from copy_batches(connection, COLUMNS, source, batch_bytes=BATCH_BYTES)


def _pseudonyms(voters: pa.ChunkedArray, arena: Signer, privacy: Privacy) -> pa.Array:
    """The voters as they came; one who goes by an address or a number of his own gets a pseudonym."""
    coded = voters.combine_chunks().dictionary_encode()
    names = coded.dictionary
    found = privacy.redact_column(names).kinds
    if not found:
        return voters
    telling = pa.array([place in found for place in range(len(names))])
    made = arena.digests("imported voter", names.filter(telling).to_pylist(), length=DIGITS)
    return pc.replace_with_mask(names, telling, pa.array(made, pa.string())).take(coded.indices)
