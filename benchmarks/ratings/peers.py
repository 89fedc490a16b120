"""The peers, installed by name into an environment of their own."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ENVIRONMENT = ROOT / ".cache" / "peers"
# arena-rank comes first because it pins NumPy and JAX; the others run with what it wants.
PEERS = {
    "arena_rank": ("arena-rank==0.1.1",),
    "evalica": ("evalica==0.4.2",),
    "choix": ("choix==0.4.1",),
    "leaderbot": ("leaderbot==0.4.3",),
    # Its own requirements are those of a web server; its ratings need none of them.
    "fastchat": ("--no-deps", "fschat==0.2.36"),
}
COMMON = ("numpy", "scipy", "pandas", "pyarrow", "threadpoolctl")


def install_peers() -> dict[str, str]:
    """Install what is not there yet; return, for each peer that cannot be had, the reason."""
    reasons = {name: install(name, arguments) for name, arguments in PEERS.items()}
    return {name: reason for name, reason in reasons.items() if reason}


def python() -> Path:
    """The peers' interpreter."""
    return ENVIRONMENT / "bin" / "python"


def install(name: str, arguments: tuple[str, ...]) -> str:
    """Install one thing unless it is there; return why it cannot be had, or nothing."""
    if not python().exists():
        subprocess.run([sys.executable, "-m", "venv", ENVIRONMENT], check=True)
    stamp = ENVIRONMENT / f"{name}.installed"
    wanted = " ".join(arguments)
    if stamp.exists() and stamp.read_text() == wanted:
        return ""
    for wishes in (arguments, COMMON):
        command = [str(python()), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *wishes]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            lines: list[str] = done.stderr.strip().splitlines()
            return lines[-1] if lines else "pip failed"
    stamp.write_text(wanted)
    return ""
