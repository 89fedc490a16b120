"""A leaderboard as CSV, for spreadsheets and data frames."""

import csv
import gzip
import io

import orjson

from arena.web.schemas import ENTRY

CSV = "text/csv; charset=utf-8; header=present"
COLUMNS = tuple(ENTRY["properties"])


def leaderboard_csv(payload: bytes) -> bytes:
    """The entries of a leaderboard file as compressed CSV (RFC 4180); what is not known is left empty."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(COLUMNS)
    for entry in orjson.loads(payload)["entries"]:
        writer.writerow([_cell(entry.get(column)) for column in COLUMNS])
    return gzip.compress(text.getvalue().encode(), mtime=0)


def _cell(value: object) -> object:
    return str(value).lower() if isinstance(value, bool) else value
