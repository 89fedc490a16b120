"""How well the comparisons of a board hold together: a rating compares models that never met through those they met."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components, laplacian


def graph_health(pairs: Mapping[str, Any]) -> dict[str, Any]:
    """Connectivity of a board's graph, whose edges are the pairs that met, weighted by votes; from its pairs file.

    The second eigenvalue of the normalised Laplacian (Fiedler value) is 0 where the graph falls apart, M / (M - 1)
    where all M models met equally often, and small where a few votes alone hold two groups together.
    """
    models, met = pairs["models"], pairs["pairs"]
    place = {name: number for number, name in enumerate(models)}
    one = np.array([place[pair["model_a"]] for pair in met], dtype=int)
    other = np.array([place[pair["model_b"]] for pair in met], dtype=int)
    votes = np.array([pair["votes"] for pair in met], dtype=float)
    possible = len(models) * (len(models) - 1) // 2
    graph = coo_array(
        (np.r_[votes, votes], (np.r_[one, other], np.r_[other, one])), shape=(len(models), len(models))
    ).tocsr()
    components = int(connected_components(graph, directed=False)[0]) if models else 0
    return {
        "models": len(models),
        "connected": components == 1,
        "components": components,
        "pairs_met": len(met),
        "pairs_possible": possible,
        "smallest_pair_votes": int(votes.min()) if len(met) == possible and len(met) else 0,
        "second_eigenvalue": _second_eigenvalue(graph) if len(models) > 1 else None,
    }


def _second_eigenvalue(graph: Any) -> float:
    eigenvalues = np.linalg.eigvalsh(np.asarray(laplacian(graph.toarray(), normed=True)))
    return round(max(float(eigenvalues[1]), 0.0), 6)
