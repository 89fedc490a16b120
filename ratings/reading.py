"""Read votes from files: our own convention, and what other programs and published releases write."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa  # type: ignore[import-untyped]

from ratings.arrays import BoolArray, IntArray
from ratings.encoding import MOST_VOTES, WINNERS
from ratings.errors import InvalidComparisonsError, InvalidOptionError, name_some
from ratings.published_layouts import WINNER_WORDS, Layout, recognise
from ratings.release.tables import table_files
from ratings.vote_files import Paths, open_vote_file, vote_files_in

_SECONDS_ABOVE, _SECONDS_BELOW = 1e8, 1e11
_SIDES = ("model_a", "model_b")


@dataclass(frozen=True, kw_only=True, eq=False)
class Reading:
    """The votes of one or more files.

    Attributes
    ----------
    votes : DataFrame
        As from `read_votes`.
    notes : tuple of str
        For each file what it was taken for, where that is not plain, and what was left out.
    """

    votes: pd.DataFrame
    notes: tuple[str, ...]


def read_votes(
    paths: Paths,
    *,
    columns: Mapping[str, str] | None = None,
    features: Collection[str] | None = None,
    dates: bool = True,
    keep: Collection[str] = (),
    include_named: bool = False,
) -> pd.DataFrame:
    """Read votes from files of any known layout into our data convention.

    Parameters
    ----------
    paths : path, or several
        .csv, .tsv, .json, .jsonl (each also .gz) or .parquet; or a folder of Parquet parts or of files of one
        other format, which are read in the order of their names. A release folder stands for its votes.parquet and
        what comes after it, votes_002.parquet.
    columns : mapping of str to str, optional
        Column of the file by our name, such as ``{"model_a": "left"}``; the rest is recognised.
    features : collection of str, optional
        Style features to read, such as ``("tokens", "bold")``; by default all that are there.
    dates : bool, default True
        Read the dates, where there are some.
    keep : collection of str
        Other columns of the file to keep as they are, such as a column to cluster by.
    include_named : bool, default False
        Keep votes on models whose names were known (``anony`` is false) and votes that their release does not
        count (``counted`` is false).

    Returns
    -------
    DataFrame
        model_a, model_b, winner (categorical), and where the file has them voter, count, weight, date (UTC),
        judge (as it is) and <feature>_a, <feature>_b. Blanks around names are dropped.

    Raises
    ------
    UnreadableVotesError
        If a file is not what its ending says, or a folder holds no files of votes, or of several formats.
    InvalidComparisonsError
        If the layout is unknown, or a row is wrong; file and row (counted from 0) are named.
    InvalidOptionError
        If ``columns``, ``features`` or ``keep`` names a column that is not there, or a file is named twice.
    OSError
        If there is no such file.

    Notes
    -----
    Only the columns that are needed are read, so conversations cost no memory in Parquet. Labels are mapped
    on the distinct values. The layouts are listed in ``ratings/README.md``.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> folder = pathlib.Path(tempfile.mkdtemp())
    >>> _ = (folder / "votes.csv").write_text("left,right,winner,worker\\nx,y,left,ann\\ny,z,tie,bob\\n")
    >>> read_votes(folder / "votes.csv").astype(str).to_numpy().tolist()
    [['x', 'y', 'model_a', 'ann'], ['y', 'z', 'tie', 'bob']]
    """
    reading = read_votes_with_notes(
        paths, columns=columns, features=features, dates=dates, keep=keep, include_named=include_named
    )
    return reading.votes


def read_votes_with_notes(
    paths: Paths,
    *,
    columns: Mapping[str, str] | None = None,
    features: Collection[str] | None = None,
    dates: bool = True,
    keep: Collection[str] = (),
    include_named: bool = False,
    complete: Collection[str] = (),
    on_file: Callable[[Path], None] | None = None,
) -> Reading:
    """Read votes as `read_votes` does, and say what was recognised and what was left out.

    Our columns named in ``complete`` may miss no value. ``on_file`` is called with each file before it is read.
    """
    tables, notes = [], []
    files = vote_files_in(paths)
    for path in files:
        if on_file:
            on_file(path)
        with _naming(path):
            file = open_vote_file(path)
            layout = recognise(file.columns, mapping=columns)
            layout = layout.narrowed(file.columns, features=features, dates=dates, keep=keep)
            rows = file.read(layout.needed(), labels=layout.labels())
            left_out = {} if include_named else _left_out(rows, layout)
            rows, position = _kept(rows, left_out)
            no_features: list[str] = []
            if features is None:
                layout, no_features = _numeric_features(rows, layout, position)
            tables.append(_convert(rows, layout, position))
            _require_complete(tables[-1], complete, position)
        says = [*_describe(path, layout, left_out), *no_features, *_not_named(path, files)]
        if says:
            notes.append(f"{path}: {'; '.join(says)}")
    return Reading(votes=_joined(tables, files), notes=tuple(notes))


@contextmanager
def _naming(path: Path) -> Iterator[None]:
    """Name the file in what is wrong with its columns or rows."""
    try:
        yield
    except (InvalidComparisonsError, InvalidOptionError) as error:
        raise type(error)(f"{path}: {error}") from error


def _left_out(rows: pd.DataFrame, layout: Layout) -> dict[str, BoolArray]:
    """Mark the rows that are no votes of a blind comparison, by the column that says so."""
    marked = {
        column: _map_distinct(rows[column], lambda value: str(value).lower() in ("false", "0"), missing=False)
        for column in layout.kept_if_true
    }
    return {column: wrong for column, wrong in marked.items() if wrong.any()}


def _not_named(path: Path, files: Sequence[Path]) -> Iterator[str]:
    """What a large table of a release goes on in, if only its beginning was named."""
    others = [each.name for each in table_files(path)[1:] if each not in files]
    if others and path.suffix == ".parquet":
        yield f"more of this table is in {', '.join(others)}, not read"


def _kept(rows: pd.DataFrame, left_out: Mapping[str, BoolArray]) -> tuple[pd.DataFrame, IntArray]:
    """Return the other rows, and their places in the file."""
    kept = np.ones(len(rows), dtype=bool)
    for wrong in left_out.values():
        kept &= ~wrong
    return rows if kept.all() else rows[kept].reset_index(drop=True), np.flatnonzero(kept)


def _describe(path: Path, layout: Layout, left_out: Mapping[str, BoolArray]) -> list[str]:
    """Say what a file was taken for, unless that is plain, and what was left out."""
    renamed = {ours: theirs for ours, theirs in layout.columns.items() if ours != theirs}
    says = []
    if renamed or layout.one_hot:
        names = ", ".join(f"{ours} = {theirs}" for ours, theirs in renamed.items())
        says.append(f"{layout.name} layout" + (f" ({names})" if names else ""))
    if layout.one_hot:
        says.append("ties include both bad, which this layout does not tell apart")
    for column, rows in left_out.items():
        why = layout.kept_if_true[column]
        says.append(f"left out {int(rows.sum()):,} votes with {column} = false: {why}")
    return says


def _numeric_features(rows: pd.DataFrame, layout: Layout, position: IntArray) -> tuple[Layout, list[str]]:
    """Leave out, with a note, what looked like style features by name only."""
    wrong: dict[str, str] = {}
    for name, parts in layout.features.items():
        try:
            _numbers(rows, parts, position)
        except InvalidComparisonsError as error:
            if _mostly_numbers(
                rows, [*layout.features[f"{name[:-2]}_a"], *layout.features[f"{name[:-2]}_b"]]
            ):
                raise InvalidComparisonsError(
                    f"{error} Or choose the features to read, by --features or features=."
                ) from error
            wrong.setdefault(name[:-2], f"no style feature: {error}")
    features = {name: parts for name, parts in layout.features.items() if name[:-2] not in wrong}
    return replace(layout, features=features), list(wrong.values())


def _mostly_numbers(rows: pd.DataFrame, parts: Sequence[str]) -> bool:
    present = sum(int(rows[part].notna().sum()) for part in parts)
    numbers = sum(int(np.isfinite(_as_floats(rows[part])).sum()) for part in parts)
    return numbers > 0 and 2 * numbers >= present


def _require_complete(table: pd.DataFrame, names: Collection[str], position: IntArray) -> None:
    for name in names:
        if name in table:
            missing = table[name].isna().to_numpy()
            _reject_first(missing, None, position, f"{name} is missing. Fill it in or drop the row.")


def _convert(rows: pd.DataFrame, layout: Layout, position: IntArray) -> pd.DataFrame:
    """Bring the rows to our convention; errors name the row of the file."""
    columns: dict[str, Any] = {name: _names(rows[layout.columns[name]], position) for name in _SIDES}
    _reject_first(
        _same(*columns.values()),
        columns["model_a"],
        position,
        "{value!r} stands on both sides. A vote compares two models: drop the row.",
    )
    if layout.one_hot:
        columns["winner"] = _winners_of_one_hot(rows[list(layout.one_hot)], position)
    else:
        names = set(columns["model_a"].unique()) | set(columns["model_b"].unique())
        columns["winner"] = _winners(rows[layout.columns["winner"]], position, names)
    if "voter" in layout.columns:
        columns["voter"] = rows[layout.columns["voter"]]
    for name in ("count", "weight"):
        if name in layout.columns:
            columns[name] = _amounts(rows, name, layout.columns[name], position)
    if "date" in layout.columns:
        columns["date"] = _dates(rows[layout.columns["date"]], position)
    columns.update({name: _numbers(rows, parts, position) for name, parts in layout.features.items()})
    return pd.DataFrame({**columns, **{name: rows[name] for name in layout.others}})


def _map_distinct(column: pd.Series, function: Callable[[Any], Any], *, missing: Any) -> Any:
    """Apply a function to the distinct values of a column; an array with one entry a row."""
    codes, values = pd.factorize(column)
    return np.array([*map(function, values), missing])[codes]


def _names(column: pd.Series, position: IntArray) -> pd.Series:
    codes, values = pd.factorize(column)
    _reject_first(codes < 0, column, position, f"{column.name} is missing. Fill it in or drop the row.")
    if not all(isinstance(value, str) for value in values):
        return column
    names = pd.Index([value.strip() for value in values], dtype="str")
    distinct = names.unique().sort_values()
    return pd.Series(pd.Categorical.from_codes(distinct.get_indexer(names)[codes], categories=distinct))


def _same(first: pd.Series, second: pd.Series) -> BoolArray:
    """Say in which rows both models are one."""
    if not all(isinstance(column.dtype, pd.CategoricalDtype) for column in (first, second)):
        return np.asarray(first.astype(object).to_numpy() == second.astype(object).to_numpy(), dtype=bool)
    place = np.append(first.cat.categories.get_indexer(second.cat.categories), -1)
    return np.asarray(first.cat.codes.to_numpy() == place[second.cat.codes.to_numpy()])


def _winners(column: pd.Series, position: IntArray, models: Collection[Any]) -> pd.Categorical:
    codes, values = pd.factorize(column)
    _reject_first(codes < 0, column, position, f"{column.name} is missing. Fill it in or drop the row.")
    labels = [WINNER_WORDS.get(str(value).strip().lower()) for value in values]
    known = np.array([label is not None for label in labels], dtype=bool)
    named = np.array([value in models for value in values], dtype=bool) & ~known
    _reject_first(
        named[codes],
        column,
        position,
        f"{column.name} is {{value!r}}, the name of a model. Say on which side it stood: 'model_a' or 'model_b'.",
    )
    accepted = ", ".join(map(repr, WINNERS))
    _reject_first(
        ~known[codes], column, position, f"unknown winner label {{value!r}}. Map it to one of {accepted}."
    )
    ours = np.array([WINNERS.index(label) for label in labels if label is not None], dtype=np.int8)
    return pd.Categorical.from_codes(ours[codes], categories=pd.Index(WINNERS, dtype="str"))


def _winners_of_one_hot(columns: pd.DataFrame, position: IntArray) -> pd.Categorical:
    """Turn "a won", "b won", "tie" into labels; which of them is 1, and the other two 0."""
    words = {"0": 0.0, "1": 1.0, "false": 0.0, "true": 1.0, "0.0": 0.0, "1.0": 1.0}
    flags = np.column_stack(
        [
            _map_distinct(columns[name], lambda value: words.get(str(value).lower(), np.nan), missing=np.nan)
            for name in columns
        ]
    )
    wrong = ~(flags.sum(axis=1) == 1)
    row = columns.iloc[[int(np.argmax(wrong))]].astype(str).to_numpy()[0] if len(columns) else ()
    names, values = ", ".join(map(str, columns)), ", ".join(row)
    _reject_first(wrong, None, position, f"{names} are {values}; exactly one of them is 1, the others 0.")
    return pd.Categorical.from_codes(flags.argmax(axis=1), categories=pd.Index(WINNERS, dtype="str"))


def _numbers(rows: pd.DataFrame, parts: Sequence[str], position: IntArray) -> Any:
    """Add up the numeric columns; a part that is missing in a row counts nothing, unless all are."""
    numbers = np.column_stack([_as_floats(rows[part]) for part in parts])
    for place, part in enumerate(parts):
        broken = np.isnan(numbers[:, place]) & rows[part].notna().to_numpy()
        _reject_first(broken, rows[part], position, f"{part} is {{value!r}}, not a number. Correct the row.")
    missing = np.isnan(numbers).all(axis=1)
    _reject_first(missing, rows[parts[0]], position, f"{parts[0]} is missing. Fill it in or drop the row.")
    return np.nansum(numbers, axis=1)


def _amounts(rows: pd.DataFrame, name: str, part: str, position: IntArray) -> Any:
    """Read counts, as integers, or weights."""
    values = _numbers(rows, [part], position)
    wrong = ~(np.isfinite(values) & (values >= 0))
    finding = f"{part} is {{value!r}}. A {name} is a finite number, 0 or more."
    _reject_first(wrong, rows[part], position, finding)
    if name == "weight":
        return values
    finding = f"{part} is {{value!r}}. A count is a whole number of identical votes."
    _reject_first(values != np.floor(values), rows[part], position, finding)
    finding = (
        f"{part} is {{value!r}}, more than the {MOST_VOTES} votes that can be counted. Scale the counts down."
    )
    _reject_first(values > MOST_VOTES, rows[part], position, finding)
    return values.astype(np.int64)


def _as_floats(column: pd.Series) -> Any:
    try:
        # Arrow parses text several times faster than pandas, but knows nothing of what is wrong.
        return pa.Array.from_pandas(column).cast(pa.float64()).to_numpy(zero_copy_only=False)
    except (pa.ArrowException, TypeError):
        return pd.to_numeric(column, errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan)


def _dates(column: pd.Series, position: IntArray) -> pd.Series:
    """Read Unix times (seconds or milliseconds) or ISO 8601 as UTC."""
    if pd.api.types.is_datetime64_any_dtype(column):
        return pd.to_datetime(column, utc=True)
    numbers = pd.Series(_as_floats(column))
    if numbers.notna().any():
        # Numbers too small for a Unix time of our days, such as 20240531, become no date.
        seconds = numbers.where(numbers < _SECONDS_BELOW, numbers / 1000).where(numbers > _SECONDS_ABOVE)
        dates = pd.to_datetime((seconds * 1e6).round(), unit="us", utc=True, errors="coerce")
    else:
        dates = pd.to_datetime(column, errors="coerce", utc=True, format="ISO8601")
    broken = (dates.isna() & column.notna()).to_numpy()
    finding = "{value!r} is no date. Write ISO 8601 (2024-05-31) or Unix seconds."
    _reject_first(broken, column, position, finding)
    return dates


def _reject_first(wrong: Any, column: pd.Series | None, position: IntArray, finding: str) -> None:
    """Raise on the first wrong row; ``finding`` may mention its {value}."""
    if not wrong.any():
        return
    place = int(np.argmax(wrong))
    value = column.iloc[[place]].tolist()[0] if column is not None else None
    raise InvalidComparisonsError(
        f"row {position[place]} (from 0): {finding.replace('{value!r}', repr(value))}"
    )


def _joined(tables: Sequence[pd.DataFrame], files: Sequence[Path]) -> pd.DataFrame:
    """Put the files' tables one below the other, with the same categories in both columns of models."""
    names = [table[side] for table in tables for side in _SIDES]
    categorical = all(isinstance(column.dtype, pd.CategoricalDtype) for column in names)
    if categorical:
        distinct = pd.Index(sorted(set().union(*(column.cat.categories for column in names))), dtype="str")
        tables = [
            table.assign(**{side: table[side].cat.set_categories(distinct) for side in _SIDES})
            for table in tables
        ]
    for table, file in zip(tables, files, strict=True):
        differing = sorted(set(table.columns) ^ set(tables[0].columns))
        if differing:
            has = [
                str(path) for path, other in ((file, table), (files[0], tables[0])) if differing[0] in other
            ]
            raise InvalidComparisonsError(
                f"Some of the files have the column {name_some(differing)} and others have not: {has[0]} has "
                f"{differing[0]!r}. Read them apart, or make them alike."
            )
    return tables[0] if len(tables) == 1 else pd.concat(tables, ignore_index=True)
