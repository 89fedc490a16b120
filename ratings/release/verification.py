"""Check a release by nothing but its files: that they are what they were, fit together, and give its leaderboards."""

import errno
import json
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from tempfile import gettempdir
from typing import Any, Final

import pyarrow as pa  # type: ignore[import-untyped]

from ratings.errors import InvalidOptionError, RatingsError
from ratings.leaderboard import METHOD_VERSION
from ratings.release import checks
from ratings.release.boards import compute_boards, digest_of, read_facts
from ratings.release.checksums import check_checksums, release_files
from ratings.release.findings import Check, Finding
from ratings.release.joins import check_joins
from ratings.release.manifest import read_manifest
from ratings.release.populations import AnyVotes, open_populations
from ratings.release.schema import MANIFEST
from ratings.release.signature import check_signature

Said = tuple[str, list[Finding]]

_READABLE: Final = frozenset({"checksums", "columns"})
_NEEDS: Final[Mapping[str, frozenset[str]]] = {
    "signature": frozenset(),
    "votes": _READABLE | {"values"},
    "leaderboards": _READABLE | {"values"},
}


def verify(directory: Path, key: Path | None = None) -> list[Finding]:
    """Check a release and list what is wrong.

    Parameters
    ----------
    directory : Path
        The release.
    key : Path, optional
        The public key, in PEM, that must have signed it; by default the one that lies in it.

    Returns
    -------
    list of Finding
        Empty where all is well.

    Raises
    ------
    UnreadableReleaseError
        If the folder is no release.
    InvalidOptionError
        If ``key`` cannot be read, or is no public key.
    """
    return [finding for check in examine(directory, key) for finding in check.findings]


def examine(
    directory: Path, key: Path | None = None, *, begins: Callable[[str], None] = lambda name: None
) -> Iterator[Check]:
    """Make the checks of `verify` one after the other; ``begins`` is told which one is next.

    Where a file was altered or is missing, what depends on it is not checked.
    """
    manifest = read_manifest(directory)
    failed: set[str] = set()
    with ExitStack() as opened:
        for name, make in _checks(directory, manifest, key, opened):
            if failed & _NEEDS.get(name, _READABLE):
                yield Check(name=name, said="", made=False)
                continue
            begins(name)
            started = time.monotonic()
            said, findings = _made(make)
            yield Check(name=name, said=said, findings=findings, seconds=time.monotonic() - started)
            if findings:
                failed.add(name)


def _checks(
    directory: Path, manifest: Mapping[str, Any], key: Path | None, opened: ExitStack
) -> Iterator[tuple[str, Callable[[], Said]]]:
    votes: dict[str, AnyVotes] = {}

    def read_votes() -> Said:
        votes.update(opened.enter_context(open_populations(directory, manifest["populations"])))
        return f"{sum(each.votes for each in votes.values()):,} on boards", [*_check_votes(manifest, votes)]

    yield "checksums", lambda: (f"{len(release_files(directory))} files", check_checksums(directory))
    yield "signature", lambda: check_signature(directory, key)
    yield "columns", lambda: ("as the format says", checks.check_columns(directory, manifest))
    yield (
        "rows",
        lambda: (f"{len(manifest['files'])} tables", checks.check_rows(directory, manifest)),
    )
    yield "values", lambda: ("labels, dates, probabilities", checks.check_values(directory, manifest))
    yield "joins", lambda: ("battles, turns, votes, models", check_joins(directory, manifest))
    yield (
        "withdrawn",
        lambda: (f"{manifest['withdrawn']:,} battles", checks.check_withdrawn(directory, manifest)),
    )
    yield "votes", read_votes
    yield (
        "leaderboards",
        lambda: (f"{len(manifest['boards'])} files", _check_boards(directory, manifest, votes)),
    )


def _made(make: Callable[[], Said]) -> Said:
    """The outcome of a check; one that what the release says of itself makes impossible is a finding, too."""
    try:
        return make()
    except InvalidOptionError:
        raise
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            return "", [_uncheckable(error)]
        what = f"The disk of {gettempdir()} is full, where votes of large releases are sorted"
        raise InvalidOptionError(f"{what}: name another folder in the variable TMPDIR.") from error
    except (
        RatingsError,
        pa.ArrowException,
        KeyError,
        TypeError,
        AttributeError,
        ValueError,
        RecursionError,
    ) as error:
        return "", [_uncheckable(error)]


def _uncheckable(error: Exception) -> Finding:
    return Finding(file=MANIFEST, what=f"cannot be checked by it: {type(error).__name__}: {error}")


def _check_votes(manifest: Mapping[str, Any], votes: Mapping[str, AnyVotes]) -> Iterator[Finding]:
    for name, found in votes.items():
        said = manifest["populations"][name]
        if found.digest != said["digest"]:
            what = f"the votes of {name!r} are others: {found.votes:,} with the digest {found.digest}; "
            what += f"{MANIFEST} says {said['votes']:,} with {said['digest']}"
            yield Finding(file=said["votes_file"], what=what)


def _check_boards(directory: Path, manifest: Mapping[str, Any], votes: dict[str, AnyVotes]) -> list[Finding]:
    if manifest["method_version"] != METHOD_VERSION:
        what = f"computed by version {manifest['method_version']} of the method; these ratings are {METHOD_VERSION}: "
        return [Finding(file=MANIFEST, what=what + "install those of the arena that made it to recompute it")]
    definitions = {each["file"]: each for each in manifest["boards"]}
    stored = {path.relative_to(directory).as_posix() for path in (directory / "leaderboard").rglob("*.json")}
    findings = [
        Finding(file=name, what=f"not listed in {MANIFEST}") for name in sorted(stored - set(definitions))
    ]
    findings += [Finding(file=name, what="missing") for name in definitions if name not in stored]
    for name, says in compute_boards(votes, [*definitions.values()], read_facts(directory)):
        if name in stored:
            findings += _compared(directory, name, says, definitions[name]["digest"])
    return findings


def _compared(directory: Path, name: str, says: dict[str, Any] | None, digest: str) -> Iterator[Finding]:
    if says is None:
        yield Finding(
            file=name, what="these votes cannot tell the effects of style, so there is no such board"
        )
        return
    stored = json.loads((directory / name).read_bytes())
    if digest_of(stored) != digest:
        yield Finding(file=name, what=f"its digest is {digest_of(stored)}; {MANIFEST} says {digest}")
    computed = digest_of(says)
    if computed != digest:
        parts = [field for field, value in says.items() if stored.get(field) != value]
        where = f" ({', '.join(parts)} differ)" if parts else ""
        yield Finding(file=name, what=f"the votes give the digest {computed}, not {digest}{where}")
