"""What the repository itself must hold: locks with hashes, no trace of a machine, files of a readable size."""

import hashlib
import os
import re
import subprocess
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
LOCKS = ("requirements.lock", "requirements-dev.lock")
LONGEST_FILE = 400
PINNED = re.compile(r"^([\w.\[\]-]+)==([^\s;]+)", re.MULTILINE)
APACHE_2_0 = "cfc7749b96f63bd31c3c42b5c471bf756814053e847c10f3eb003417bc523d30"
# Lines that would tie an installation to one index, or fetch from beside it.
INDEX_LINE = re.compile(
    r"^\s*(--(extra-)?index-url|-i\b|--find-links|-f\b|--trusted-host)|^[^#\n]*@ (https?|file):", re.MULTILINE
)
REGISTRY_HOST = re.compile(
    r"https?://[^/\s\"']*(pypi|pythonhosted|artifactory|nexus|devpi|mirror|jfrog)", re.IGNORECASE
)
MACHINE_PATH = re.compile(r"(?<![\w.$}~-])/(work|root|home/[a-z]\w*)/[\w.]")
VLLM_IMAGE_CACHE = "/root/.cache/huggingface"  # inside a container, whose account is root


def tracked_files() -> list[Path]:
    """The files of the repository, as git lists them or, in an unpacked archive, as they lie there."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode == 0:
        return [path for name in listed.stdout.split("\0") if name and (path := ROOT / name).is_file()]
    skipped = {".venv", ".venv-vllm", ".arena", ".cache", "__pycache__"}
    return [
        path for path in ROOT.rglob("*") if path.is_file() and not skipped & set(path.relative_to(ROOT).parts)
    ]


@pytest.fixture(scope="module")
def texts() -> dict[str, str]:
    """Every text file of the repository by name."""
    found = {}
    for path in tracked_files():
        content = path.read_bytes()
        if b"\0" not in content:
            found[str(path.relative_to(ROOT))] = content.decode("utf-8")
    return found


def lock_entries(text: str) -> list[str]:
    """Each requirement of a lock with all its continued lines."""
    joined = text.replace("\\\n", " ")
    return [line for line in joined.splitlines() if line.strip() and not line.lstrip().startswith("#")]


@pytest.mark.parametrize("name", LOCKS)
def test_every_lock_entry_is_pinned_and_has_a_hash(name: str) -> None:
    entries = lock_entries((ROOT / name).read_text(encoding="utf-8"))
    assert len(entries) > 20
    assert [entry for entry in entries if not re.match(r"[\w.\[\]-]+==\S+", entry)] == []
    assert [entry for entry in entries if not re.search(r"--hash=sha256:[0-9a-f]{64}", entry)] == []


def test_locks_name_no_index(texts: dict[str, str]) -> None:
    requirements = [name for name in texts if name.endswith(".lock") or "requirements" in name]
    assert set(LOCKS) <= set(requirements)
    assert [name for name in requirements if INDEX_LINE.search(texts[name])] == []


@pytest.mark.parametrize(
    "line", ["--index-url https://x", "-i https://x", "--find-links ./wheels", "a @ https://x/a.whl"]
)
def test_an_index_line_would_be_found(line: str) -> None:
    assert INDEX_LINE.search(f"numpy==2.4\n{line}\n")


def test_both_locks_agree() -> None:
    run, dev = (dict(PINNED.findall((ROOT / name).read_text(encoding="utf-8"))) for name in LOCKS)
    assert len(run) > 20
    assert {name: dev.get(name) for name in run} == run


def test_no_registry_is_named(texts: dict[str, str]) -> None:
    assert [name for name, text in texts.items() if REGISTRY_HOST.search(text)] == []


def test_no_path_of_a_machine_is_named(texts: dict[str, str]) -> None:
    searched = {name: MACHINE_PATH.search(text.replace(VLLM_IMAGE_CACHE, "")) for name, text in texts.items()}
    assert {name: match[0] for name, match in searched.items() if match} == {}


def test_what_must_not_be_named_would_be_found() -> None:
    assert MACHINE_PATH.search("see " + "/".join(["", "work", "main"]))
    assert MACHINE_PATH.search('"' + "/".join(["", "home", "ada", "arena"]))
    assert REGISTRY_HOST.search("https:" + "//pypi.example.org/simple")


@pytest.mark.parametrize("package", ["arena", "ratings"])
def test_files_stay_short(package: str) -> None:
    lengths = {
        str(path.relative_to(ROOT)): len(path.read_text(encoding="utf-8").splitlines())
        for path in (ROOT / package).rglob("*.py")
    }
    assert {name: lines for name, lines in lengths.items() if lines > LONGEST_FILE} == {}


@pytest.mark.parametrize("package", ["arena", "ratings"])
def test_no_file_is_a_drawer_for_everything(package: str) -> None:
    drawers = {"utils", "helpers", "common", "misc", "manager", "managers", "util", "helper"}
    assert [path for path in (ROOT / package).rglob("*") if path.stem.strip("_") in drawers] == []


def test_license_is_apache_2_0_to_the_letter() -> None:
    assert hashlib.sha256((ROOT / "LICENSE").read_bytes()).hexdigest() == APACHE_2_0
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert (project["license"], project["license-files"]) == ("Apache-2.0", ["LICENSE"])


def test_continuous_integration_runs_make_test() -> None:
    script = ROOT / ".ci" / "run"
    assert os.access(script, os.X_OK)
    assert script.read_text(encoding="utf-8").splitlines()[-1] == "exec make test"


def test_nothing_that_is_built_is_kept(texts: dict[str, str]) -> None:
    built = re.compile(r"(^|/)(__pycache__|\.venv|\.arena|node_modules|dist|build)/|\.(pyc|whl|so)$")
    assert [name for name in texts if built.search(name)] == []
