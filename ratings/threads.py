"""Work shared between threads, with results in a fixed order."""

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from ratings.errors import InvalidOptionError
from ratings.linear_algebra import single_threaded_blas

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")
_MOST = 8


def thread_count(threads: int | None) -> int:
    """Return the number asked for, or for None the processors that this process may use, at most 8."""
    if threads is None:
        usable = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else range(os.cpu_count() or 1)
        return min(len(usable), _MOST)
    if threads < 1:
        raise InvalidOptionError(f"threads is {threads!r}: it is 1 or more, or None for all processors.")
    return threads


def in_order(function: Callable[[_Item], _Result], items: Sequence[_Item], threads: int) -> Iterator[_Result]:
    """Apply a function in threads, each with BLAS on one thread; yield results in the order of the items."""

    def alone(item: _Item) -> _Result:
        with single_threaded_blas():
            return function(item)

    if threads < 2 or len(items) < 2:
        yield from map(alone, items)
        return
    with ThreadPoolExecutor(min(threads, len(items))) as pool:
        yield from pool.map(alone, items)
