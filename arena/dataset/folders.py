"""The folder of a release: what may be written over, what an interrupted export left, and how it is put in place."""

import os
import shutil
from pathlib import Path
from typing import Any, Final

import orjson

from arena.code_version import code_version
from arena.dataset.parts import LAYOUT
from arena.errors import FolderTaken
from arena.records import Release, Variant
from ratings.release.schema import CHECKSUMS, MANIFEST, PUBLIC_KEY, SIGNATURE

UNFINISHED: Final = ".unfinished"
PARTS, SPLITS, FILES, STANDING = "parts", "splits", "release", "export.json"


class Folder:
    """Where a release goes, and beside it, until it is whole, what an export has done so far."""

    def __init__(self, path: Path, release: Release, least_group: int) -> None:
        self.path = path
        self._unfinished = path / UNFINISHED
        self.parts = self._unfinished / PARTS
        self.splits = self._unfinished / SPLITS
        self.files = self._unfinished / FILES
        self._standing = {
            "release": release.name,
            "variant": release.variant,
            "opened_at": release.opened_at.isoformat(),
            "code_version": code_version(),
            "layout": LAYOUT,
            "least_group": least_group,
        }

    def begin(self) -> None:
        """Keep the parts of an interrupted export; what another version or other settings began is thrown away."""
        if _read(self._unfinished / STANDING) != self._standing:
            if self._unfinished.exists():
                self.discard()
            self._unfinished.mkdir(parents=True)
            draft = self._unfinished / f"{STANDING}.half"
            draft.write_bytes(orjson.dumps(self._standing))
            draft.rename(self._unfinished / STANDING)
        # The files cannot be gone on with, only the parts that they are made of.
        shutil.rmtree(self.files, ignore_errors=True)
        (self.files / "data").mkdir(parents=True)

    def put_in_place(self) -> None:
        """Let the finished files stand where those of an earlier export stood."""
        # What says that this is a release goes first and comes last.
        (self.path / MANIFEST).unlink(missing_ok=True)
        # What others keep beside it, such as a repository's own folder, stays.
        for name in {*_listed(self.path), *(entry.name for entry in self.files.iterdir())}:
            entry = self.path / name
            shutil.rmtree(entry) if entry.is_dir() else entry.unlink(missing_ok=True)
        for entry in sorted(self.files.iterdir(), key=lambda entry: entry.name == MANIFEST):
            _put(entry, self.path / entry.name)
        self.discard()

    def discard(self) -> None:
        """Throw away what an export has done so far; first what says that its parts are whole."""
        (self._unfinished / STANDING).unlink(missing_ok=True)
        shutil.rmtree(self._unfinished)


def prepare_folder(path: Path, name: str, variant: Variant, public_key: bytes) -> None:
    """Raise `FolderTaken` unless the folder is new, empty, or of this release of this arena, and can be written."""
    try:
        if path.exists():
            _check(path, name, variant, public_key)
        _try_to_make(path / UNFINISHED)
    except OSError as error:
        raise FolderTaken(
            f"{path} cannot be written: {error.strerror or error}. Name another folder."
        ) from error


def _try_to_make(folder: Path) -> None:
    """Raise if the folder cannot be made; what was made goes again, since the export may still be refused."""
    missing = [each for each in (folder, *folder.parents) if not each.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    for each in missing:
        each.rmdir()


def _check(path: Path, name: str, variant: Variant, public_key: bytes) -> None:
    if not path.is_dir():
        raise FolderTaken(f"{path} is a file. Name a folder that is empty or does not exist yet.")
    begun, finished = _read(path / UNFINISHED / STANDING), _read(path / MANIFEST)
    for said in (begun and {**begun, "name": begun["release"]}, finished):
        if said is not None and (said.get("name"), said.get("variant")) != (name, variant):
            raise FolderTaken(
                f"{path} holds the release {said.get('name')!r}. Give each release a folder of its own."
            )
    signed_by = path / PUBLIC_KEY
    if signed_by.exists() and signed_by.read_bytes() != public_key:
        raise FolderTaken(
            f"{path} holds a release {name!r} that another key signed, of another arena perhaps. Export to another "
            "folder, or delete this one first if it is yours."
        )
    others = any(entry.name != UNFINISHED for entry in path.iterdir())
    if begun is None and finished is None and others:
        raise FolderTaken(
            f"{path} holds something that is no release. Give an empty folder, or one that does not exist yet."
        )


def _listed(path: Path) -> set[str]:
    """The files and folders at the top of an earlier export."""
    try:
        lines = (path / CHECKSUMS).read_text(encoding="utf-8").splitlines()
    except OSError:
        return set()
    files = {line.partition("  ")[2].partition("/")[0] for line in lines}
    return {CHECKSUMS, SIGNATURE, PUBLIC_KEY, *files} - {"", ".", "..", UNFINISHED}


def _put(entry: Path, place: Path) -> None:
    os.replace(entry, place)


def _read(path: Path) -> dict[str, Any] | None:
    try:
        said = orjson.loads(path.read_bytes())
    except (OSError, ValueError):
        return None
    return said if isinstance(said, dict) else None
