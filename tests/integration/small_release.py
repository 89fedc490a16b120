"""A small release as the exporter leaves it: true data files, manifest, checksums and signature."""

import atexit
import hashlib
from functools import cache
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from arena.dataset.finish import finish
from arena.dataset.signing import sign
from arena.db import Database
from arena.records import Release, Variant
from benchmarks.synthetic_release import write_data
from ratings.release.checksums import write_checksums

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
FINGERPRINT = hashlib.sha256(KEY.public_key().public_bytes_raw()).hexdigest()[:16]
ROWS = {"battles": 40, "votes": 40, "models": 8}


@cache
def key_file() -> Path:
    """The file of that key, for settings."""
    path = Path(mkdtemp(prefix="arena-tests-key-")) / "signing-key.pem"
    path.write_bytes(KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    atexit.register(rmtree, path.parent, ignore_errors=True)
    return path


def write_release(
    directory: Path, name: str = "2026-11", *, variant: Variant = "open", cut_week: str = "2026-11-23"
) -> Path:
    """Write the release into a folder of its name."""
    path = directory / name
    path.mkdir(parents=True, exist_ok=True)
    manifest = write_data(path, battles=ROWS["battles"], models=ROWS["models"] // 2, voters=5)
    (path / "README.md").write_text(f"---\nlicense: cc-by-4.0\n---\n# Release {name}\n")
    (path / "withdrawn.txt").write_text("")
    (path / "samples").mkdir(exist_ok=True)
    (path / "samples" / "battles.jsonl").write_text('{"battle_id": "0"}\n')
    finish(path, manifest | {"name": name, "variant": variant, "cut_week": cut_week}, KEY)
    return path


def seal(path: Path) -> None:
    """Write the checksums of the files as they are, and sign them."""
    write_checksums(path)
    sign(path, KEY)


def files_of(path: Path) -> dict[str, bytes]:
    """Content by name."""
    return {
        each.relative_to(path).as_posix(): each.read_bytes() for each in path.rglob("*") if each.is_file()
    }


async def note_release(
    database: Database, name: str = "2026-11", *, variant: Variant = "open", **more: Any
) -> None:
    """The row that the exporter writes when it opens a release."""
    said: dict[str, Any] = {"key": bytes(32), "last_vote_id": 0, "last_imported_id": 0, "models": {}}
    async with database.sessions.begin() as session:
        session.add(Release(name=name, variant=variant, **said | more))
