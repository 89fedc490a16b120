"""Another process makes the same files, and whatever happens to it is said and mended."""

import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from typing import IO

import numpy as np
import psutil
import pytest
from structlog.testing import capture_logs

from arena import board_worker, leaderboards
from arena.ballots import own_votes
from arena.board_worker import BoardWorker, BoardWorkerEnded, BoardWorkerError
from arena.boards import Board, BoardFile, board_files
from arena.leaderboards import boards_of, compute, snapshot_inputs
from arena.snapshots import results_digest
from ratings import style_kernels
from ratings.board_files import Facts
from tests.unit.ratings.machine_code import require_numba
from tests.unit.test_large_boards import MODELS, ballots

PATIENCE_SECONDS = 30
FACTS = {"model-1": {"organization": "Birds"}}


@pytest.fixture(scope="module")
def worker() -> Iterator[BoardWorker]:
    """One for all, as it takes a second to start: whoever kills its process, or closes it, loses nothing but that."""
    with BoardWorker() as worker:
        yield worker


def board_of(rows: int) -> Board:
    return next(boards_of(own_votes(ballots(rows), MODELS)[0]))


def process_of(worker: BoardWorker) -> psutil.Process:
    assert worker._process is not None
    return psutil.Process(worker._process.pid)


@pytest.mark.parametrize("arranged", [True, False])
def test_makes_the_same_files(worker: BoardWorker, arranged: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if arranged:
        require_numba()
        monkeypatch.setattr(style_kernels, "WORTH_COMPILING", 0)
    boards = list(boards_of(own_votes(ballots(1500), MODELS)[0]))
    assert len(boards) > 5
    for board in boards:
        assert (board.everything.arrangement is not None) == arranged
        assert worker.files(board, FACTS) == list(board_files(board, FACTS))


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_helps_where_there_are_many_votes(
    worker: BoardWorker, threads: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    votes = own_votes(ballots(300), MODELS)
    inputs = snapshot_inputs(votes, [])
    here = compute(votes, inputs)
    asked: list[str] = []
    ask = worker.files

    def files(board: Board, models: Facts) -> list[BoardFile]:
        asked.append(board.name)
        return ask(board, models)

    monkeypatch.setattr(worker, "files", files)
    monkeypatch.setattr(leaderboards, "thread_count", lambda _: threads)
    assert results_digest(compute(votes, inputs, worker)) == results_digest(here)
    assert not asked, "few votes are not worth it"
    monkeypatch.setattr(leaderboards, "SHARED", 200)
    monkeypatch.setattr(leaderboards, "LARGE", 200)
    assert results_digest(compute(votes, inputs, worker)) == results_digest(here)
    assert bool(asked) == (threads > 1)
    assert worker._has is None, "votes are forgotten"


def test_a_board_that_fails_ends_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    begun: list[str] = []

    def fail_on_the_first(board: Board, models: Facts) -> list[BoardFile]:
        begun.append(board.name)
        time.sleep(0.2)  # so that both lanes are at work
        if board.name == "overall":
            raise ArithmeticError
        return []

    monkeypatch.setattr(leaderboards, "thread_count", lambda _: 2)
    monkeypatch.setattr(leaderboards, "board_files", fail_on_the_first)
    votes = own_votes(ballots(300), MODELS)
    with pytest.raises(ArithmeticError):
        compute(votes, snapshot_inputs(votes, []))
    assert 1 < len(begun) < 5, "of ten"


@pytest.fixture
def killed(worker: BoardWorker, monkeypatch: pytest.MonkeyPatch) -> BoardWorker:
    """A worker whose process is killed once it was told something, and no process after that one."""
    write = board_worker._write

    def write_and_kill(message: object, stream: IO[bytes] | None) -> None:
        write(message, stream)
        process_of(worker).kill()
        monkeypatch.setattr(board_worker, "_write", write)

    monkeypatch.setattr(board_worker, "_write", write_and_kill)
    return worker


def test_one_that_was_killed_is_said_and_started_again(killed: BoardWorker) -> None:
    worker, board = killed, board_of(60)
    worker.forget()
    with pytest.raises(BoardWorkerEnded, match="ended with status -9, perhaps for want of memory"):
        worker.files(board, {})
    assert worker.files(board, {}) == list(board_files(board, {}))


def test_boards_of_one_that_was_killed_are_computed_here(
    killed: BoardWorker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leaderboards, "thread_count", lambda _: 2)
    monkeypatch.setattr(leaderboards, "SHARED", 0)
    votes = own_votes(ballots(100), MODELS)
    inputs = snapshot_inputs(votes, [])
    with capture_logs() as logged:
        files = compute(votes, inputs, killed)
    assert results_digest(files) == results_digest(compute(votes, inputs))
    assert [event["event"] for event in logged] == ["board_worker_lost"], "once, not for every board"


def test_what_cannot_be_sent_is_not_taken_for_want_of_memory(worker: BoardWorker) -> None:
    with pytest.raises(BoardWorkerEnded, match="It was ended because of .*lambda"):
        worker.files(board_of(60), {"model-1": {"organization": lambda: "none"}})


def test_one_without_memory_ends(worker: BoardWorker) -> None:
    board = board_of(60)
    with pytest.raises(BoardWorkerEnded, match="ended with status 1, for a reason that it logged"):
        worker.files(replace(board, rows=OutOfMemory()), {})  # type: ignore[arg-type]
    assert worker.files(board, {}) == list(board_files(board, {}))


class OutOfMemory:
    """Stands for the rows of a board, until the other process looks at them."""

    def all(self) -> bool:
        raise MemoryError


def test_one_that_cannot_be_started_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    with pytest.raises(BoardWorkerEnded, match="could not be started"):
        BoardWorker().files(board_of(60), {})


def test_one_of_another_program_computes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """As after an upgrade on the disk under a program that runs."""
    monkeypatch.setattr(board_worker, "code_version", lambda: "0.0.9+earlier")
    with BoardWorker() as worker, pytest.raises(BoardWorkerEnded, match="ended with status 1"):
        worker.files(board_of(60), {})


def test_to_close_it_ends_what_it_is_asked_for() -> None:
    with BoardWorker() as worker, ThreadPoolExecutor(1) as beside:
        worker.start()
        process = process_of(worker)
        process.suspend()
        asked = beside.submit(worker.files, board_of(60), {})
        while worker._has is None:
            time.sleep(0.01)
        worker.close()
        with pytest.raises(BoardWorkerError, match="The program ends"):
            asked.result(PATIENCE_SECONDS)
        with pytest.raises(BoardWorkerError, match="The program ends"):
            worker.files(board_of(60), {})
        assert not process.is_running()


def test_says_what_went_wrong_and_goes_on(worker: BoardWorker) -> None:
    board = board_of(60)
    with pytest.raises(BoardWorkerError, match="IndexError: index 60 is out of bounds"):
        worker.files(replace(board, rows=np.arange(61) > 0), {})
    process = process_of(worker)
    assert worker.files(board, {}) == list(board_files(board, {}))
    assert process_of(worker) == process


def test_asks_again_for_votes_that_it_forgot(worker: BoardWorker) -> None:
    board = board_of(60)
    files = worker.files(board, {})
    worker.forget()
    assert worker.files(board, {}) == files
    process_of(worker).kill()
    worker.forget()


def test_ends_with_whoever_started_it() -> None:
    program = (
        "import time; from arena.board_worker import BoardWorker; worker = BoardWorker(); worker.start();"
        "print(worker._process.pid, flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        process = psutil.Process(int(parent.stdout.readline()))
        parent.kill()
    with suppress(psutil.NoSuchProcess):
        process.wait(PATIENCE_SECONDS)
    assert not process.is_running()
