"""What a worker does with one part of the votes: count it, and add up style sums over it."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import reduce
from operator import add

import numpy as np
import pandas as pd
import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.compute as pc  # type: ignore[import-untyped]

from ratings.arrays import IntArray, ModelId
from ratings.columns import Battles, stored
from ratings.comparisons import Comparisons
from ratings.encoding import EncodedBattles, encode_battles
from ratings.errors import InvalidComparisonsError, InvalidOptionError
from ratings.feature_columns import feature_columns
from ratings.row_sums import StylePoint
from ratings.sources import Source
from ratings.style_blocks import StyleDesign
from ratings.style_rows import StyleMoments, StyleRows, style_rows
from ratings.style_sums import StyleScores, StyleSums, style_scores, style_sums

NEEDED = ("model_a", "model_b", "winner")
OPTIONAL = ("count", "weight")


@dataclass(frozen=True, kw_only=True, eq=False)
class StyleTask:
    """What all parts of one style-controlled fit have in common.

    Attributes
    ----------
    number : int
        Tells this fit from other fits to the same parts.
    design : StyleDesign
    comparisons : Comparisons
        Of all parts; votes on other models are left out.
    every_model : bool
        Whether no vote is left out.
    cluster : str or None
    identities : Arrow array or None
        All clusters, in the order of their numbers.
    whole_clusters : bool
        Whether all votes of a cluster lie in one chunk, whose clusters are then numbered for it alone.
    threads : int
        Of each worker.
    """

    number: int
    design: StyleDesign
    comparisons: Comparisons
    every_model: bool
    cluster: str | None
    identities: pa.Array | None
    whole_clusters: bool
    threads: int

    @property
    def columns(self) -> list[str]:
        """The columns that the fit reads."""
        features = [f"{feature}_{side}" for feature in self.design.features for side in "ab"]
        return [*NEEDED, *features, *([self.cluster] if self.cluster else [])]


class PartWorker:
    """One part and, if there is memory for it, its rows as they were prepared for the first sums."""

    def __init__(self, source: Source, *, keep: bool) -> None:
        self._source = source
        self._keep = keep
        self._kept: tuple[StyleRows, ...] = ()
        self._kept_for = -1

    def count(self, cluster: str | None) -> Comparisons:
        """Count the votes of the part."""
        wanted = [*NEEDED, *([cluster] if cluster else [])]
        counted = []
        for name, chunk in self._chunks(wanted):
            with _named(name):
                counted.append(Comparisons.from_battles(chunk, cluster=cluster))
        return Comparisons.sum(counted)

    def moments(self, task: StyleTask) -> StyleMoments:
        """Add up what features are standardised by."""
        return reduce(add, (rows.moments for rows in self._rows(task)))

    def sums(self, task: StyleTask, point: StylePoint) -> StyleSums:
        """Add up gradient and Hessian."""
        return reduce(add, (style_sums(rows, point, threads=task.threads) for rows in self._rows(task)))

    def scores(self, task: StyleTask, point: StylePoint) -> StyleScores:
        """Add up loss and squared scores, too."""
        scores = (style_scores(rows, point, threads=task.threads) for rows in self._rows(task))
        if task.whole_clusters:
            scores = (each.of_whole_clusters(task.comparisons) for each in scores)
        return reduce(add, scores)

    def _rows(self, task: StyleTask) -> Iterator[StyleRows]:
        """Prepare the rows again, or take those that were kept: a worker that was restarted has none."""
        if self._kept_for == task.number:
            yield from self._kept
            return
        prepared = []
        for number, (name, chunk) in enumerate(self._chunks(task.columns)):
            if number and task.whole_clusters:
                raise InvalidOptionError(
                    f"{name}: a part whose clusters are kept in files is read in one chunk."
                )
            with _named(name):
                rows = _prepare(chunk, task)
            if self._keep:
                prepared.append(rows)
            yield rows
        if self._keep:
            self._kept, self._kept_for = tuple(prepared), task.number

    def _chunks(self, columns: Sequence[str]) -> Iterator[tuple[str, Battles]]:
        present = self._source.columns
        missing = [name for name in columns if name not in present]
        if missing:
            raise InvalidComparisonsError(
                f"{self._source.name} lacks the column {', '.join(map(repr, missing))}; "
                f"it has {', '.join(map(repr, present)) or 'no columns'}. Rename or add the column."
            )
        start = 0
        chosen = [*columns, *(name for name in OPTIONAL if name in present)]
        for chunk in self._source.chunks(chosen):
            yield f"{self._source.name}, from row {start} on", chunk
            start += len(chunk)


@contextmanager
def _named(name: str) -> Iterator[None]:
    """Say of an error in which chunk it was found."""
    try:
        yield
    except InvalidComparisonsError as error:
        raise InvalidComparisonsError(f"{name}: {error}") from error


def _prepare(chunk: Battles, task: StyleTask) -> StyleRows:
    battles = chunk if task.every_model or not len(chunk) else _between(chunk, task.comparisons.models)
    encoded = encode_battles(battles, cluster=task.cluster)
    identities = encoded.identities if task.whole_clusters else task.identities
    clusters = None if identities is None else len(identities)
    return style_rows(
        _with_numbers(encoded, task.identities),
        feature_columns(battles, task.design.features),
        task.design,
        task.comparisons,
        clusters=clusters,
        threads=task.threads,
    )


def _with_numbers(encoded: EncodedBattles, identities: pa.Array | None) -> EncodedBattles:
    """Number the clusters as all parts do."""
    if identities is None or encoded.cluster is None or not len(encoded.cluster):
        return encoded
    place: IntArray = pc.index_in(encoded.identities, identities).to_numpy(zero_copy_only=False)
    values = {**vars(encoded), "cluster": place.astype(np.int32)[encoded.cluster]}
    return EncodedBattles(**values)


def _between(chunk: Battles, models: Sequence[ModelId]) -> Battles:
    """Return the rows between two of these models."""
    if isinstance(chunk, pd.DataFrame):
        return chunk[chunk.model_a.isin(models) & chunk.model_b.isin(models)]
    among = _plain(pa.array(models))
    inside = [pc.is_in(_plain(chunk.column(name)), among) for name in ("model_a", "model_b")]
    return chunk.filter(pc.and_(*inside))


def _plain(column: pa.Array | pa.ChunkedArray) -> pa.Array | pa.ChunkedArray:
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    column = stored(column)
    return column.cast(pa.large_string()) if pa.types.is_string_view(column.type) else column
