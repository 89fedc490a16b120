"""From the rows of a release to the whole of it: everything that can be made from its data files alone."""

import json
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq  # type: ignore[import-untyped]
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from arena.categories import Category
from arena.code_version import code_version
from arena.dataset.board_definitions import board_definitions
from arena.dataset.card import write_card
from arena.dataset.compat import compat_writer
from arena.dataset.conversations import counted_populations, read_conversations
from arena.dataset.croissant import write_croissant
from arena.dataset.preference import preference_writer
from arena.dataset.samples import write_sample
from arena.dataset.signing import sign
from arena.memory import return_freed_memory, return_smaller_pieces
from ratings.leaderboard import METHOD_VERSION
from ratings.release.boards import compute_boards, digest_of, read_facts
from ratings.release.checksums import write_checksums
from ratings.release.manifest import write_manifest
from ratings.release.populations import AnyVotes, open_populations


def finish(
    directory: Path,
    manifest: Mapping[str, Any],
    key: Ed25519PrivateKey,
    categories: Sequence[Category] = (),
    *,
    compat: bool = True,
) -> dict[str, Any]:
    """Write what follows from the data files, then the manifest, the checksums and the signature.

    `manifest` says what only the exporter knows; returned is the one that was written. The same data files, manifest
    and key give the same bytes. `compat` asks for the layouts of published releases, which hold every text once more
    for each.
    """
    return_smaller_pieces()
    return_freed_memory()
    with open_populations(directory, manifest["populations"], scratch_in=directory) as votes:
        populations, boards = _write_boards(directory, manifest["populations"], votes, categories)
    return_freed_memory()
    written = dict(manifest) | {
        "code_version": code_version(),
        "method_version": METHOD_VERSION,
        "populations": populations,
        "boards": boards,
    }
    _write_views(directory, written, compat=compat)
    written["files"] = _rows(directory)
    write_card(directory, written)
    write_croissant(directory, written)
    write_manifest(directory, written)
    write_checksums(directory)
    sign(directory, key)
    return written


def _write_boards(
    directory: Path,
    said: Mapping[str, Mapping[str, Any]],
    votes: dict[str, AnyVotes],
    categories: Sequence[Category],
) -> tuple[dict[str, dict[str, Any]], list[dict[str, Any]]]:
    """Compute every leaderboard of the votes; returns what is said of populations and boards, with their digests."""
    return_freed_memory()
    populations = {
        name: {**facts, "votes": votes[name].votes, "digest": votes[name].digest}
        for name, facts in said.items()
    }
    definitions = {each["file"]: each for each in board_definitions(populations, votes, categories)}
    (directory / "leaderboard").mkdir(exist_ok=True)
    found = []
    for name, says in compute_boards(votes, [*definitions.values()], read_facts(directory)):
        if says is not None:
            text = json.dumps(says, indent=2, ensure_ascii=False, allow_nan=False)
            (directory / name).write_text(text + "\n", encoding="utf-8")
            found.append(definitions[name] | {"digest": digest_of(says)})
        return_freed_memory()
    return populations, found


def _write_views(directory: Path, manifest: Mapping[str, Any], *, compat: bool) -> None:
    """Write the same battles as others read them, in one pass over the conversations."""
    write_sample(directory)
    populations, _ = counted_populations(manifest)
    with ExitStack() as files:
        writers = [files.enter_context(preference_writer(directory))]
        if compat:
            writers.append(files.enter_context(compat_writer(directory)))
        for said in read_conversations(directory, populations):
            for write in writers:
                write(said)
            return_freed_memory()


def _rows(directory: Path) -> dict[str, dict[str, int]]:
    """How many rows each table has."""
    return {
        path.relative_to(directory).as_posix(): {"rows": pq.read_metadata(path).num_rows}
        for path in sorted(directory.rglob("*.parquet"))
    }
