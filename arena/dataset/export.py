"""Export a release: votes → parts → files → folder. Killed at any moment, it goes on where it was."""

from collections.abc import Mapping, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import psycopg
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from arena.categories import Category
from arena.dataset.board_votes import write_boards
from arena.dataset.checks import Fault
from arena.dataset.describing import changes_text, manifest_of, models_table
from arena.dataset.finish import finish
from arena.dataset.folders import Folder, prepare_folder
from arena.dataset.parts import Parts
from arena.dataset.progress import progress_bar
from arena.dataset.reading import drop_changed, read_parts
from arena.dataset.redaction import Privacy, planted_recall
from arena.dataset.releases import open_release
from arena.dataset.rows import Rows, open_connections
from arena.dataset.shaping import Shaper
from arena.dataset.signing import public_key, sign, signing_key
from arena.dataset.whole import frequent_prompts, kept_languages
from arena.dataset.withholding import votes_by_reason, withdrawn_battles, withheld_votes
from arena.dataset.writing import write_battles
from arena.db import Database, conninfo_of
from arena.errors import ReleaseClosed, ReleaseInvalid, Unavailable
from arena.memory import return_freed_memory
from arena.records import Release, Variant
from arena.settings import Settings
from arena.tables import Ballot, Snapshot
from arena.taggers import Tagger, tag_votes
from arena.voters import Signer
from ratings.release.checksums import write_checksums
from ratings.release.manifest import write_manifest
from ratings.release.schema import MODELS, WITHHELD
from ratings.release.tables import TableWriter

SEEN_FAULTS: Final = 10
# So many votes are left out without a word where a model answered nothing, whichever is more: a few odd answers must
# not stop a release, of a small arena either.
UNFIT_SHARE: Final = 0.01
UNFIT_VOTES: Final = 10


@dataclass(frozen=True, kw_only=True)
class Options:
    """How a release is exported."""

    boards: bool = True  # with the votes of imported boards
    compat: bool = True  # with every text once more in each of the layouts of published releases
    leave_out_bad: bool = False
    categories: Sequence[Category] = ()  # the operator's own


async def export_release(
    database: Database, settings: Settings, tagger: Tagger, privacy: Privacy, directory: Path, name: str,
    variant: Variant, options: Options,
) -> dict[str, Any]:  # fmt: skip
    """Write the release into its folder, opened now if there is none of this name; returns its manifest."""
    async with database.locked("export") as ours:
        if not ours:
            raise Unavailable(
                "Another process is exporting a release right now. Export again when it is done."
            )
        prepare_folder(directory, name, variant, public_key(signing_key(settings)))
        async with database.sessions.begin() as session:
            release = await open_release(session, name, variant)
            before = await _changes_before(session, release)
        await _tag_all(database, tagger)
        folder = Folder(directory, release, _least_group(release, settings))
        export = _Export(release, settings, privacy, folder, options)
        with open_connections(conninfo_of(database.url)) as connections:
            manifest = export.run(connections, before)
        manifest = finish(
            folder.files, manifest, signing_key(settings), options.categories, compat=options.compat
        )
        if variant == "audit":
            manifest = await _with_snapshot(database, folder.files, manifest, signing_key(settings))
        async with database.sessions.begin() as session:
            await _put_in_place(session, folder, manifest)
        return manifest


async def _put_in_place(session: AsyncSession, folder: Folder, manifest: dict[str, Any]) -> None:
    """Whoever closes the release meanwhile waits for the files, or has them thrown away."""
    release = await session.get_one(Release, manifest["name"], with_for_update=True)
    if release.state == "closed":
        folder.discard()
        raise ReleaseClosed(
            f"The release {release.name!r} was closed while it was exported. What was written of it is thrown away."
        )
    folder.put_in_place()
    release.manifest = manifest


async def _changes_before(session: AsyncSession, release: Release) -> list[Any]:
    """What the release before this one said of changes; the same at every export of this one."""
    if release.manifest is not None:
        return list(release.manifest["changes"][1:])
    query = select(Release.manifest).where(
        Release.variant == release.variant,
        Release.opened_at < release.opened_at,
        Release.manifest.is_not(None),
    )
    manifest = await session.scalar(query.order_by(Release.opened_at.desc()).limit(1))
    return list(manifest["changes"]) if manifest else []


async def _with_snapshot(
    database: Database, files: Path, manifest: Mapping[str, Any], key: Ed25519PrivateKey
) -> dict[str, Any]:
    """An audit of the very votes that the newest snapshot is of says which one that is."""
    async with database.sessions() as session:
        newest = await session.scalar(select(Snapshot).order_by(Snapshot.sequence.desc()).limit(1))
    if newest is None:
        return dict(manifest)
    here = manifest["populations"]
    for name, said in newest.inputs["populations"].items():
        if here[name]["digest"] != said["digest"] if name in here else said["votes"]:
            return dict(manifest)
    found = {**manifest, "snapshot": {"id": newest.id, "results_digest": newest.results_digest}}
    write_manifest(files, found)
    write_checksums(files)
    sign(files, key)
    return found


async def _tag_all(database: Database, tagger: Tagger) -> None:
    async with database.sessions() as session:
        waiting = Ballot.rules.is_(None) | (Ballot.rules != tagger.version)
        total = await session.scalar(select(func.count()).select_from(Ballot).where(waiting)) or 0
    with progress_bar("tagging battles") as show:
        done = 0
        for again in (False, True):
            while tagged := await tag_votes(database, tagger, again=again):
                done += tagged
                show(min(done / max(total, 1), 1))


def _votes(connection: psycopg.Connection[Any], release: Release) -> int:
    query = "SELECT count(*) FROM vote WHERE id <= %s"
    (votes,) = connection.execute(query, [release.last_vote_id]).fetchone() or (0,)
    return int(votes)


def _least_group(release: Release, settings: Settings) -> int:
    if release.state == "imported" and release.manifest:
        return int(release.manifest["privacy"]["least_group"])
    return settings.release_least_group


class _Export:
    """One export, from a connection to finished files."""

    def __init__(
        self, release: Release, settings: Settings, privacy: Privacy, folder: Folder, options: Options
    ) -> None:
        self._release = release
        self._settings = settings
        self._folder = folder
        self._options = options
        self._arena = Signer(settings.secret())
        key = Signer(release.key.hex()) if release.key is not None else None
        self._finds = privacy
        self._shaper = Shaper(self._arena, key, release.models, privacy)
        self._least_group = _least_group(release, settings)
        self._recall: dict[str, float] = {}

    def run(self, connections: Sequence[psycopg.Connection[Any]], before: Sequence[Any]) -> dict[str, Any]:
        # What the server counts, and what no vote is needed for, is done beside the rest.
        with ThreadPoolExecutor(2) as beside:
            return self._run(connections, before, beside)

    def _run(
        self, connections: Sequence[psycopg.Connection[Any]], before: Sequence[Any], beside: Executor
    ) -> dict[str, Any]:
        release, files, (counting, *readers) = self._release, self._folder.files, connections
        recall = beside.submit(planted_recall)
        counted = beside.submit(frequent_prompts, counting, release, self._shaper)
        self._folder.begin()
        parts = Parts(self._folder.parts)
        self._read(readers, parts)
        return_freed_memory()
        self._recall = recall.result()
        frequent = counted.result()
        faults = self._checked(counting, parts.faults())
        languages, folded = None, 0
        if release.variant == "open":
            languages, folded = kept_languages(parts, self._least_group)
        left_out = len({fault.vote_id for fault in faults})
        withheld_later = beside.submit(withheld_votes, counting, release, self._least_group, left_out)
        with progress_bar("writing files") as show:
            written = write_battles(
                parts, files / "data", beside=self._folder.splits, languages=languages, frequent=frequent,
                left_out=frozenset(fault.vote_id for fault in faults), advance=show,
            )  # fmt: skip
        withheld = withheld_later.result()
        withdrawn = withdrawn_battles(counting, self._arena, release.withdrawn)
        boards = (
            write_boards(counting, release, files, self._arena, self._finds) if self._options.boards else []
        )
        tables = {
            "models": (MODELS, models_table(release.models, written.models)),
            "withheld": (WITHHELD, withheld),
        }
        for name, (schema, table) in tables.items():
            with TableWriter(files / "data" / f"{name}.parquet", schema) as writer:
                writer.write(table)
            written.rows[f"data/{name}.parquet"] = table.num_rows
        written.rows |= {f"boards/{each.name}.parquet": votes for each, votes in boards}
        manifest = manifest_of(
            release, self._settings, written, boards,
            privacy=self._privacy(written.redacted, folded), withheld=votes_by_reason(withheld),
            withdrawn=len(withdrawn), before=before,
        )  # fmt: skip
        (files / "withdrawn.txt").write_text("".join(f"{battle}\n" for battle in withdrawn))
        (files / "CHANGES.md").write_text(changes_text(manifest["changes"]), encoding="utf-8")
        return manifest

    def _read(self, readers: Sequence[psycopg.Connection[Any]], parts: Parts) -> None:
        release, connection = self._release, readers[0]
        (horizon,) = connection.execute(
            "SELECT (pg_snapshot_xmin(pg_current_snapshot())::text)::bigint"
        ).fetchone() or (0,)
        parts.drop_unfit()
        drop_changed(connection, parts, release.last_vote_id)
        opened_at = release.opened_at.isoformat()
        rows = [Rows(each, release.variant, opened_at) for each in readers]
        with progress_bar("reading votes") as show:
            read_parts(
                rows, self._shaper, parts, last_vote_id=release.last_vote_id, horizon=horizon, advance=show
            )
        for each in readers:
            each.rollback()  # nothing is asked of them again, and a server may drop who is idle in a transaction

    def _checked(self, connection: psycopg.Connection[Any], faults: Sequence[Fault]) -> Sequence[Fault]:
        """The faults whose votes are left out. Raises `ReleaseInvalid` for what a release must not be made of."""
        by_models = {fault.vote_id for fault in faults if fault.by_model}
        allowed = max(UNFIT_VOTES, UNFIT_SHARE * _votes(connection, self._release))
        refusing = [fault for fault in faults if not fault.by_model or len(by_models) > allowed]
        if self._options.leave_out_bad or not refusing:
            return faults
        faults, votes = refusing, len({fault.vote_id for fault in refusing})
        seen = "\n".join(f"  {fault}" for fault in faults[:SEEN_FAULTS])
        raise ReleaseInvalid(
            f"{votes} votes are unfit for a release; the first of {len(faults)} faults:\n{seen}\n"
            "Mend them, or leave these votes out with --leave-out-bad."
        )

    def _privacy(self, redacted: Any, folded: int) -> dict[str, Any]:
        came = (self._release.manifest or {}).get("privacy", {}) if self._release.state == "imported" else {}
        return {
            "least_group": self._least_group,
            "folded_languages": came.get("folded_languages", 0) + folded,
            "redacted": dict(redacted),
            "planted_recall": came.get("planted_recall", self._recall),
        }
