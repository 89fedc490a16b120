"""Work shared between threads, with results in a fixed order."""

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TypeVar

from ratings.errors import InvalidOptionError
from ratings.linear_algebra import single_threaded_blas

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")
_MOST = 8
_SHARED: ContextVar[bool] = ContextVar("shared", default=False)
"""Whether this work has other work beside it that keeps the other processors busy."""


def thread_count(threads: int | None) -> int:
    """Return the number asked for, or for None the processors that this process may use, at most 8.

    Within work that `in_order` shares between threads, that is one.
    """
    if threads is None:
        if _SHARED.get():
            return 1
        usable = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else range(os.cpu_count() or 1)
        return min(len(usable), _MOST)
    if threads < 1:
        raise InvalidOptionError(f"threads is {threads!r}: it is 1 or more, or None for all processors.")
    return threads


@contextmanager
def one_processor() -> Iterator[None]:
    """Let work keep to one processor, because others are busy with what goes on beside it."""
    token = _SHARED.set(True)
    try:
        with single_threaded_blas():
            yield
    finally:
        _SHARED.reset(token)


def in_order(function: Callable[[_Item], _Result], items: Sequence[_Item], threads: int) -> Iterator[_Result]:
    """Apply a function in threads, each with BLAS on one thread; yield results in the order of the items."""

    def alone(item: _Item) -> _Result:
        with single_threaded_blas():
            return function(item)

    if threads < 2 or len(items) < 2:
        yield from map(alone, items)
        return

    def shared(item: _Item) -> _Result:
        with one_processor():
            return function(item)

    with ThreadPoolExecutor(min(threads, len(items))) as pool:
        yield from pool.map(shared, items)
