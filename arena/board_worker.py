"""Boards computed in a process of their own: threads of one process wait for each other wherever objects are made.

`BoardWorker` starts it and talks to it through its standard streams, in pickles: the votes of a population once, then
one board after the other. It ends when its input does, or when whoever started it is gone.
"""

import os
import pickle
import signal
import subprocess
import sys
import time
import traceback
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Thread
from typing import IO, Any, NoReturn, Self

from arena.boards import Board, BoardFile, board_files
from arena.categories import Category
from arena.code_version import code_version
from arena.memory import return_freed_memory, seldom_collecting
from arena.populations import Population
from ratings.arrays import BoolArray
from ratings.board_files import Facts
from ratings.encoded_votes import EncodedVotes
from ratings.threads import one_processor

WATCHING_SECONDS = 1.0
ENDING_SECONDS = 2.0
# From -1000 to 1000: who is killed first where memory runs out. What it computes, the other process can compute too.
KILLED_FIRST = 500


class BoardWorkerError(Exception):
    """A board could not be computed, and would not be here."""


class BoardWorkerEnded(Exception):
    """The process that computes boards is no more, whatever it was asked for."""


@dataclass(frozen=True, kw_only=True)
class Task:
    """A board without its population's votes, which the process has."""

    population: Population
    category: Category | None
    rows: BoolArray
    left_out: int
    code_version: str
    models: Facts

    @classmethod
    def of(cls, board: Board, models: Facts) -> Self:
        return cls(
            population=board.population,
            category=board.category,
            rows=board.rows,
            left_out=board.left_out,
            code_version=board.code_version,
            models=dict(models),
        )

    def files(self, votes: EncodedVotes) -> list[BoardFile]:
        board = Board(
            population=self.population,
            category=self.category,
            everything=votes,
            rows=self.rows,
            left_out=self.left_out,
            code_version=self.code_version,
        )
        with seldom_collecting(), one_processor():
            return list(board_files(board, self.models))


class BoardWorker:
    """The other process, which one caller at a time asks for boards; started when it is first needed."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._has: EncodedVotes | None = None
        self._is_closed = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def start(self) -> None:
        """Have it import what it needs, while other things go on; nothing happens if it lives or cannot be started."""
        if self._is_closed or (self._process is not None and self._process.poll() is None):
            return
        if self._process is not None:
            _end(self._process)
        self._process, self._has = None, None
        # Not as a main module, whose classes would not be those of the pickles.
        code = f"from arena.board_worker import main; main({code_version()!r})"
        command = [sys.executable, "-P", "-c", code]
        with suppress(OSError):  # no memory, or too many processes: said when a board is asked for
            self._process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True
            )

    def files(self, board: Board, models: Facts) -> list[BoardFile]:
        """What `board_files` makes of the board; raises `BoardWorkerError` or `BoardWorkerEnded`."""
        self.start()
        process = self._process
        if process is None:
            self._say_ended("It could not be started.")
        try:
            if self._has is not board.everything:
                _write(board.everything.without_columns(), process.stdin)
                self._has = board.everything
            _write(Task.of(board, models), process.stdin)
            assert process.stdout is not None
            answer: list[BoardFile] | str = pickle.load(process.stdout)
        except Exception as error:  # whatever it was: nobody knows any more where their conversation stands
            self._say_ended(_end_of(process, error), error)
        if isinstance(answer, str):
            raise BoardWorkerError(f"The board {board.name} could not be computed: {answer}")
        return answer

    def forget(self) -> None:
        """Let it forget votes, so that nothing is in memory twice until the next fit."""
        if self._has is not None and self._process is not None:
            with suppress(OSError, ValueError):  # then it has forgotten everything
                _write(None, self._process.stdin)
        self._has = None

    def close(self) -> None:
        """End it, whatever it does, for good."""
        self._is_closed = True
        if self._process is not None:
            _end(self._process)

    def _say_ended(self, how: str, cause: Exception | None = None) -> NoReturn:
        if self._is_closed:
            raise BoardWorkerError("The program ends.") from cause
        raise BoardWorkerEnded(how) from cause


def _end_of(process: subprocess.Popen[bytes], error: Exception) -> str:
    """End it, and say how it ended: by itself, or because of an error on this side."""
    try:
        status = process.wait(ENDING_SECONDS)
        why = "perhaps for want of memory" if status < 0 else "for a reason that it logged"
        how = f"It ended with status {status}, {why}."
    except subprocess.TimeoutExpired:
        how = f"It was ended because of {error!r}."
    _end(process)
    return how


def _end(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.wait()
    for stream in (process.stdin, process.stdout):
        if stream is not None:
            with suppress(OSError):  # what was still to be written
                stream.close()


def _write(message: object, stream: IO[bytes] | None) -> None:
    assert stream is not None
    pickle.dump(message, stream, protocol=5)
    stream.flush()


def work(asked: IO[bytes], answers: IO[bytes]) -> None:
    """Compute what is asked for; raises `EOFError` when nobody asks any more, and `MemoryError`."""
    votes: EncodedVotes | None = None
    while True:
        message: Any = pickle.load(asked)
        if isinstance(message, Task):
            assert votes is not None, "votes come before their boards"
            _write(_answer(message, votes), answers)
        else:
            votes = message
            return_freed_memory()
        del message


def _answer(task: Task, votes: EncodedVotes) -> list[BoardFile] | str:
    try:
        return task.files(votes)
    except MemoryError:
        raise  # whoever asked may have more
    except Exception:
        return traceback.format_exc()


def main(program: str) -> None:
    """Work for the process that started this one, and end when it does, or at once where that is another program."""
    if code_version() != program:
        sys.exit(f"The program on the disk is now {code_version()}, not {program}: start the arena again.")
    Thread(target=_end_with, args=[os.getppid()], daemon=True).start()
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # which goes to both: the other one decides
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text(str(KILLED_FIRST))
    # Whatever else is printed goes to standard error.
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    with suppress(EOFError, BrokenPipeError):
        work(sys.stdin.buffer, answers)


def _end_with(parent: int) -> None:
    """Also in the middle of a board."""
    while os.getppid() == parent:
        time.sleep(WATCHING_SECONDS)
    os._exit(0)
