"""Read the two columns of each style feature from a table of battles."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from ratings.errors import InvalidComparisonsError
from ratings.style_rows import FeatureValues


def feature_values(battles: pd.DataFrame | pa.Table, features: Sequence[str]) -> list[FeatureValues]:
    """Take <feature>_a and <feature>_b of every feature as numbers, without copying where they are.

    Parameters
    ----------
    battles : DataFrame or pyarrow Table, n_rows rows
    features : sequence of str

    Returns
    -------
    list of (a, b)
        For each feature two arrays of numbers, shape (n_rows,); NaN where a value is missing or no number.

    Raises
    ------
    InvalidComparisonsError
        If a column is missing, is there twice, or holds no numbers at all.
    """
    names = list(battles.column_names if isinstance(battles, pa.Table) else battles.columns)
    wanted = [f"{feature}_{side}" for feature in features for side in "ab"]
    for name in wanted:
        if names.count(name) != 1:
            found = "lacks" if name not in names else "has more than one of"
            raise InvalidComparisonsError(
                f"The table of battles {found} the column {name!r}; it has {', '.join(map(repr, names))}. "
                "Each feature is a pair of columns <feature>_a and <feature>_b: add_style_columns makes them."
            )
    columns = [_numbers(battles[name]) for name in wanted]
    return list(zip(columns[::2], columns[1::2], strict=True))


def _numbers(column: Any) -> npt.NDArray[np.generic]:  # a pandas Series or an Arrow ChunkedArray
    series = column.to_pandas() if isinstance(column, pa.ChunkedArray) else column
    if not isinstance(series.dtype, np.dtype) or series.dtype.kind not in "iuf":
        series = pd.to_numeric(series, errors="coerce").astype("Float64")
        return np.asarray(series.to_numpy(dtype=np.float64, na_value=np.nan))
    return np.asarray(series.to_numpy())
