"""SHA256SUMS: the digest of every file of a release, in the form that `sha256sum --check` reads."""

import hashlib
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from ratings.release.findings import Finding
from ratings.release.schema import CHECKSUMS, PUBLIC_KEY, SIGNATURE
from ratings.threads import in_order, thread_count

SIGNING_FILES: Final = frozenset({CHECKSUMS, SIGNATURE, PUBLIC_KEY})
_LINE: Final = re.compile(r"([0-9a-f]{64})  (.+)")


def release_files(directory: Path) -> list[str]:
    """List the files that SHA256SUMS must list, in its order.

    Files and folders at the top whose names begin with a dot are none of a release: whoever keeps it, such as a hub of
    datasets, puts his own notes there.
    """
    paths = [path.relative_to(directory) for path in directory.rglob("*") if path.is_file()]
    names = [path.as_posix() for path in paths if not path.parts[0].startswith(".")]
    return sorted(name for name in names if name not in SIGNING_FILES)


def write_checksums(directory: Path) -> None:
    """Write SHA256SUMS over the files as they are."""
    names = release_files(directory)
    digests = _digests(directory, names)
    lines = [f"{digest}  {name}\n" for name, digest in zip(names, digests, strict=True)]
    (directory / CHECKSUMS).write_text("".join(lines), encoding="utf-8")


def check_checksums(directory: Path) -> list[Finding]:
    """Find files that were altered, that are missing, and that are not listed."""
    path = directory / CHECKSUMS
    listed, findings = read_checksums(path.read_bytes() if path.is_file() else b"")
    if not path.is_file():
        findings.append(Finding(file=CHECKSUMS, what="missing: nothing says what the files should be"))
    present = set(release_files(directory))
    names = [name for name in listed if name in present]
    for name, digest in zip(names, _digests(directory, names), strict=True):
        if digest != listed[name]:
            findings.append(Finding(file=name, what=f"altered: its digest is {digest}, not {listed[name]}"))
    findings += [Finding(file=name, what="missing") for name in listed if name not in present]
    findings += [
        Finding(file=name, what=f"not listed in {CHECKSUMS}") for name in sorted(present - set(listed))
    ]
    return findings


def read_checksums(content: bytes) -> tuple[dict[str, str], list[Finding]]:
    """Digest by file as SHA256SUMS lists them, and its lines that say something else."""
    listed: dict[str, str] = {}
    findings = []
    for number, line in enumerate(content.decode("utf-8", "replace").splitlines(), start=1):
        found = _LINE.fullmatch(line)
        if found and found[2] not in listed:
            listed[found[2]] = found[1]
        else:
            why = "lists a file again" if found else "is no digest and name"
            findings.append(Finding(file=CHECKSUMS, what=f"line {number} {why}"))
    return listed, findings


def _digests(directory: Path, names: Sequence[str]) -> list[str]:
    return list(in_order(lambda name: _digest(directory / name), names, thread_count(None)))


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
