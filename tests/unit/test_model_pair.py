"""Two models beside each other: the plan of `ratings` from what a board says; safe bounds without a record."""

import itertools
from dataclasses import replace
from datetime import UTC, datetime
from random import Random
from statistics import NormalDist

import numpy as np
import orjson
import pyarrow as pa  # type: ignore[import-untyped]
import pytest

import ratings
from arena.ballots import Votes
from arena.boards import board_files
from arena.leaderboards import boards_of
from arena.populations import imported
from arena.web.board_rows import SameOrganization, same_organization
from arena.web.boards import BoardPage, parse_board
from arena.web.model_pair import Plan, compare
from arena.web.pair_records import PairRecords, parse_pairs
from ratings.confidence_sequences import anytime_multiplier

STRENGTHS = {"ant": 3.0, "bee": 1.6, "cat": 1.1, "dog": 1.0}
NEVER_MET = {"bee", "dog"}


@pytest.fixture(scope="module")
def votes() -> pa.Table:
    """Independent votes; two of the models never meet."""
    random, rows = Random(11), []
    while len(rows) < 900:
        a, b = random.sample(list(STRENGTHS), 2)
        if {a, b} == NEVER_MET:
            continue
        draw = random.random()
        won = random.random() < STRENGTHS[a] / (STRENGTHS[a] + STRENGTHS[b])
        winner = "tie" if draw < 0.2 else "both_bad" if draw < 0.25 else "model_a" if won else "model_b"
        rows.append({"model_a": a, "model_b": b, "winner": winner, "voter": len(rows)})
    return pa.Table.from_pylist(rows)


@pytest.fixture(scope="module")
def files(votes: pa.Table) -> tuple[BoardPage, PairRecords]:
    """The board and its pairs as pages read them."""
    population = imported("few", "Few", None, None)
    (board,) = boards_of(Votes(population=population, table=votes, digest=""))
    dated = {"snapshot": "0" * 64, "generated_at": datetime.now(UTC).isoformat()}
    says = {file.name: orjson.dumps(file.says | dated) for file in board_files(board, {})}
    return parse_board(says["leaderboards/few.json"]), parse_pairs(says["pairs/few.json"])


def test_plan_is_that_of_the_ratings_package(votes: pa.Table, files: tuple[BoardPage, PairRecords]) -> None:
    """At the confidence that the ranks ask for once these votes are in: six pairs together, at any look."""
    board, records = files
    cat, dog = board.by_model["cat"], board.by_model["dog"]
    pair = compare(board, records, cat, dog)
    assert pair.better is None
    assert pair.plan is not None
    assert pair.plan.direct is not None
    assert pair.plan.board is not None
    then = min(cat.votes, dog.votes) * (1 + pair.plan.board / board.votes)
    errors = float(anytime_multiplier(np.array([then]), planned_votes=1000, alpha=0.05 / 6)[0])
    (planned,) = ratings.separation_plan(
        ratings.Comparisons.from_battles(votes),
        pairs=[("cat", "dog")],
        confidence=2 * NormalDist().cdf(errors) - 1,
    ).itertuples()
    assert not planned.separated
    assert pair.plan.direct == pytest.approx(planned.direct_votes_needed, rel=0.02)
    assert pair.plan.board == pytest.approx(planned.votes_needed - planned.votes, rel=0.02)


def test_order_that_is_about_to_be_claimed_takes_few_votes(files: tuple[BoardPage, PairRecords]) -> None:
    board, records = files
    bee, cat = board.by_model["bee"], board.by_model["cat"]
    record = records.between("bee", "cat")
    assert record is not None
    assert record.difference is not None
    error = record.difference / 6  # the ranks ask for some 3.8 of these, and 0.8 more make it likely
    sure = replace(records, fitted=records.fitted.copy())
    row = next(
        place
        for place, ends in enumerate(zip(records.first, records.second, strict=True))
        if {records.models[end] for end in ends} == {"bee", "cat"}
    )
    sure.fitted[row, 2:] = record.difference - 1.96 * error, record.difference + 1.96 * error
    assert compare(board, sure, bee, cat).plan == Plan(direct=0, board=0)


def test_only_what_the_ranks_claim_is_better_for_certain(
    votes: pa.Table, files: tuple[BoardPage, PairRecords]
) -> None:
    """An interval of one pair at one look leaves zero out much sooner."""
    board, records = files
    fitted = ratings.leaderboard(votes, ranks="anytime")
    assert fitted.fit is not None
    assert fitted.strictly_better is not None
    seen = set()
    for a, b in itertools.combinations(sorted(STRENGTHS), 2):
        if {a, b} == NEVER_MET:
            continue
        pair = compare(board, records, board.by_model[a], board.by_model[b])
        one, other = (fitted.fit.models.index(name) for name in (a, b))
        claimed = {(True, False): a, (False, True): b, (False, False): None}[
            bool(fitted.strictly_better[one, other]), bool(fitted.strictly_better[other, one])
        ]
        assert (pair.better.model if pair.better else None) == claimed
        assert (pair.plan is None) == (claimed is not None)
        seen.add((claimed is not None, pair.ahead is not None))
    assert seen == {(True, True), (False, True), (False, False)}


def test_either_side_says_the_same(files: tuple[BoardPage, PairRecords]) -> None:
    board, records = files
    one = compare(board, records, board.by_model["ant"], board.by_model["dog"])
    other = compare(board, records, board.by_model["dog"], board.by_model["ant"])
    assert one.record is not None
    assert other.record == one.record.turned()
    assert one.better == other.better == board.by_model["ant"]
    assert one.difference is not None
    assert other.difference is not None
    assert one.difference.chances[0] == pytest.approx(1 - other.difference.chances[0])
    assert one.difference.lower == -(other.difference.upper or 0)


def test_models_that_never_met_get_a_safe_bound(
    votes: pa.Table, files: tuple[BoardPage, PairRecords]
) -> None:
    board, records = files
    pair = compare(board, records, *(board.by_model[name] for name in sorted(NEVER_MET)))
    assert pair.record is None
    assert pair.difference is not None
    assert pair.difference.widened
    fitted = ratings.leaderboard(votes)
    assert fitted.fit is not None
    assert fitted.covariance is not None
    lower, upper = ratings.difference_intervals(fitted.fit, fitted.covariance)
    bee, dog = (fitted.fit.models.index(name) for name in sorted(NEVER_MET))
    assert pair.difference.lower is not None
    assert pair.difference.upper is not None
    assert pair.difference.lower < lower[bee, dog] < upper[bee, dog] < pair.difference.upper
    assert np.isclose(pair.difference.points, (lower + upper)[bee, dog] / 2, atol=0.02)


def test_models_without_an_organisation_are_of_none(
    votes: pa.Table, files: tuple[BoardPage, PairRecords]
) -> None:
    _, records = files
    met = sum({row["model_a"], row["model_b"]} == {"ant", "dog"} for row in votes.to_pylist())
    assert met
    assert records.votes_within({"ant": "Insects", "bee": None, "dog": "Insects"}) == met
    assert records.votes_within({}) == 0


def test_votes_within_an_organization_are_those_of_known_ones(files: tuple[BoardPage, PairRecords]) -> None:
    board, records = files

    def told(**makers: str | None) -> SameOrganization | None:
        entries = [replace(entry, organization=makers.get(entry.model)) for entry in board.entries]
        return same_organization(replace(board, entries=tuple(entries)), records)

    met = records.between("ant", "bee")
    assert met is not None
    assert told() is None
    assert told(ant="unknown", bee="unknown") is None, "what nobody said makes no organisation"
    assert told(ant="Hill", bee="Hill") == SameOrganization(votes=met.votes, certain=False)
    everybody = {"ant": "Hill", "bee": "Hill", "cat": "House", "dog": "Kennel"}
    assert told(**everybody) == SameOrganization(votes=met.votes, certain=True)
