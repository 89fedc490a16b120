"""Boards computed in a process of their own: threads of one process wait for each other wherever objects are made.

`BoardWorker` starts it and talks to it through its standard streams, in pickles: the votes of a population once, then
one board after the other. It ends when its input does, so that it outlives nobody who started it by more than a board.
"""

import pickle
import signal
import subprocess
import sys
import traceback
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import IO, Any, Self

from arena.boards import Board, BoardFile, board_files
from arena.categories import Category
from arena.memory import return_freed_memory, seldom_collecting
from arena.populations import Population
from ratings.arrays import BoolArray
from ratings.board_files import Facts
from ratings.encoded_votes import EncodedVotes
from ratings.threads import one_processor


class BoardWorkerError(Exception):
    """A board could not be computed."""


class BoardWorkerEnded(Exception):
    """The process that computes boards is no more, whatever it was asked for."""


@dataclass(frozen=True, kw_only=True)
class Task:
    """A board without its population's votes, which the process has."""

    population: Population
    category: Category | None
    rows: BoolArray
    left_out: int

    @classmethod
    def of(cls, board: Board) -> Self:
        return cls(
            population=board.population,
            category=board.category,
            rows=board.rows,
            left_out=board.left_out,
        )

    def files(self, votes: EncodedVotes, models: Facts) -> list[BoardFile]:
        with seldom_collecting(), one_processor():
            return list(board_files(Board(everything=votes, **vars(self)), models))


class BoardWorker:
    """The other process, which one caller at a time asks for boards; started when it is first needed."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._has: EncodedVotes | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def start(self) -> None:
        """Have it import what it needs, while other things go on."""
        if self._process is None or self._process.poll() is not None:
            # Not as a main module, whose classes would not be those of the pickles.
            command = [sys.executable, "-c", "from arena.board_worker import main; main()"]
            self._process, self._has = None, None
            with suppress(OSError):  # no memory, or too many processes: said when a board is asked for
                self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def files(self, board: Board, models: Facts) -> list[BoardFile]:
        """What `board_files` makes of the board; raises `BoardWorkerError` or `BoardWorkerEnded`."""
        self.start()
        if self._has is not board.everything:
            self._tell((board.everything.without_columns(), dict(models)))
            self._has = board.everything
        self._tell(Task.of(board))
        answer: list[BoardFile] | str = self._hear()
        if isinstance(answer, str):
            raise BoardWorkerError(f"The board {board.name} could not be computed: {answer}")
        return answer

    def forget(self) -> None:
        """Let it forget votes, so that nothing is in memory twice until the next fit."""
        if self._has is not None:
            self._has = None
            with suppress(BoardWorkerEnded):  # then it has forgotten everything
                self._tell(None)

    def close(self) -> None:
        """End it, whatever it does."""
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None

    def _tell(self, message: object) -> None:
        if self._process is None or self._process.stdin is None:
            raise BoardWorkerEnded("It could not be started.")
        try:
            _write(message, self._process.stdin)
        except OSError as error:
            raise self._ended(self._process) from error

    def _hear(self) -> Any:
        assert self._process is not None
        assert self._process.stdout is not None
        try:
            return pickle.load(self._process.stdout)
        except (EOFError, pickle.UnpicklingError) as error:
            raise self._ended(self._process) from error

    def _ended(self, process: subprocess.Popen[bytes]) -> BoardWorkerEnded:
        self.close()
        why = "perhaps for want of memory" if process.returncode < 0 else "for a reason that it logged"
        return BoardWorkerEnded(f"It ended with status {process.returncode}, {why}.")


def _write(message: object, stream: IO[bytes]) -> None:
    pickle.dump(message, stream, protocol=5)
    stream.flush()


def work(asked: IO[bytes], answers: IO[bytes]) -> None:
    """Compute what is asked for; raises `EOFError` when nobody asks any more."""
    votes: EncodedVotes | None = None
    models: Mapping[str, Any] = {}
    while True:
        message = pickle.load(asked)
        if isinstance(message, Task):
            assert votes is not None, "votes come before their boards"
            try:
                _write(message.files(votes, models), answers)
            except Exception:
                _write(traceback.format_exc(), answers)
        else:
            votes, models = message or (None, {})
            return_freed_memory()


def main() -> None:
    """Work for the process that started this one, and end when it does; it gets the signals of both."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    answers, sys.stdout = sys.stdout.buffer, sys.stderr
    with suppress(EOFError, BrokenPipeError):
        work(sys.stdin.buffer, answers)
