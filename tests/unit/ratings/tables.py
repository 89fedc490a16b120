"""Tables of battles for the tests of ratings."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from hypothesis import strategies as st

from ratings import WINNERS

Row = tuple[str, str, str]

STIGLER_JOURNALS = ("Biometrika", "Communications in Statistics", "JASA", "JRSS-B")
STIGLER_CITATIONS = ((714, 730, 498, 221), (33, 425, 68, 17), (320, 813, 1072, 142), (284, 276, 325, 188))


def battles(*rows: Row, **columns: Sequence[Any]) -> pd.DataFrame:
    table = pd.DataFrame(list(rows), columns=["model_a", "model_b", "winner"], dtype="str")
    for name, values in columns.items():
        table[name] = list(values)
    return table


def stigler() -> pd.DataFrame:
    """Citations among four journals (Stigler 1994): the cited journal wins; self-citations left out."""
    table = [
        (cited, citing, "model_a", STIGLER_CITATIONS[i][j])
        for i, cited in enumerate(STIGLER_JOURNALS)
        for j, citing in enumerate(STIGLER_JOURNALS)
        if i != j
    ]
    return pd.DataFrame(table, columns=["model_a", "model_b", "winner", "count"])


def mirrored(table: pd.DataFrame) -> pd.DataFrame:
    """Swap the sides of every battle."""
    other = {"model_a": "model_b", "model_b": "model_a"}
    winner = [other.get(label, label) for label in table.winner]
    return table.assign(model_a=table.model_b, model_b=table.model_a, winner=winner)


def random_battles(seed: int, *, models: int = 6, rows: int = 200, voters: int = 10) -> pd.DataFrame:
    """Draw any battles at all; with these sizes every model wins and loses."""
    rng = np.random.default_rng(seed)
    a = rng.integers(models, size=rows)
    b = (a + rng.integers(1, models, size=rows)) % models
    names = np.array([f"m{number}" for number in range(models)], dtype=object)
    return pd.DataFrame(
        {
            "model_a": names[a],
            "model_b": names[b],
            "winner": rng.choice(np.array(WINNERS, dtype=object), size=rows),
            "voter": rng.integers(voters, size=rows),
        }
    )


@st.composite
def tables(draw: st.DrawFn) -> pd.DataFrame:
    """Generate small tables of battles with voters, counts and weights, connected or not."""
    name = st.sampled_from(["a", "b", "c", "d", "é", "Z"])
    row = st.tuples(
        st.lists(name, min_size=2, max_size=2, unique=True),
        st.sampled_from(WINNERS),
        st.sampled_from(["v1", "v2", "v3"]),
        st.integers(0, 5),
        st.sampled_from([0.0, 0.1, 0.3, 1.0]),
    )
    rows = draw(st.lists(row, min_size=1, max_size=30))
    return pd.DataFrame(
        [(*pair, winner, voter, count, weight) for pair, winner, voter, count, weight in rows],
        columns=["model_a", "model_b", "winner", "voter", "count", "weight"],
    )
