"""Start and stop real `vllm serve` processes for the canned models.

Run as a program it serves both models while a command runs, and tells the command where they are:

    python -m tests.vllm.servers pytest tests/integration/gateway
"""

import asyncio
import contextlib
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from pathlib import Path

import psutil

from tests.vllm.make_environment import CANNED_MODELS, ENVIRONMENT, MODELS, CannedModel

HEALTHY_LIMIT_SECONDS = 180.0
STOP_LIMIT_SECONDS = 20.0
LOG_LINES_SHOWN = 30

# One engine process, one thread, no compilation, a small cache: start-up and memory are what matters
# here. The context leaves room for an arena's usual limit on the length of a response.
SERVE_OPTIONS = (
    "--dtype=bfloat16",
    "--max-model-len=4096",
    "--enforce-eager",
    "--max-num-seqs=16",
    "--max-num-batched-tokens=1024",
    "--kv-cache-memory-bytes=64M",
    "--enable-request-id-headers",
)
SERVE_ENVIRONMENT = {
    "HF_HUB_OFFLINE": "1",
    "VLLM_NO_USAGE_STATS": "1",
    "DO_NOT_TRACK": "1",
    "VLLM_ENABLE_V1_MULTIPROCESSING": "0",
    "OMP_NUM_THREADS": "1",
    # The first request for logprobs would otherwise wait twenty seconds for a compiler.
    "TORCHDYNAMO_DISABLE": "1",
    "VLLM_CACHE_ROOT": str(MODELS.parent / "vllm"),
}


class ServerFailed(Exception):
    """A server did not become healthy; the message ends with the last lines of its log."""


@dataclass(kw_only=True)
class Server:
    """One running `vllm serve`, leader of its own process group; a restart gives it a new process."""

    model: CannedModel
    port: int
    command: Sequence[str]
    process: subprocess.Popen[bytes]
    log_path: Path

    @property
    def root_url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        return f"{self.root_url}/v1"

    def log_tail(self) -> str:
        lines = self.log_path.read_text(errors="replace").splitlines()
        return "\n".join(lines[-LOG_LINES_SHOWN:])


def start_server(model: CannedModel, log_folder: Path, options: Sequence[str] = ()) -> Server:
    """Start a server on a free port and return at once; it is not healthy yet."""
    port = _free_port()
    command = [str(ENVIRONMENT / "bin" / "vllm"), "serve", str(model.folder)]
    command += ["--served-model-name", model.served_name, "--host", "127.0.0.1", "--port", str(port)]
    command += [*SERVE_OPTIONS, *options]
    log_path = log_folder / f"vllm-{model.folder_name}-{port}.log"
    process = _start_process(command, log_path)
    return Server(model=model, port=port, command=command, process=process, log_path=log_path)


def restart_server(server: Server) -> None:
    """Put a new process in the place of the old one, at the same address, and wait until it is healthy."""
    stop_server(server)
    server.process = _start_process(server.command, server.log_path)
    wait_until_healthy(server)


def _start_process(command: Sequence[str], log_path: Path) -> subprocess.Popen[bytes]:
    with log_path.open("ab") as log:
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            env=os.environ | SERVE_ENVIRONMENT,
            start_new_session=True,
        )


def fetch(server: Server, path: str) -> tuple[int, str]:
    """Return the status and the text of a GET, past any proxy."""
    connection = HTTPConnection("127.0.0.1", server.port, timeout=5)
    try:
        connection.request("GET", path)
        response = connection.getresponse()
        return response.status, response.read().decode()
    finally:
        connection.close()


def health_status(server: Server) -> int | None:
    """Return the status of `GET /health`, or None while nothing answers."""
    try:
        return fetch(server, "/health")[0]
    except (OSError, HTTPException):
        return None


def wait_until_healthy(server: Server, limit_seconds: float = HEALTHY_LIMIT_SECONDS) -> None:
    """Poll until the server answers; raise ServerFailed when it exits or takes too long."""
    deadline = time.monotonic() + limit_seconds
    while health_status(server) != 200:
        if server.process.poll() is not None:
            raise ServerFailed(f"vLLM exited with status {server.process.returncode}:\n{server.log_tail()}")
        if time.monotonic() > deadline:
            raise ServerFailed(f"vLLM was not healthy after {limit_seconds:.0f} s:\n{server.log_tail()}")
        time.sleep(0.25)


def running_requests(server: Server) -> float:
    """How many requests the engine works on, by its own count."""
    lines = fetch(server, "/metrics")[1].splitlines()
    return sum(float(line.split()[-1]) for line in lines if line.startswith("vllm:num_requests_running{"))


async def becomes_true(condition: Callable[[], bool], limit_seconds: float = 5) -> bool:
    """Look again and again until the condition holds; False when it never did."""
    for _ in range(int(limit_seconds / 0.02)):
        if await asyncio.to_thread(condition):
            return True
        await asyncio.sleep(0.02)
    return False


def kill_engine(server: Server) -> None:
    """Kill the engine process as the kernel would when memory runs out; the HTTP process lives on."""
    kill_engine_below(server.process.pid)


def kill_engine_below(process_id: int) -> None:
    for child in psutil.Process(process_id).children(recursive=True):
        if "EngineCore" in child.name():
            child.kill()
            return
    raise ServerFailed(f"No engine runs below the process {process_id}.")


def is_alive(process: psutil.Process) -> bool:
    """Whether the process still does something; one that waits to be buried does not."""
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def stop_server(server: Server) -> None:
    """Interrupt the server as Ctrl-C would, then remove whatever is left of its process group."""
    if server.process.poll() is None:
        server.process.send_signal(signal.SIGINT)
        with contextlib.suppress(subprocess.TimeoutExpired):
            server.process.wait(STOP_LIMIT_SECONDS)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(server.process.pid, signal.SIGKILL)
    server.process.wait()


@contextlib.contextmanager
def running_servers(
    models: Sequence[CannedModel], log_folder: Path, options: Sequence[str] = ()
) -> Iterator[list[Server]]:
    """Serve the models side by side; yield once all are healthy, stop all on the way out."""
    with contextlib.ExitStack() as stack:
        servers = []
        for model in models:
            server = start_server(model, log_folder, options)
            stack.callback(stop_server, server)
            servers.append(server)
        for server in servers:
            wait_until_healthy(server)
        yield servers


def contract_environment(servers: Sequence[Server]) -> dict[str, str]:
    """Name the servers in the variables that the gateway's contract tests read."""
    variables = {}
    for letter, server in zip("AB", servers, strict=True):
        variables[f"ARENA_VLLM_URL_{letter}"] = server.url
        variables[f"ARENA_VLLM_MODEL_{letter}"] = server.model.served_name
    return variables


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def main(command: Sequence[str]) -> int:
    """Run the command beside both servers and return its exit status."""
    # By default a termination skips every `finally`, and the servers would live on.
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    with (
        tempfile.TemporaryDirectory(prefix="arena-vllm-") as folder,
        running_servers(CANNED_MODELS, Path(folder)) as servers,
    ):
        variables = contract_environment(servers)
        for name, value in variables.items():
            print(f"{name}={value}", flush=True)
        return subprocess.run(command, env=os.environ | variables).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]) if sys.argv[1:] else "usage: python -m tests.vllm.servers COMMAND …")
