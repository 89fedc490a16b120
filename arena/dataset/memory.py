"""What a process holds of memory that it has freed."""

import ctypes
import os
from contextlib import suppress
from typing import Final

M_ARENA_MAX: Final = -8  # of mallopt(3)


def share_freed_memory() -> None:
    """Let threads use again what others freed, before Arrow is loaded.

    Otherwise each keeps its own, and Arrow does so beside: together up to 120 MiB of an export.
    """
    os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")
    with suppress(AttributeError, OSError):  # systems without glibc
        ctypes.CDLL(None).mallopt(M_ARENA_MAX, 2)
