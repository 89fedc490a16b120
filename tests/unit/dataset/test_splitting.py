"""Rows of a release are put in order however many times they have to be split again."""

from pathlib import Path
from random import Random

import pyarrow as pa  # type: ignore[import-untyped]
import pytest

from arena.dataset import splitting
from arena.dataset.shaping import Rows
from arena.dataset.splitting import ALL_IDS, SCHEMAS, Span, Split, in_id_order, in_order

TURNS_EACH = 3


def rows_of(ids: list[str]) -> Rows:
    """Battles of these ids, each with its turns, the last turn first."""
    battles = [{"vote_id": number, "battle_id": each} for number, each in enumerate(ids)]
    turns = [
        {"vote_id": number, "battle_id": each, "index": index}
        for number, each in enumerate(ids)
        for index in reversed(range(TURNS_EACH))
    ]
    return Rows(battles=_table("battles", battles), turns=_table("turns", turns))


def _table(name: str, rows: list[dict[str, object]]) -> pa.Table:
    schema = SCHEMAS[name]
    return pa.table(
        [pa.array([row.get(field.name) for row in rows], field.type) for field in schema], schema=schema
    )


def random_ids(number: int, begins: str = "") -> list[str]:
    random = Random(7)
    return [begins + f"{random.getrandbits(128):032x}"[len(begins) :] for _ in range(number)]


@pytest.mark.parametrize("fits", [2**30, 60_000, 20_000])
@pytest.mark.parametrize("begins", ["", "abcdef"])
def test_rows_come_in_order_and_none_is_lost(
    fits: int, begins: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(splitting, "FITTING_BYTES", fits)
    ids = random_ids(600, begins)
    spans = ALL_IDS.split(4)
    splits = [
        Split.write(tmp_path / f"part-{start}", in_id_order(rows_of(ids[start : start + 100])), spans)
        for start in range(0, len(ids), 100)
    ]
    pieces = [*in_order(splits, spans, tmp_path / "beside")]
    assert [each for _, rows in pieces for each in rows.battles["battle_id"].to_pylist()] == sorted(ids)
    turns = [row for _, rows in pieces for row in rows.turns.select(["battle_id", "index"]).to_pylist()]
    wanted = [{"battle_id": each, "index": index} for each in sorted(ids) for index in range(TURNS_EACH)]
    assert turns == wanted
    assert pieces[-1][0].end == ALL_IDS.end
    assert len(pieces) == 4 if fits == 2**30 else len(pieces) > 4
    left = [path for path in (tmp_path / "beside").rglob("*") if path.is_file()]
    assert not left, "what was split again is not thrown away"


def test_ids_that_cannot_be_told_apart_stay_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(splitting, "FITTING_BYTES", 5_000)
    ids = random_ids(20, "0" * splitting.PREFIX_DIGITS)
    split = Split.write(tmp_path / "part", in_id_order(rows_of(ids)), [ALL_IDS])
    pieces = [*in_order([split], [ALL_IDS], tmp_path / "beside")]
    assert [each for _, rows in pieces for each in rows.battles["battle_id"].to_pylist()] == sorted(ids)


def test_a_release_may_have_no_battles(tmp_path: Path) -> None:
    spans = ALL_IDS.split(4)
    assert [(span, rows.battles.num_rows) for span, rows in in_order([], spans, tmp_path)] == [
        (each, 0) for each in spans
    ]


def test_spans_follow_one_another() -> None:
    spans = Span(3, 10).split(4)
    assert [(span.first, span.end) for span in spans] == [(3, 4), (4, 6), (6, 8), (8, 10)]
    assert len(Span(3, 10).split(50)) == 7
