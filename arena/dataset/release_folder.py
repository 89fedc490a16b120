"""A finished release in its folder, as it is published: what it says of itself, its files in the order of upload."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Final

import orjson
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from arena.errors import PublishRefused
from ratings.release import checksums
from ratings.release.schema import CHECKSUMS, FORMAT, MANIFEST, PUBLIC_KEY, SIGNATURE

FINGERPRINT_DIGITS: Final = 16


@dataclass(frozen=True, kw_only=True)
class ReleaseFolder:
    """A release that may be published."""

    path: Path
    name: str
    manifest: Mapping[str, Any]
    digests: Mapping[
        str, str
    ]  # of every file, in the order of upload: what says that all is there comes last

    @property
    def digest(self) -> str:
        """The digest of SHA256SUMS, and so of everything."""
        return self.digests[CHECKSUMS]

    def size(self, file: str) -> int:
        """Bytes of a file."""
        return (self.path / file).stat().st_size

    def facts(self) -> dict[str, Any]:
        """What is told of a published release, by what its own files say."""
        rows = self.manifest["files"]
        copied = ("title", "cut_week", "license", "withheld", "withdrawn")
        return {
            **{name: self.manifest[name] for name in copied},
            "files": {file: {"bytes": self.size(file), **rows.get(file, {})} for file in self.digests},
            "signed_by": self._signed_by(),
        }

    def _signed_by(self) -> str | None:
        if PUBLIC_KEY not in self.digests:
            return None
        try:
            key = load_pem_public_key((self.path / PUBLIC_KEY).read_bytes())
        except (ValueError, UnsupportedAlgorithm) as error:
            raise PublishRefused(f"{self.path / PUBLIC_KEY} is no public key in PEM: {error}") from error
        if not isinstance(key, Ed25519PublicKey):
            raise PublishRefused(f"{self.path / PUBLIC_KEY} is no Ed25519 key.")
        return hashlib.sha256(key.public_bytes_raw()).hexdigest()[:FINGERPRINT_DIGITS]


def read_release_folder(path: Path) -> ReleaseFolder:
    """Read and check every file. Raises `PublishRefused` for anything but a whole release of the open variant."""
    manifest = _manifest(path)
    if manifest.get("variant") != "open":
        raise PublishRefused(
            f"{path} holds the variant {manifest.get('variant')!r}, which is for the operator alone. "
            "Only releases of the variant 'open' are published."
        )
    sums = _read(path / CHECKSUMS)
    listed = read_checksums(sums)
    wrong = [file for file, digest in listed.items() if digest_of_file(path / file) != digest]
    wrong += [] if MANIFEST in listed else [MANIFEST]
    if wrong:
        raise PublishRefused(
            f"{path} is not as {CHECKSUMS} says: {', '.join(wrong[:10])}. Export the release again."
        )
    signing = {file: digest_of_file(path / file) for file in (PUBLIC_KEY, SIGNATURE)}
    digests = {**listed, **{file: digest for file, digest in signing.items() if digest}}
    digests[CHECKSUMS] = hashlib.sha256(sums).hexdigest()
    return ReleaseFolder(path=path, name=manifest["name"], manifest=manifest, digests=digests)


def read_checksums(content: bytes) -> dict[str, str]:
    """Digest by file, as SHA256SUMS lists them. Raises `PublishRefused` for a line that names no file inside."""
    listed, findings = checksums.read_checksums(content)
    outside = [
        f"{CHECKSUMS}: it lists {file!r}, outside of the release" for file in listed if not _is_inside(file)
    ]
    if wrong := [*map(str, findings), *outside]:
        raise PublishRefused(f"{wrong[0]}. Export the release again.")
    return listed


def digest_of_file(path: Path) -> str | None:
    """The digest of a file; None where there is none, or a link."""
    if path.is_symlink() or not path.is_file():
        return None
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _manifest(path: Path) -> dict[str, Any]:
    try:
        manifest = orjson.loads(_read(path / MANIFEST))
    except orjson.JSONDecodeError as error:
        raise PublishRefused(f"{path / MANIFEST} is no JSON: {error}") from error
    if not isinstance(manifest, dict) or manifest.get("format") != FORMAT:
        raise PublishRefused(f"{path} is no release of the format {FORMAT!r}.")
    return manifest


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise PublishRefused(f"{path.parent} is no finished release: {path.name} cannot be read.") from error


def _is_inside(file: str) -> bool:
    path = PurePosixPath(file)
    return str(path) == file and not path.is_absolute() and ".." not in path.parts and "\\" not in file
