"""The votes of a benchmark as the contestants see them: tables of strings, columns of style, counts."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

WINNERS = ("model_a", "model_b", "tie", "both_bad")
FEATURES = ("tokens", "headers", "lists", "bold")
LANGUAGES = tuple(f"language-{number:02}" for number in range(13))
TAGS = tuple(f"tag_{number}" for number in range(7))
BATTLE_COLUMNS = ("model_a", "model_b", "winner")


@dataclass(frozen=True, kw_only=True)
class Counts:
    """Votes per pair and winner; `outcomes` has one column for each of `WINNERS`, `first` standing for side a."""

    models: tuple[str, ...]
    first: np.ndarray
    second: np.ndarray
    outcomes: np.ndarray


@dataclass(frozen=True)
class Votes:
    """A file of votes; a table is made whenever it is asked for, and not kept."""

    path: Path

    @property
    def battles(self) -> pd.DataFrame:
        """Model names and winner as pandas holds strings."""
        return self._strings(BATTLE_COLUMNS)

    @property
    def styled(self) -> pd.DataFrame:
        """The same with the style of both answers, as whole numbers."""
        names = [f"{feature}_{side}" for feature in FEATURES for side in "ab"]
        return pd.concat([self.battles, self._numbers(names)], axis=1)

    @property
    def style_differences(self) -> pd.DataFrame:
        """The battles with (a - b) / (a + b + 1) of each feature, ready made for the peers."""
        return pd.concat([self.battles, pd.DataFrame(self.style_shares)], axis=1)

    @property
    def tagged(self) -> pd.DataFrame:
        """The battles with their language and tags."""
        languages = self._strings(["language"])
        return pd.concat([self.battles, languages, self._numbers(TAGS)], axis=1)

    @property
    def tagged_arrow(self) -> pa.Table:
        """The same as an Arrow table with dictionary columns."""
        return self._read([*BATTLE_COLUMNS, "language", *TAGS])

    @property
    def clustered(self) -> pd.DataFrame:
        """The battles with their voters."""
        return pd.concat([self.battles, self._strings(["voter"])], axis=1)

    @property
    def arrow(self) -> pa.Table:
        """Names and winner as an Arrow table with dictionary columns, as a vote store keeps them."""
        return self._read(BATTLE_COLUMNS)

    @cached_property
    def counts(self) -> Counts:
        """Votes per pair and winner."""
        models, a, b, winner = self.codes
        size = len(models)
        cells = np.bincount((a * size + b) * len(WINNERS) + winner, minlength=size * size * len(WINNERS))
        cells = cells.reshape(size, size, len(WINNERS))
        cells = cells + cells.transpose(1, 0, 2)[:, :, [1, 0, 2, 3]]
        first, second = np.nonzero(np.triu(cells.sum(axis=2), 1))
        return Counts(models=models, first=first, second=second, outcomes=cells[first, second])

    @property
    def codes(self) -> tuple[tuple[str, ...], np.ndarray, np.ndarray, np.ndarray]:
        """The models, and for each vote the place of both among them and the place of its winner in `WINNERS`."""
        table = self.arrow.unify_dictionaries()
        columns = [table[name].combine_chunks() for name in BATTLE_COLUMNS]
        a, b, winner = (column.indices.to_numpy().astype(np.int64) for column in columns)
        return tuple(columns[0].dictionary.to_pylist()), a, b, winner

    @property
    def style_shares(self) -> dict[str, np.ndarray]:
        """(a - b) / (a + b + 1) of each feature."""
        counts = self._numbers([f"{feature}_{side}" for feature in FEATURES for side in "ab"])
        shares = {}
        for feature in FEATURES:
            a, b = (counts[f"{feature}_{side}"].to_numpy(np.float64) for side in "ab")
            shares[feature] = (a - b) / (a + b + 1)
        return shares

    def counted(self) -> pd.DataFrame:
        """The counts as a table of battles: one row for each pair and winner that occurred."""
        counts = self.counts
        pair, winner = np.nonzero(counts.outcomes)
        names = np.array(counts.models, dtype=object)
        return pd.DataFrame(
            {
                "model_a": pd.Series(names[counts.first[pair]], dtype="str"),
                "model_b": pd.Series(names[counts.second[pair]], dtype="str"),
                "winner": pd.Series(np.array(WINNERS, dtype=object)[winner], dtype="str"),
                "count": counts.outcomes[pair, winner],
            }
        )

    def _read(self, names: list[str] | tuple[str, ...]) -> pa.Table:
        with pa.memory_map(str(self.path)) as source:
            return pa.ipc.open_file(source).read_all().select(list(names))

    def _strings(self, names: list[str] | tuple[str, ...]) -> pd.DataFrame:
        columns = {}
        for name, column in zip(names, self._read(names).columns, strict=True):
            columns[name] = pc.cast(column, pa.large_string()).to_pandas()
        return pd.DataFrame(columns)

    def _numbers(self, names: list[str] | tuple[str, ...]) -> pd.DataFrame:
        return self._read(names).to_pandas()
