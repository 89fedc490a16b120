"""The key that signs releases, and the signature: Ed25519 over SHA256SUMS."""

import os
import secrets
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from arena.settings import Settings
from ratings.release.schema import CHECKSUMS, PUBLIC_KEY, SIGNATURE

KEPT_AS = "release-signing-key"


def signing_key(settings: Settings) -> Ed25519PrivateKey:
    """The key that is set, or the one made once and kept in the home folder. Raises `ValueError`."""
    path = settings.release_signing_key or settings.home / KEPT_AS
    if settings.release_signing_key is None:
        _make_once(path)
    try:
        key = load_pem_private_key(path.read_bytes(), password=None)
    except (OSError, ValueError, TypeError) as error:
        raise ValueError(f"{path} cannot be read as a private key in PEM: {error}") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise ValueError(f"{path} is no Ed25519 key. Make one: openssl genpkey -algorithm ed25519")
    return key


def _make_once(path: Path) -> None:
    """Atomically: two processes that start together end with the same key."""
    if path.exists():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    made = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    draft = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    with os.fdopen(os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as file:
        file.write(made)
    try:
        path.hardlink_to(draft)
    except FileExistsError:
        pass
    finally:
        draft.unlink()


def public_key(key: Ed25519PrivateKey) -> bytes:
    """Its public half as PEM: whoever checks releases should have it from the arena, not from the release."""
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def sign(directory: Path, key: Ed25519PrivateKey) -> None:
    """Sign the checksums, and lay the public key beside them."""
    (directory / SIGNATURE).write_bytes(key.sign((directory / CHECKSUMS).read_bytes()))
    (directory / PUBLIC_KEY).write_bytes(public_key(key))
