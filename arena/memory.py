"""What a process holds of memory that it has freed, and how often it looks for what could be."""

import ctypes
import gc
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Final

# Of mallopt(3): number and value, by the variable with which an operator may say otherwise.
MMAP_THRESHOLD: Final = "MALLOC_MMAP_THRESHOLD_"
OPTIONS: Final = {
    "MALLOC_ARENA_MAX": (-8, 2),
    MMAP_THRESHOLD: (-3, 2**20),
    "MALLOC_TRIM_THRESHOLD_": (-1, 8 * 2**20),
}

_SELDOM: Final = (100_000, 50, 50)


@contextmanager
def seldom_collecting() -> Iterator[None]:
    """Look for cycles of objects less often, while millions of objects are made of which none is in a cycle.

    This is a matter of the whole process, and of one caller at a time.
    """
    usual = gc.get_threshold()
    gc.set_threshold(*_SELDOM)
    try:
        yield
    finally:
        gc.set_threshold(*usual)


def share_freed_memory() -> None:
    """Let threads use again what others freed, before Arrow is loaded.

    Otherwise each keeps its own, and Arrow does so beside: together up to 120 MiB of an export. What is large goes back
    to the system at once: holes of that size among what is in use come to another 80 MiB.
    """
    os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")
    with suppress(AttributeError, OSError):  # systems without glibc
        allocator = ctypes.CDLL(None)
        for variable, (option, value) in OPTIONS.items():
            if variable not in os.environ:
                allocator.mallopt(option, value)


def do_without_machine_code() -> None:
    """Let boards be computed by NumPy alone, unless the operator says otherwise.

    What Numba needs is a fifth of an export's memory, and saves it seconds of minutes.
    """
    os.environ.setdefault("RATINGS_COMPILE", "0")


def return_smaller_pieces() -> None:
    """Let pieces from 256 KiB on go back at once, too, for work that frees many of them between what it keeps.

    That takes a tenth more time, and leaves a fifth of the holes.
    """
    with suppress(AttributeError, OSError):
        if MMAP_THRESHOLD not in os.environ:
            ctypes.CDLL(None).mallopt(OPTIONS[MMAP_THRESHOLD][0], 2**18)


def return_freed_memory() -> None:
    """Give the system back what was freed: what is kept for later adds up to more than what is in use."""
    from pyarrow import default_memory_pool  # type: ignore[import-untyped]  # not before the above is said

    default_memory_pool().release_unused()
    with suppress(AttributeError, OSError):
        ctypes.CDLL(None).malloc_trim(0)
