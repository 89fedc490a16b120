"""Work that another processor does, in its order, while the next of it is made."""

from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Any, Final, Self

BEHIND: Final = 4
"""Pieces that may wait or be in work, by default: with fewer, who makes them waits whenever one of them takes long."""


class Lane:
    """Does one piece of work after the other in a thread.

    What fails there is raised at a later piece or at the end, unless whoever makes the pieces fails first.
    """

    def __init__(self, behind: int = BEHIND) -> None:
        self._behind = behind
        self._thread = ThreadPoolExecutor(1)
        self._waiting: deque[Future[Any]] = deque()

    def submit(self, work: Callable[..., Any], *arguments: Any) -> None:
        """Let work be done once all that came before it is."""
        while len(self._waiting) >= self._behind:
            self._waiting.popleft().result()
        self._waiting.append(self._thread.submit(work, *arguments))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if error is None:
                for piece in self._waiting:
                    piece.result()
        finally:
            self._thread.shutdown(cancel_futures=True)
