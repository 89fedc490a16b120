"""release.json: what a release says of itself."""

import json
from collections.abc import Mapping
from itertools import takewhile
from pathlib import Path
from typing import Any, Final

from ratings.errors import RatingsError
from ratings.release.schema import FORMAT, MANIFEST
from ratings.release.tables import numbered_names

_NEEDED: Final[Mapping[str, type]] = {
    "name": str,
    "variant": str,
    "title": str,
    "files": dict,
    "populations": dict,
    "boards": list,
    "withheld": dict,
    "withdrawn": int,
    "method_version": str,
    "changes": list,
}


class UnreadableReleaseError(RatingsError):
    """The folder is no release, or one of a format that this version does not know."""


def read_manifest(directory: Path) -> dict[str, Any]:
    """Read what the release says of itself.

    Raises
    ------
    UnreadableReleaseError
        If the folder holds no release, or of a format that is not known here.
    """
    path = directory / MANIFEST
    if not directory.is_dir():
        raise UnreadableReleaseError(f"{directory} is no folder: name the folder that holds {MANIFEST}.")
    if not path.is_file():
        raise UnreadableReleaseError(
            f"{directory} holds no {MANIFEST}, so it is no release: name the folder with it."
        )
    try:
        manifest = json.loads(path.read_bytes())
    except (ValueError, RecursionError) as error:
        raise UnreadableReleaseError(f"{path} is no JSON: {error}") from error
    if not isinstance(manifest, dict) or manifest.get("format") != FORMAT:
        found = manifest.get("format") if isinstance(manifest, dict) else None
        raise UnreadableReleaseError(
            f"{path} is of the format {found!r}; this version of ratings reads {FORMAT!r}."
        )
    wrong = [name for name, kind in _NEEDED.items() if not isinstance(manifest.get(name), kind)]
    if wrong:
        raise UnreadableReleaseError(f"{path} lacks {', '.join(wrong)}, or has something else in its place.")
    return manifest


def write_manifest(directory: Path, manifest: Mapping[str, Any]) -> None:
    """Write it with sorted keys, so that the same release is the same bytes."""
    text = json.dumps(manifest, indent=2, sort_keys=True, ensure_ascii=False, allow_nan=False)
    (directory / MANIFEST).write_text(text + "\n", encoding="utf-8")


def rows_in(manifest: Mapping[str, Any], table: str) -> int:
    """How many rows a table has, in all of its files together; `table` is the first of them."""
    files = manifest["files"]
    return sum(files[name]["rows"] for name in takewhile(files.__contains__, numbered_names(table)))
