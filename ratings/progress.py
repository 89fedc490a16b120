"""Say on a terminal what takes long."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

_PATIENCE = 1.0
_INTERVAL = 0.25


class Progress:
    """The step under way, shown on one line once the work takes longer than a second."""

    def __init__(self, stream: TextIO, *, patience: float = _PATIENCE) -> None:
        self._stream = stream
        self._patience = patience
        self._step = ""
        self._shown = 0
        self._done = threading.Event()

    def step(self, text: str) -> None:
        """Name what is done now."""
        self._step = text

    def _show_until_done(self) -> None:
        started = time.monotonic()
        wait = self._patience
        while not self._done.wait(wait):
            line = f"{self._step} … {time.monotonic() - started:.0f} s"
            self._stream.write("\r" + line.ljust(self._shown))
            self._stream.flush()
            self._shown, wait = len(line), _INTERVAL

    def _clear(self) -> None:
        if self._shown:
            self._stream.write("\r" + " " * self._shown + "\r")
            self._stream.flush()


@contextmanager
def progress(stream: TextIO, *, patience: float = _PATIENCE) -> Iterator[Progress]:
    """Show on the stream, if it is a terminal, the step under way; leaves no trace when it ends."""
    shown = Progress(stream, patience=patience)
    if not stream.isatty():
        yield shown
        return
    thread = threading.Thread(target=shown._show_until_done, daemon=True)
    thread.start()
    try:
        yield shown
    finally:
        shown._done.set()
        thread.join()
        shown._clear()
