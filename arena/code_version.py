"""Which program computed something: its version, and a digest of its sources.

The version is raised by hand; what is computed must not depend on whether somebody remembered to.
"""

from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Final

import ratings
from arena import __version__

PACKAGES: Final = tuple(Path(package).resolve().parent for package in (__file__, ratings.__file__))
DIGITS: Final = 12


def sources_digest(packages: tuple[Path, ...]) -> str:
    """SHA-256 of the modules of some packages, wherever they lie and however their lines end.

    Migrations are left out: they lie beside a package in a clone, and inside it where it is installed.
    """
    digest = sha256()
    for name, path in sorted(_modules(packages)):
        source = path.read_bytes().replace(b"\r\n", b"\n")
        digest.update(f"{name} {len(source)}\n".encode() + source)
    return digest.hexdigest()


def _modules(packages: tuple[Path, ...]) -> Iterator[tuple[str, Path]]:
    for package in packages:
        for path in package.rglob("*.py"):
            name = path.relative_to(package.parent)
            if "migrations" not in name.parts:
                yield name.as_posix(), path


# At once: the files may be replaced while the program runs.
_CODE_VERSION: Final = f"{__version__}+{sources_digest(PACKAGES)[:DIGITS]}"


def code_version() -> str:
    """Such as `0.1.0+3f9a1c0b7d2e`: another one as soon as any module of `arena` or `ratings` is."""
    return _CODE_VERSION
