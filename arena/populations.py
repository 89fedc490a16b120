"""Whose votes a leaderboard is made of: populations, which never mix."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Kind = Literal["people", "demo", "simulated", "imported"]


@dataclass(frozen=True, kw_only=True)
class Population:
    """Whose votes these are, in words for pages and feed files; its name is that of its main board."""

    name: str
    title: str
    kind: Kind
    about: str
    origin: str | None = None
    license: str | None = None


OVERALL = Population(
    name="overall", title="Overall", kind="people", about="Votes of people on the listed models."
)
DEMO = Population(
    name="demo",
    title="Demo models",
    kind="demo",
    about="Votes of people on the demo models that come with the program. For practice; no real model is here.",
)
SIMULATED = Population(
    name="simulated",
    title="Simulated voters",
    kind="simulated",
    about="Votes of simulated voters, not of people. They show what a filled board looks like.",
)
OWN_POPULATIONS = (OVERALL, DEMO, SIMULATED)
# A vote belongs to one population: the one that its reason not to count leads to, or the overall one.
POPULATION_OF_REASON: Mapping[str | None, Population] = {
    None: OVERALL,
    "demo_models": DEMO,
    "simulated_voter": SIMULATED,
}


def imported(name: str, title: str, origin: str | None, license: str | None) -> Population:
    """The voters of an imported collection."""
    return Population(
        name=name,
        title=title,
        kind="imported",
        about="Imported votes, kept apart from the votes of this arena.",
        origin=origin,
        license=license,
    )


def board_name(population: Population, category: str | None) -> str:
    """The name of a board in addresses: categories of the overall population go by their own name alone."""
    if category is None:
        return population.name
    return category if population.kind == "people" else f"{population.name}-{category}"
