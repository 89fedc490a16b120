"""A small release as the exporter leaves it: true data files, manifest, checksums and signature."""

import hashlib
import json
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from arena.db import Database
from arena.records import Release, Variant
from benchmarks.synthetic_release import write_data

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
FINGERPRINT = hashlib.sha256(KEY.public_key().public_bytes_raw()).hexdigest()[:16]
ROWS = {"battles": 40, "votes": 40, "models": 8}


def write_release(
    directory: Path, name: str = "2026-11", *, variant: Variant = "open", cut_week: str = "2026-11-23"
) -> Path:
    """Write the release into a folder of its name."""
    import pyarrow.parquet as pq  # type: ignore[import-untyped]

    path = directory / name
    path.mkdir(parents=True, exist_ok=True)
    manifest = write_data(path, battles=ROWS["battles"], models=ROWS["models"] // 2, voters=5)
    files = {
        each.relative_to(path).as_posix(): {"rows": pq.read_metadata(each).num_rows}
        for each in sorted(path.rglob("*.parquet"))
    }
    manifest |= {"name": name, "variant": variant, "cut_week": cut_week, "files": files}
    (path / "README.md").write_text(f"---\nlicense: cc-by-4.0\n---\n# Release {name}\n")
    (path / "withdrawn.txt").write_text("")
    (path / "samples").mkdir(exist_ok=True)
    (path / "samples" / "battles.jsonl").write_text('{"battle_id": "0"}\n')
    (path / "release.json").write_text(json.dumps(manifest, indent=2, sort_keys=True))
    seal(path)
    return path


def seal(path: Path) -> None:
    """Write the checksums of the files as they are, and sign them."""
    signing = {"SHA256SUMS", "SHA256SUMS.sig", "signing-key.pub"}
    names = sorted(each.relative_to(path).as_posix() for each in path.rglob("*") if each.is_file())
    digests = {name: _digest(path / name) for name in names if name not in signing}
    sums = "".join(f"{digest}  {name}\n" for name, digest in digests.items()).encode()
    (path / "SHA256SUMS").write_bytes(sums)
    (path / "SHA256SUMS.sig").write_bytes(KEY.sign(sums))
    public = KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    (path / "signing-key.pub").write_bytes(public)


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


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
