"""Checking a release of a million votes beside `sha256sum --check`, which reads every file once and no more.

Making the release is measured, too: once, and for a remark.
"""

import os
import resource
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from arena.dataset.finish import finish
from benchmarks.comparison import Comparison, Findings, Remark
from benchmarks.processes import open_directory
from benchmarks.synthetic_release import write_data

ROOT = Path(__file__).resolve().parents[1]
VOTES = 1_000_000
MODELS = 100
VOTERS = 100_000
CHARACTERS = 600
GOAL_SECONDS = 60


def measure(rounds: int) -> Findings:
    """Both in turns, in processes of their own."""
    with open_directory() as folder:
        release = folder / "2026-11"
        made = _make(release)
        times, peer, memory = [], [], []
        for _ in range(rounds):
            seconds, mebibytes = run_alone([sys.executable, "-m", "ratings", "verify", str(release)], ROOT)
            times.append(seconds)
            memory.append(mebibytes)
            peer.append(run_alone(["sha256sum", "--check", "--quiet", "SHA256SUMS"], release)[0])
    comparison = Comparison(
        benchmark="verify",
        what=f"a release of {VOTES:,} votes checked",
        unit="s",
        ours=tuple(times),
        peer=tuple(peer),
        peer_name="sha256sum --check",
    )
    said = f"the goal is {GOAL_SECONDS} s on two cores; peak memory {max(memory):,.0f} MiB"
    return Findings(
        comparisons=[comparison],
        remarks=[Remark(benchmark="verify", text=text) for text in (made, said)],
    )


def _make(release: Path) -> str:
    """Write the release in a process of its own, so that its memory is not counted here."""
    command = [sys.executable, "-m", "benchmarks.verify", str(release)]
    return subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout.strip()


def run_alone(command: Sequence[str], folder: Path) -> tuple[float, float]:
    """Seconds and peak mebibytes of a program."""
    started = time.monotonic()
    process = subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)
    return time.monotonic() - started, used.ru_maxrss / 1024


def _write(release: Path) -> None:
    manifest = write_data(release, battles=VOTES, models=MODELS, voters=VOTERS, characters=CHARACTERS)
    before = _peak()
    started = time.monotonic()
    finish(release, manifest, Ed25519PrivateKey.generate())
    size = sum(path.stat().st_size for path in release.rglob("*") if path.is_file())
    data = sum(path.stat().st_size for path in (release / "data").iterdir())
    print(
        f"all that follows from {data / 1e6:,.0f} MB of data files, {size / 1e6:,.0f} MB in all: "
        f"{time.monotonic() - started:.0f} s, peak memory {_peak():,.0f} MiB, {before:,.0f} before"
    )


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    _write(Path(sys.argv[1]))
