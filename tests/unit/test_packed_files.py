"""What the feed serves says what the file says, for whom, and when."""

import gzip

import orjson

from arena.boards import BoardFile
from arena.leaderboards import packed


def test_a_packed_file_says_what_was_written_with_snapshot_and_date_behind_its_schema() -> None:
    says = {"$schema": "/feed/v1/schema/pairs.json", "category": "a, b", "pairs": [{"votes": 3}], "é": None}
    body = gzip.decompress(packed(BoardFile.of("pairs/a.json", says), "abc", "2026-01-01T00:00:00Z"))
    assert list(orjson.loads(body).items()) == [
        ("$schema", "/feed/v1/schema/pairs.json"),
        ("snapshot", "abc"),
        ("generated_at", "2026-01-01T00:00:00Z"),
        *list(says.items())[1:],
    ]
