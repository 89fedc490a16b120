"""What a process holds of memory that it has freed."""

import ctypes
import os
from contextlib import suppress
from typing import Final

# Of mallopt(3).
M_ARENA_MAX: Final = -8
M_MMAP_THRESHOLD: Final = -3
M_TRIM_THRESHOLD: Final = -1


def share_freed_memory() -> None:
    """Let threads use again what others freed, before Arrow is loaded.

    Otherwise each keeps its own, and Arrow does so beside: together up to 120 MiB of an export. What is large goes back
    to the system at once: holes of that size among what is in use come to another 80 MiB.
    """
    os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")
    with suppress(AttributeError, OSError):  # systems without glibc
        allocator = ctypes.CDLL(None)
        allocator.mallopt(M_ARENA_MAX, 2)
        allocator.mallopt(M_MMAP_THRESHOLD, 2**20)
        allocator.mallopt(M_TRIM_THRESHOLD, 8 * 2**20)


def return_freed_memory() -> None:
    """Give the system back what was freed: what is kept for later adds up to more than what is in use."""
    from pyarrow import default_memory_pool  # type: ignore[import-untyped]  # not before the above is said

    default_memory_pool().release_unused()
