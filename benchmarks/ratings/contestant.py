"""A contestant as the benchmark sees it: a process that is asked for rounds."""

import json
import os
import selectors
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from benchmarks.ratings.operation import Answer
from benchmarks.ratings.peers import ROOT, python

START_SECONDS = 300.0


class ContestantError(Exception):
    """A contestant failed or took too long; the message is for the report."""


@dataclass(frozen=True, kw_only=True)
class Round:
    """Seconds of one round, and what was found where it was asked for."""

    seconds: float
    answer: Answer | None


@dataclass(frozen=True, kw_only=True)
class FirstRun:
    """One piece of work in a fresh process, compiled code not kept from before."""

    seconds: float
    peak_mebibytes: float


class Contestant:
    """A running worker; leave the block to end it."""

    def __init__(self, name: str, votes: Path) -> None:
        self.name = name
        self._complaints = tempfile.TemporaryFile()  # noqa: SIM115 (closed with the process)
        self._process = subprocess.Popen(
            _command(name, votes),
            cwd=ROOT,
            env=_environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._complaints,
        )
        greeting = self._reply(START_SECONDS)
        self.title: str = greeting["title"]
        self.note: str = greeting["note"]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.kill()
        self._process.wait()
        self._complaints.close()

    def round(self, operation: str, *, answer: bool = False, patience: float) -> Round:
        """Have one round of an operation timed."""
        self._send({"operation": operation, "answer": answer})
        reply = self._reply(patience)
        if "error" in reply:
            raise ContestantError(f"{self.name}, {operation}: {reply['error'].strip().splitlines()[-1]}")
        return Round(
            seconds=reply["seconds"], answer=Answer(**reply["answer"]) if "answer" in reply else None
        )

    def forget(self) -> None:
        """Let go of the tables made for the last operations."""
        if self._process.poll() is None:
            self._send({"forget": True})

    def _send(self, request: Mapping[str, Any]) -> None:
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps(request).encode() + b"\n")
            self._process.stdin.flush()
        except BrokenPipeError as error:
            raise ContestantError(f"{self.name} has ended") from error

    def _reply(self, patience: float) -> dict[str, Any]:
        assert self._process.stdout is not None
        with selectors.DefaultSelector() as selector:
            selector.register(self._process.stdout, selectors.EVENT_READ)
            if not selector.select(patience):
                self._process.kill()
                raise ContestantError(f"{self.name} did not answer within {patience:.0f} s")
        line = self._process.stdout.readline()
        if not line:
            self._complaints.seek(0)
            said = self._complaints.read().decode(errors="replace").strip().splitlines() or ["no word"]
            raise ContestantError(f"{self.name} ended: {said[-1]}")
        reply: dict[str, Any] = json.loads(line)
        return reply


def run_once(name: str, votes: Path, operation: str, *, patience: float) -> FirstRun:
    """Do one piece of work in a fresh process with empty caches of compiled code."""
    with tempfile.TemporaryDirectory(prefix="arena-benchmarks-") as directory:
        environment = _environment({"NUMBA_CACHE_DIR": directory})
        try:
            done = subprocess.run(
                [*_command(name, votes), "--once", operation],
                cwd=ROOT,
                env=environment,
                capture_output=True,
                text=True,
                check=False,
                timeout=patience,
            )
        except subprocess.TimeoutExpired as error:
            raise ContestantError(f"{name}, {operation}: not finished within {patience:.0f} s") from error
    if done.returncode:
        raise ContestantError(f"{name}, {operation}: {(done.stderr.strip().splitlines() or ['failed'])[-1]}")
    reply = json.loads(done.stdout)
    return FirstRun(
        seconds=reply["import_seconds"] + reply["seconds"], peak_mebibytes=reply["peak_mebibytes"]
    )


def _command(name: str, votes: Path) -> Sequence[str | Path]:
    """Ours runs in this environment, under two names; the peers in theirs."""
    ours = {"ours": [], "ours without numba": ["--without-numba"]}
    interpreter = sys.executable if name in ours else python()
    module = "ours" if name in ours else name
    return [interpreter, "-m", "benchmarks.ratings.worker", module, votes, *ours.get(name, [])]


def _environment(more: Mapping[str, str] | None = None) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT), **(more or {})}
