"""A contestant's own process: `python -m benchmarks.ratings.worker CONTESTANT VOTES [--without-numba] [--once NAME]`.

It reads one request a line from its standard input and writes one reply a line, both JSON. With `--once` it does
one piece of work in a fresh process and tells its peak memory.
"""

import argparse
import gc
import importlib
import json
import os
import resource
import sys
import time
import traceback
from importlib import metadata
from pathlib import Path
from types import ModuleType
from typing import Any, TextIO

SHORTEST_ROUND_SECONDS = 0.1


def main() -> None:
    """Serve requests until the input ends."""
    parser = argparse.ArgumentParser()
    parser.add_argument("contestant")
    parser.add_argument("votes", type=Path)
    parser.add_argument("--without-numba", action="store_true")
    parser.add_argument("--once")
    options = parser.parse_args()
    replies = _take_standard_output()
    if options.without_numba:
        sys.modules["numba"] = None  # type: ignore[assignment]
    began = time.perf_counter()
    contestant = importlib.import_module(f"benchmarks.ratings.contestants.{options.contestant}")
    imported = time.perf_counter() - began

    from benchmarks.ratings.votes import Votes

    votes = Votes(options.votes)
    if options.once:
        _send(replies, {"import_seconds": imported, **_once(contestant.OPERATIONS[options.once], votes)})
        return
    if hasattr(contestant, "warm_up"):
        contestant.warm_up()
    _send(replies, {"title": _title(contestant), "note": getattr(contestant, "NOTE", "")})
    prepared: dict[Any, Any] = {}  # by what made it, so that operations on the same table share it
    for line in sys.stdin:
        request = json.loads(line)
        if "forget" in request:
            prepared.clear()
            continue
        try:
            reply = _round(contestant.OPERATIONS[request["operation"]], votes, prepared, request)
        except Exception:  # told to the parent, which goes on with the next piece of work
            reply = {"error": traceback.format_exc(limit=-3)}
        _send(replies, reply)


def _take_standard_output() -> TextIO:
    """Keep the standard output for replies; what the contestants print goes to the standard error."""
    replies = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    return replies


def _send(replies: TextIO, reply: dict[str, Any]) -> None:
    replies.write(json.dumps(reply) + "\n")
    replies.flush()


def _title(contestant: ModuleType) -> str:
    try:
        return f"{contestant.NAME} {metadata.version(contestant.NAME)}"
    except metadata.PackageNotFoundError:
        return str(contestant.NAME)


def _round(operation: Any, votes: Any, prepared: dict[Any, Any], request: dict[str, Any]) -> dict[str, Any]:
    """Time one round; short work is repeated and the mean told."""
    if operation.prepare not in prepared:
        prepared[operation.prepare] = operation.prepare(votes)
    given = prepared[operation.prepare]
    gc.collect()
    seconds, repeats = 0.0, 0
    while seconds < SHORTEST_ROUND_SECONDS and (repeats == 0 or not request["answer"]):
        began = time.perf_counter()
        result = operation.run(given)
        seconds += time.perf_counter() - began
        repeats += 1
    reply: dict[str, Any] = {"seconds": seconds / repeats}
    if request["answer"]:
        answer = operation.answer(result)
        reply["answer"] = {
            "ratings": dict(answer.ratings),
            "half_widths": dict(answer.half_widths),
            "figures": dict(answer.figures),
        }
    return reply


def _once(operation: Any, votes: Any) -> dict[str, Any]:
    prepared = operation.prepare(votes)
    gc.collect()
    before = _resident_mebibytes()
    _forget_peak()
    began = time.perf_counter()
    operation.run(prepared)
    seconds = time.perf_counter() - began
    return {"seconds": seconds, "before_mebibytes": before, "peak_mebibytes": _peak_mebibytes()}


def _forget_peak() -> None:
    """Have the system count the peak from here, so that reading the votes does not hide it (Linux only)."""
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        return


def _status(field: str) -> float | None:
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
    except OSError:
        return None
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith(field)), None)


def _peak_mebibytes() -> float:
    peak = _status("VmHWM:")
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024 if peak is None else peak


def _resident_mebibytes() -> float:
    return _status("VmRSS:") or 0.0


if __name__ == "__main__":
    main()
