"""Votes in parts, larger than memory or spread over a cluster, fitted by sums over the parts."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import reduce
from operator import add
from pathlib import Path
from typing import Any, Literal, TypeAlias

import numpy as np

from ratings.arrays import ModelId
from ratings.clusters import ClusterCells, ClusterParts
from ratings.columns import Battles, require_columns
from ratings.comparisons import Comparisons
from ratings.crews import Crew, LocalCrew, RayCrew
from ratings.errors import InvalidComparisonsError, InvalidOptionError
from ratings.feature_columns import Definition
from ratings.part_worker import OPTIONAL, StyleTask
from ratings.row_sums import StylePoint
from ratings.sources import CHUNK_ROWS, Source, TableSource, parquet_sources
from ratings.style_blocks import style_design
from ratings.style_control import StyleControlFit, minimise_style_sums, style_fit
from ratings.threads import thread_count

Place: TypeAlias = Literal["here", "ray"]
Progress: TypeAlias = Callable[[int, int], None]


class Parts:
    """Votes in parts. `leaderboard` takes them like a table.

    Parameters
    ----------
    sources : sequence of Source
        The parts; every pass goes through them in this order.
    on : {"here", "ray"}, default "here"
        here: one part after the other in this process, read anew in each pass, so that memory holds a chunk at a
        time. ray: an actor for each part on a Ray cluster (extra ``ray``), which reads its part once and
        keeps it prepared; between passes only parameters and sums travel.
    progress : callable, optional
        Called with the parts done and their number, in every pass.
    clusters_in : Path, optional
        Folder for what is counted of clusters, which is then in memory part by part, too. All votes of a cluster must
        lie in one part, which is read in one chunk, and on "here".

    Raises
    ------
    InvalidOptionError
        If there is no part, ``on`` is unknown or does not go with ``clusters_in``, or Ray is not installed.

    Notes
    -----
    A fit without style needs one pass, in which every part is counted: its result has the same bytes as that of
    all votes in memory, or with ``clusters_in`` the same up to rounding. A style-controlled fit needs some five
    passes; its sums are added in the order of the parts, so that "here" and "ray" give the same bytes, and the same
    as in memory up to rounding (below 1e-9 in the strengths).

    Examples
    --------
    >>> import pandas as pd
    >>> january = pd.DataFrame({"model_a": ["x", "y"], "model_b": ["y", "x"], "winner": ["model_a", "tie"]})
    >>> february = pd.DataFrame({"model_a": ["x"], "model_b": ["y"], "winner": ["model_b"]})
    >>> Parts.from_tables([january, february]).count().counts.tolist()
    [[1, 1, 1, 0]]
    """

    def __init__(
        self,
        sources: Sequence[Source],
        *,
        on: Place = "here",
        progress: Progress | None = None,
        clusters_in: Path | None = None,
    ) -> None:
        if not sources:
            raise InvalidOptionError("There are no parts: name at least one file or table.")
        if on not in ("here", "ray"):
            raise InvalidOptionError(f"on is {on!r}: it is 'here' or 'ray'.")
        self._sources = tuple(sources)
        self._progress = progress
        if clusters_in and on != "here":
            raise InvalidOptionError(
                "Clusters are kept in files here only: leave out clusters_in, or on='ray'."
            )
        self._clusters_in = clusters_in
        self._fits = 0
        self._crew: Crew = LocalCrew(sources) if on == "here" else RayCrew(sources)

    @classmethod
    def from_parquet(
        cls,
        paths: Sequence[Path | str],
        *,
        on: Place = "here",
        part_rows: int = 2**22,
        chunk_rows: int = CHUNK_ROWS,
        progress: Progress | None = None,
    ) -> "Parts":
        """Take Parquet files, or folders of them, divided at row groups; see `ratings.sources.parquet_sources`."""
        files = parquet_sources([Path(path) for path in paths], part_rows=part_rows, chunk_rows=chunk_rows)
        return cls(files, on=on, progress=progress)

    @classmethod
    def from_tables(
        cls, tables: Sequence[Battles], *, on: Place = "here", progress: Progress | None = None
    ) -> "Parts":
        """Take tables in memory."""
        for table in tables:
            require_columns(table, ())
        named = [TableSource(name=f"table {number}", table=table) for number, table in enumerate(tables)]
        return cls(named, on=on, progress=progress)

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the columns of the first part."""
        return self._sources[0].columns

    def have_column(self, name: str) -> bool:
        """Say whether the parts have a column of this name.

        Raises
        ------
        InvalidComparisonsError
            If some have it and others have not.
        """
        having, lacking = (
            [source.name for source in self._sources if (name in source.columns) == present]
            for present in (True, False)
        )
        if having and lacking:
            raise InvalidComparisonsError(
                f"{having[0]} has the column {name!r} and {lacking[0]} has not: give it to all parts or to none."
            )
        return bool(having)

    def count(self, *, cluster: str | None = None) -> Comparisons:
        """Count all votes.

        Parameters
        ----------
        cluster : str, optional
            As in ``Comparisons.from_battles``.

        Returns
        -------
        Comparisons

        Raises
        ------
        InvalidComparisonsError
            If a row breaks the data convention; its part and row are named. Also if only some parts have counts, or
            weights.
        """
        for name in OPTIONAL:
            self.have_column(name)
        counted = self._pass("count", cluster)
        return Comparisons.sum(map(self._kept, range(len(self._sources)), counted))

    def fit_style_control(
        self,
        *,
        features: Sequence[str] = ("tokens", "headers", "lists", "bold"),
        side_bias: bool = False,
        definition: Definition = "symmetric",
        ridge: float = 0.0,
        style_ridge: float = 0.0,
        cluster: str | None = None,
        models: Sequence[ModelId] | None = None,
        threads: int | None = None,
        **stopping: Any,
    ) -> StyleControlFit:
        """Fit strengths and style together, as `ratings.fit_style_control` does in memory.

        Parameters
        ----------
        features, side_bias, definition, ridge, style_ridge, cluster
            As there.
        models : sequence, optional
            Leave out votes on other models.
        threads : int, optional
            Of each worker: by default all processors here, one on Ray.
        **stopping
            tolerance, max_iterations.

        Returns
        -------
        StyleControlFit

        Raises
        ------
        RatingsError
            As there; errors in rows name the part.
        """
        design = style_design(features, side_bias=side_bias, definition=definition)
        every = self.count(cluster=cluster)
        chosen = every if models is None else every.restrict(models)
        order = chosen.canonical_order()
        clusters = every.clusters
        comparisons = replace(chosen.reordered(order), clusters=None)
        self._fits += 1
        task = StyleTask(
            number=self._fits,
            design=design,
            comparisons=comparisons,
            every_model=len(chosen.models) == len(every.models),
            cluster=cluster,
            identities=clusters.identities if isinstance(clusters, ClusterCells) else None,
            whole_clusters=isinstance(clusters, ClusterParts),
            threads=thread_count(threads) if isinstance(self._crew, LocalCrew) else threads or 1,
        )

        def sums_at(point: StylePoint) -> Any:
            return reduce(add, self._pass("sums", task, point))

        def scores_at(point: StylePoint) -> Any:
            return reduce(add, self._pass("scores", task, point))

        problem, minimum = minimise_style_sums(
            comparisons,
            design,
            reduce(add, self._pass("moments", task)),
            sums_at=sums_at,
            scores_at=scores_at,
            ridge=ridge,
            style_ridge=style_ridge,
            **stopping,
        )
        return style_fit(problem, minimum, cluster=cluster).reordered(np.argsort(order))

    def _kept(self, number: int, counted: Comparisons) -> Comparisons:
        """The count of one part, its clusters in a file if they are not kept in memory."""
        clusters = counted.clusters
        if self._clusters_in is None or not isinstance(clusters, ClusterCells):
            return counted
        path = self._clusters_in / f"clusters-{number}"
        return replace(counted, clusters=ClusterParts.kept(clusters, path))

    def _pass(self, method: str, *arguments: Any) -> Iterator[Any]:
        for done, result in enumerate(self._crew.each(method, *arguments), start=1):
            if self._progress:
                self._progress(done, len(self._sources))
            yield result
