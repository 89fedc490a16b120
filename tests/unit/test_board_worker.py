"""Another process makes the same files, and whatever happens to it is said and mended."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import psutil
import pytest
from structlog.testing import capture_logs

from arena import leaderboards
from arena.ballots import own_votes
from arena.board_worker import BoardWorker, BoardWorkerEnded, BoardWorkerError
from arena.boards import Board, board_files
from arena.leaderboards import boards_of, compute, snapshot_inputs
from arena.snapshots import results_digest
from ratings import style_kernels
from tests.unit.ratings.machine_code import require_numba
from tests.unit.test_large_boards import MODELS, ballots

PATIENCE_SECONDS = 30


@pytest.fixture(scope="module")
def worker() -> Iterator[BoardWorker]:
    """One for all, as it takes a second to start: whoever kills its process, or closes it, loses nothing but that."""
    with BoardWorker() as worker:
        yield worker


def board_of(rows: int) -> Board:
    return next(boards_of(own_votes(ballots(rows), MODELS)[0]))


def process_of(worker: BoardWorker) -> psutil.Process:
    (process,) = psutil.Process().children()
    assert worker._process is not None
    assert process.pid == worker._process.pid
    return process


@pytest.mark.parametrize("arranged", [True, False])
def test_makes_the_same_files(worker: BoardWorker, arranged: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if arranged:
        require_numba()
        monkeypatch.setattr(style_kernels, "WORTH_COMPILING", 0)
    monkeypatch.setattr(leaderboards, "thread_count", lambda _: 2)
    votes = own_votes(ballots(1500), MODELS)
    inputs = snapshot_inputs(votes, [])
    here = compute(votes, inputs)
    asked: list[str] = []
    files = worker.files
    monkeypatch.setattr(
        worker, "files", lambda board, models: [asked.append(board.name), *files(board, models)][1:]
    )
    assert results_digest(compute(votes, inputs, worker)) == results_digest(here)
    assert not asked, "few votes are not worth it"
    monkeypatch.setattr(leaderboards, "LARGE", 1000)
    assert results_digest(compute(votes, inputs, worker)) == results_digest(here)
    assert asked


@pytest.fixture
def killed(worker: BoardWorker, monkeypatch: pytest.MonkeyPatch) -> BoardWorker:
    """A worker whose process is killed once it is told something, and no process after that one."""
    tell = worker._tell

    def tell_and_kill(message: object) -> None:
        tell(message)
        process_of(worker).kill()
        monkeypatch.setattr(worker, "_tell", tell)

    monkeypatch.setattr(worker, "_tell", tell_and_kill)
    return worker


def test_one_that_was_killed_is_said_and_started_again(killed: BoardWorker) -> None:
    worker, board = killed, board_of(60)
    with pytest.raises(BoardWorkerEnded, match="ended with status -9, perhaps for want of memory"):
        worker.files(board, {})
    assert worker.files(board, {}) == list(board_files(board, {}))


def test_boards_of_one_that_was_killed_are_computed_here(
    killed: BoardWorker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leaderboards, "thread_count", lambda _: 2)
    monkeypatch.setattr(leaderboards, "LARGE", 0)
    votes = own_votes(ballots(100), MODELS)
    inputs = snapshot_inputs(votes, [])
    with capture_logs() as logged:
        files = compute(votes, inputs, killed)
    assert results_digest(files) == results_digest(compute(votes, inputs))
    assert [event["event"] for event in logged] == ["board_worker_lost"], "once, not for every board"


def test_one_that_cannot_be_started_is_said(worker: BoardWorker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    worker.close()
    with pytest.raises(BoardWorkerEnded, match="could not be started"):
        worker.files(board_of(60), {})


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
        os.kill(parent.pid, signal.SIGKILL)
    deadline = time.monotonic() + PATIENCE_SECONDS
    while process.is_running() and process.status() != psutil.STATUS_ZOMBIE and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
