"""Find models and pairs of models in comparisons that were made of more votes."""

from collections.abc import Sequence

import numpy as np

from ratings.arrays import CodeArray, ModelId
from ratings.comparisons import Comparisons
from ratings.errors import InvalidOptionError, name_some

_LARGEST_TABLE = 2**24


class PairFinder:
    """Look up pairs of models, in either order, among those of the comparisons; -1 where absent."""

    def __init__(self, comparisons: Comparisons) -> None:
        self.size = len(comparisons.models)
        self.keys = comparisons.first * self.size + comparisons.second
        self.table: CodeArray | None = None
        if self.size**2 <= _LARGEST_TABLE:
            table = np.full((self.size, self.size), -1, dtype=np.int32)
            table[comparisons.first, comparisons.second] = np.arange(len(self.keys), dtype=np.int32)
            self.table = np.maximum(table, table.T).ravel()

    def __call__(self, a: CodeArray, b: CodeArray) -> CodeArray:
        if self.table is not None:
            return np.take(self.table, a * np.int32(self.size) + b)
        key = np.minimum(a, b) * np.int64(self.size) + np.maximum(a, b)
        place = np.searchsorted(self.keys, key).astype(np.int32)
        present = np.take(self.keys, place, mode="clip") == key
        return np.where(present, place, np.int32(-1))


def places_among(names: Sequence[ModelId], among: Sequence[ModelId]) -> CodeArray | None:
    """Map codes of names to places among others; None where they are the same."""
    if tuple(names) == tuple(among):
        return None
    index = {name: place for place, name in enumerate(among)}
    absent = [name for name in names if name not in index]
    if absent:
        raise InvalidOptionError(
            f"The comparisons lack {name_some(absent)}: make them of all chunks of battles."
        )
    return np.array([index[name] for name in names], dtype=np.int32)
