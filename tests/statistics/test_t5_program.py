"""T5 through the whole program: private tests in the real tables, the best one released, the board fitted."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import orjson
import pytest
from scipy import special

from arena.catalog import Catalog, CatalogModel, sync_catalog
from arena.db import Database
from arena.private_results import publish_private_results, published_results
from arena.snapshots import fit, read_file
from ratings.scale import RATING_CENTRE
from tests.statistics.findings import UNSEEN, Finding, Report
from tests.statistics.written_votes import Votes, add_voters, database, models_by_id, write_votes

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

__all__ = ["database"]

TIE_RATE = 0.26
VOTERS = 2000


@dataclass(frozen=True, kw_only=True)
class World:
    """Organisations that each test equal variants privately, release the best one, and get fresh votes on it."""

    organizations: int
    variants: int
    private_votes: int
    fresh_votes: int
    field: int
    field_votes_a_pair: int


def _draw(rng: np.random.Generator, strengths: FloatArray, a: IntArray, b: IntArray) -> Votes:
    """One vote for each pair; a coin decides the sides."""
    swapped = rng.random(len(a)) < 0.5
    a, b = np.where(swapped, b, a), np.where(swapped, a, b)
    won = special.expit(strengths[a] - strengths[b])
    tied = 2 * TIE_RATE * np.minimum(won, 1 - won)
    chance = rng.random(len(a))
    winner = np.where(chance < won - tied / 2, 0, np.where(chance < 1 - tied, 1, 2))
    # The middle piece is as long as b's chance of a clear win.
    return Votes(a=a, b=b, winner=winner)


def _best(votes: Votes, strengths: FloatArray, variants: IntArray) -> int:
    """The variant that did best beyond what its opponents let expect."""
    first = np.isin(votes.a, variants)
    own, other = np.where(first, votes.a, votes.b), np.where(first, votes.b, votes.a)
    score = np.select([votes.winner == 2, votes.winner == 0], [0.5, 1.0], 0.0)
    score = np.where(first, score, 1 - score)
    beyond = score - special.expit(-strengths[other])
    return int(variants[np.argmax([beyond[own == variant].sum() for variant in variants])])


def _listed(world: World, released: frozenset[int] = frozenset()) -> Catalog:
    """The field, then every organisation's variants; all private but the released ones."""
    field = [CatalogModel(name=f"m{number:03}", organization="Field") for number in range(world.field)]
    tests = [
        CatalogModel(
            name=f"o{organization:03}-v{variant:02}",
            organization=f"o{organization:03}",
            private_test=world.field + organization * world.variants + variant not in released,
        )
        for organization in range(world.organizations)
        for variant in range(world.variants)
    ]
    return Catalog(model=[*field, *tests])


async def run(world: World, database: Database, seed: int, *, slack: float) -> Report:
    """Test, choose, release and vote afresh for all organisations at once; then look at the board."""
    rng = np.random.default_rng(seed)
    strengths = np.zeros(world.field + world.organizations * world.variants)
    strengths[: world.field] = rng.normal(0, 0.4, world.field)
    strengths[: world.field] -= strengths[: world.field].mean()
    async with database.sessions.begin() as session:
        await sync_catalog(session, _listed(world), private_tests_max=world.variants)
        await add_voters(session, VOTERS)
        models = await models_by_id(session)
    first, second = np.triu_indices(world.field, 1)
    field = _draw(rng, strengths, *(np.repeat(side, world.field_votes_a_pair) for side in (first, second)))
    tests = np.arange(world.field, len(strengths))
    own = np.repeat(tests, world.private_votes)
    tried = _draw(rng, strengths, own, rng.integers(0, world.field, len(own)))
    await write_votes(database, field, rng.integers(0, VOTERS, len(field.a)), models, 0)
    await write_votes(database, tried, rng.integers(0, VOTERS, len(tried.a)), models, len(field.a))
    of_organization = np.array_split(tests, world.organizations)
    rows_of = np.array_split(np.arange(len(own)), world.organizations)
    chosen = [
        _best(Votes(a=tried.a[rows], b=tried.b[rows], winner=tried.winner[rows]), strengths, variants)
        for rows, variants in zip(rows_of, of_organization, strict=True)
    ]
    async with database.sessions.begin() as session:
        await sync_catalog(session, _listed(world, frozenset(chosen)), private_tests_max=world.variants)
        models = await models_by_id(session)
    own = np.repeat(np.array(chosen), world.fresh_votes)
    fresh = _draw(rng, strengths, own, rng.integers(0, world.field, len(own)))
    await write_votes(
        database, fresh, rng.integers(0, VOTERS, len(fresh.a)), models, len(field.a) + len(tried.a)
    )
    return await _look(world, database, [models[place].name for place in chosen], slack)


async def _look(world: World, database: Database, chosen: Sequence[str], slack: float) -> Report:
    await fit(database)
    await publish_private_results(database, 90)
    async with database.sessions() as session:
        board = orjson.loads(await read_file(session, "leaderboards/overall.json"))
        results = {model.name: result for result, model in await published_results(session)}
    entries = {entry["model"]: entry for entry in board["entries"]}
    assert set(entries) == {*chosen, *(f"m{number:03}" for number in range(world.field))}
    assert {entries[name]["votes"] for name in chosen} == {world.fresh_votes}
    # The variants are as strong as the field on average, so the mean of the listed models is theirs.
    bias = np.array([entries[name]["rating"] for name in chosen]) - RATING_CENTRE
    covered = np.array([entries[name]["lower"] <= RATING_CENTRE <= entries[name]["upper"] for name in chosen])
    private = np.array([results[name].rating or np.nan for name in chosen]) - RATING_CENTRE
    stated = np.array([results[name].selection_bias or np.nan for name in chosen])
    assert {results[name].variants for name in chosen} == {world.variants}
    error = float(bias.std(ddof=1) / np.sqrt(len(chosen)))
    coverage_error = float(np.sqrt(0.95 * 0.05 / len(chosen)))
    private_error = float(private.std(ddof=1) / np.sqrt(len(chosen)))
    return Report(
        test="T5.1",
        title="The best of many private tests, through the whole program",
        world=f"{world.organizations} organisations with {world.variants} equal private tests each,"
        f" {world.private_votes} private votes a test against a field of {world.field} models; each releases its best,"
        f" which gets {world.fresh_votes} fresh votes. Written to the real tables, released by the catalog, fitted by"
        " the program.",
        findings=[
            Finding(
                claim="Mean bias of the published ratings",
                measured=f"{bias.mean():+.2f} points (Monte-Carlo error {error:.2f})",
                bound="at most 1 point + 2 Monte-Carlo errors",
                holds=bool(abs(bias.mean()) <= 1 + (2 + slack) * error),
            ),
            Finding(
                claim="Coverage of their 95 % intervals",
                measured=f"{covered.mean():.3f} (Monte-Carlo error {coverage_error:.3f})",
                bound="at least 0.94 - 2 Monte-Carlo errors",
                holds=bool(covered.mean() >= 0.94 - (2 + slack) * coverage_error),
            ),
            Finding(
                claim="For contrast: bias of the private results, as stated beside each",
                measured=f"{np.nanmean(stated):.1f} points stated, {np.nanmean(private):.1f} found",
                bound="stated within a tenth + 2 Monte-Carlo errors, and far from 0",
                holds=bool(
                    abs(np.nanmean(stated) - np.nanmean(private))
                    <= 0.1 * np.nanmean(stated) + (2 + slack) * private_error
                    and np.nanmean(private) > 5 * private_error
                ),
            ),
        ],
    )


SHORT = World(
    organizations=24, variants=6, private_votes=150, fresh_votes=150, field=10, field_votes_a_pair=200
)
LONG = World(
    organizations=150, variants=50, private_votes=80, fresh_votes=1500, field=20, field_votes_a_pair=600
)


async def test_the_best_of_many_private_tests_in_a_few_organisations(database: Database) -> None:
    (await run(SHORT, database, seed=5, slack=1.0)).check()


@pytest.mark.statistics
@pytest.mark.timeout(3600)
async def test_the_best_of_many_private_tests(database: Database) -> None:
    report = await run(LONG, database, seed=UNSEEN, slack=0.0)
    report.save()
    report.check()
