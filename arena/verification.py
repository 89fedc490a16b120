"""Recompute a snapshot from the votes that it saw, and say in words what differs."""

import asyncio
import gzip
from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import orjson
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from arena.ballots import Votes, ballots_of_snapshot, imported_votes, model_names
from arena.code_version import code_version
from arena.leaderboards import compute, digest_of, snapshot_inputs
from arena.populations import OWN_POPULATIONS, Population
from arena.snapshots import find_snapshot, results_digest
from arena.tables import Board, Snapshot, SnapshotFile
from ratings.release.manifest import read_manifest
from ratings.release.populations import VOTES_FILE, read_populations


async def verify(
    session: AsyncSession, snapshot_id: str, tagger: str | None = None, release: Path | None = None
) -> list[str]:
    """Recompute a snapshot from the votes that it saw, or from those of a release; returns what differs, in words.

    The session must see one moment. `tagger` is the version of the rules that tag battles now.
    """
    snapshot = await find_snapshot(session, snapshot_id)
    altered = await _altered(session, snapshot)
    if altered:
        return altered
    if release is None:
        votes = await _stored_votes(session, snapshot)
    elif (manifest := read_manifest(release))["variant"] != "audit":
        return [
            f"The release {manifest['name']} is an open one, which leaves votes out: give an audit release."
        ]
    else:
        votes = await asyncio.to_thread(_released_votes, release, manifest, snapshot.inputs)
    differences = _differences(snapshot, votes, tagger)
    if differences:
        return differences
    files = await asyncio.to_thread(compute, as_said(votes, snapshot.inputs), snapshot.inputs)
    if results_digest(files) != snapshot.results_digest:
        return [_other_numbers(snapshot)]
    return []


def _other_numbers(snapshot: Snapshot) -> str:
    then, now = snapshot.code_version, code_version()
    why = (
        "the libraries or the processor differ"
        if then == now
        else f"the program differs, {then} then, {now} now"
    )
    return f"The same votes give other numbers here: {why}."


async def _stored_votes(session: AsyncSession, snapshot: Snapshot) -> list[Votes]:
    numbers = await model_names(session)
    votes = await ballots_of_snapshot(session, snapshot.visible, snapshot.last_vote_id, numbers)
    seen = snapshot.inputs["populations"]
    for board in await session.scalars(select(Board).where(Board.name.in_(seen)).order_by(Board.name)):
        votes.append(await imported_votes(session, board, snapshot.last_imported_id))
    return [each for each in votes if each.population.name in seen]


def _released_votes(directory: Path, manifest: Mapping[str, Any], inputs: Mapping[str, Any]) -> list[Votes]:
    """The votes of a release in every population of a snapshot; one of ours that it does not name has none in it."""
    files = {each.name: {"votes_file": VOTES_FILE} for each in OWN_POPULATIONS} | manifest["populations"]
    facts = [field.name for field in fields(Population)]
    return [
        Votes(
            population=Population(**{fact: inputs["populations"][name][fact] for fact in facts}),
            table=votes.table,
            digest=votes.digest,
        )
        for name, votes in read_populations(
            directory, {name: files[name] for name in inputs["populations"] if name in files}
        ).items()
    ]


async def _altered(session: AsyncSession, snapshot: Snapshot) -> list[str]:
    """Whether what is stored, and served, is what was computed: against the digests, without a recomputation."""
    query = select(SnapshotFile.name, SnapshotFile.body).where(SnapshotFile.snapshot_id == snapshot.id)
    says = {name: orjson.loads(gzip.decompress(body)) for name, body in await session.execute(query)}
    undated = {
        name: {key: value for key, value in said.items() if key not in ("snapshot", "generated_at")}
        for name, said in says.items()
    }
    if digest_of(snapshot.inputs) != snapshot.id:
        return ["What is stored of its inputs is not what its id stands for: it was altered."]
    if digest_of(undated) != snapshot.results_digest:
        return ["Its stored files are not the ones that were computed: they were altered."]
    return []


def as_said(votes: Sequence[Votes], inputs: Mapping[str, Any]) -> list[Votes]:
    """The votes with what the snapshot said of their populations, whatever is said of them now."""
    facts = [field.name for field in fields(Population)]
    return [
        replace(each, population=Population(**{fact: said[fact] for fact in facts}))
        for each in votes
        for said in [inputs["populations"][each.population.name]]
    ]


def _differences(snapshot: Snapshot, votes: Sequence[Votes], tagger: str | None) -> list[str]:
    then = snapshot.inputs
    today = snapshot_inputs([], [], tagger=tagger or then["tagger"])
    parts = {
        "method": "The method",
        "tagger": "The rules that tag battles",
    }
    found = [
        f"{said}: {then[part]} then, {today[part]} now."
        for part, said in parts.items()
        if then[part] != today[part]
    ]
    now = {each.population.name: each for each in votes}
    for name, before in then["populations"].items():
        if name not in now:
            found.append(f"{name}: not there any more.")
        elif before["digest"] != now[name].digest:
            lost = before["votes"] - now[name].table.num_rows
            which = f"{lost} votes withdrawn, erased or changed since" if lost > 0 else "other votes now"
            found.append(f"{name}: {which} ({before['votes']} then).")
    return found
