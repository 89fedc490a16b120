"""The signature of a release: Ed25519 over SHA256SUMS, and so over every file."""

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

from ratings.errors import InvalidOptionError
from ratings.release.findings import Finding
from ratings.release.schema import CHECKSUMS, PUBLIC_KEY, SIGNATURE

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

MISSING = (
    "not checked: this needs the package cryptography. Install it with pip install cryptography, or check it with "
    f"openssl pkeyutl -verify -pubin -inkey {PUBLIC_KEY} -rawin -in {CHECKSUMS} -sigfile {SIGNATURE}"
)


def check_signature(directory: Path, key: Path | None = None) -> tuple[str, list[Finding]]:
    """Check the signature by the key that lies beside it, or by the one that the caller trusts.

    Parameters
    ----------
    directory : Path
    key : Path, optional
        A public key as PEM. The key inside the release shows that the files belong together; whose they are shows
        only a key that came another way.

    Returns
    -------
    tuple of str and list of Finding
        Which key it was, and what is wrong.

    Raises
    ------
    InvalidOptionError
        If ``key`` cannot be read, or is no public key of the kind that signs releases.
    """
    absent = [
        name
        for name in (CHECKSUMS, SIGNATURE, *([] if key else [PUBLIC_KEY]))
        if not (directory / name).is_file()
    ]
    if absent:
        return "", [Finding(file=name, what="missing: the release is not signed") for name in absent]
    try:
        from cryptography.exceptions import InvalidSignature
    except ImportError:
        return "", [Finding(file=SIGNATURE, what=MISSING)]
    try:
        public = _read_key(key or directory / PUBLIC_KEY)
    except OSError as error:
        if key:
            raise InvalidOptionError(f"{key} cannot be read as a public key: {error.strerror}.") from error
        return "", [Finding(file=PUBLIC_KEY, what=f"cannot be read: {error.strerror}")]
    except ValueError as error:
        if key:
            raise InvalidOptionError(f"{key} is no Ed25519 public key in PEM: {error}.") from error
        return "", [Finding(file=PUBLIC_KEY, what=f"no Ed25519 public key in PEM: {error}")]
    said = f"key {fingerprint(public)}"
    try:
        public.verify((directory / SIGNATURE).read_bytes(), (directory / CHECKSUMS).read_bytes())
    except InvalidSignature:
        return said, [Finding(file=SIGNATURE, what=f"not the signature of {CHECKSUMS} by the {said}")]
    return said, _check_written_key(directory / PUBLIC_KEY, public)


def _check_written_key(path: Path, key: "Ed25519PublicKey") -> list[Finding]:
    """No signature covers the key's file, and readers of PEM forgive what stands around the key."""
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    if not path.is_file() or path.read_bytes() == key.public_bytes(
        Encoding.PEM, PublicFormat.SubjectPublicKeyInfo
    ):
        return []
    return [Finding(file=PUBLIC_KEY, what=f"altered: not the key {fingerprint(key)} as PEM is written")]


def _read_key(path: Path) -> "Ed25519PublicKey":
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    try:
        key = load_pem_public_key(path.read_bytes())
    except (ValueError, UnsupportedAlgorithm) as error:  # in words of the library
        raise ValueError("it holds none that can be read") from error
    if not isinstance(key, Ed25519PublicKey):
        raise ValueError(f"it is a key of another kind, {type(key).__name__}")
    return key


def fingerprint(key: "Ed25519PublicKey") -> str:
    """Name a key by the first 16 hexadecimal digits of the SHA-256 of its 32 bytes."""
    return hashlib.sha256(key.public_bytes_raw()).hexdigest()[:16]
