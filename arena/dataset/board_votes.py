"""Imported boards in a release: a file of votes each, sorted by ids that say nothing of whose votes they are."""

from io import BytesIO
from pathlib import Path
from typing import Any, Final

import psycopg

from arena.dataset.rows import parsed
from arena.populations import Population, imported
from arena.records import Release
from ratings.release.parquet import open_writer
from ratings.release.schema import BOARD_VOTES, board_votes_file

READ_BYTES: Final = 4 * 2**20
BOARDS: Final = """SELECT id, name, title, origin, license FROM board
    WHERE EXISTS (SELECT FROM imported_vote WHERE board_id = board.id AND id <= %(last)s) ORDER BY name"""
# The server sorts what may not fit in memory here.
VOTES: Final = """COPY (SELECT coalesce(released_as,
            left(encode(sha256(convert_to(file_digest || ':' || line, 'UTF8')), 'hex'), 32)) AS battle_id,
        model_a, model_b, winner, voter
    FROM imported_vote WHERE board_id = {board} AND id <= {last} ORDER BY 1) TO STDOUT (FORMAT csv)"""


def write_boards(
    connection: psycopg.Connection[Any], release: Release, folder: Path
) -> list[tuple[Population, int]]:
    """Write the votes of every imported board that the release sees; returns the boards, with how many those are."""
    found = []
    for number, name, title, origin, license in connection.execute(
        BOARDS, {"last": release.last_imported_id}
    ).fetchall():
        path = folder / board_votes_file(name)
        path.parent.mkdir(exist_ok=True)
        query = VOTES.format(board=number, last=release.last_imported_id)
        found.append((imported(name, title, origin, license), _write(connection, query, path)))
    return found


def _write(connection: psycopg.Connection[Any], query: str, path: Path) -> int:
    with open_writer(path, BOARD_VOTES) as writer:
        waiting = BytesIO()
        with connection.cursor() as cursor, cursor.copy(query) as copy:
            for row in copy:
                waiting.write(row)
                if waiting.tell() >= READ_BYTES:
                    writer.write(parsed(waiting.getbuffer(), BOARD_VOTES))
                    waiting = BytesIO()
        writer.write(parsed(waiting.getbuffer(), BOARD_VOTES))
        rows: int = writer.rows
    return rows
