"""What a release says of itself: the manifest as far as its data files go, and how it differs from the one before."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

import orjson
import pyarrow as pa  # type: ignore[import-untyped]

from arena.code_version import code_version
from arena.dataset.writing import Written
from arena.populations import OVERALL, OWN_POPULATIONS, Population
from arena.records import Release
from arena.settings import Settings
from ratings.leaderboard import METHOD_VERSION
from ratings.release.checks import BATTLES_FILE
from ratings.release.manifest import rows_in
from ratings.release.populations import VOTES_FILE
from ratings.release.schema import FORMAT, MODELS, board_votes_file

RESPONSES: Final = "terms of each model, see data/models.parquet"


def models_table(said: Mapping[str, Any], used: Iterable[str]) -> pa.Table:
    """The rows of `models.parquet`, by name: the models that the release's battles are of."""
    rows = [_model_row(each) for each in said.values() if each["model"] in used]
    return pa.Table.from_pylist(sorted(rows, key=lambda row: str(row["model"])), schema=MODELS)


def _model_row(said: Mapping[str, Any]) -> dict[str, Any]:
    versions = [
        {**_dated(version, "first_day", "last_day"), "decoding": _canonical(version["decoding"])}
        for version in said["versions"]
    ]
    return {**_dated(said, "listed_on", "retired_on"), "versions": versions}


def _dated(said: Mapping[str, Any], *days: str) -> dict[str, Any]:
    return {**said, **{day: said[day] and date.fromisoformat(said[day]) for day in days}}


def _canonical(said: Any) -> str:
    return orjson.dumps(said, option=orjson.OPT_SORT_KEYS).decode()


def manifest_of(
    release: Release,
    settings: Settings,
    written: Written,
    boards: Sequence[tuple[Population, int]],
    *,
    privacy: Mapping[str, Any],
    withheld: Mapping[str, int],
    withdrawn: int,
    before: Sequence[Mapping[str, Any]],
) -> dict[str, Any]:
    """Everything but the leaderboards. What came with an imported release, its own arena said."""
    came = release.manifest if release.state == "imported" and release.manifest else {}
    populations = {
        each.name: _population(each, VOTES_FILE, written.votes[each.name])
        for each in OWN_POPULATIONS
        if written.votes[each.name] or each is OVERALL
    }
    populations |= {
        each.name: _population(each, board_votes_file(each.name), votes) for each, votes in boards
    }
    manifest = {
        "format": FORMAT,
        "name": release.name,
        "variant": release.variant,
        "title": came.get("title", settings.title),
        "license": came.get("license", _licenses(settings, boards)),
        "code_version": code_version(),
        "method_version": METHOD_VERSION,
        "cut_week": came.get("cut_week", _monday(release.opened_at)),
        "files": {path: {"rows": rows} for path, rows in written.rows.items()},
        "populations": populations,
        "boards": [],
        "privacy": privacy,
        "withheld": withheld,
        "withdrawn": withdrawn,
        "snapshot": None,
    }
    return manifest | {"changes": came.get("changes") or changes(manifest, written.models, before)}


def _population(population: Population, votes_file: str, votes: int) -> dict[str, Any]:
    facts = {name: value for name, value in asdict(population).items() if name != "name"}
    return {**facts, "votes_file": votes_file, "votes": votes}


def _licenses(settings: Settings, boards: Sequence[tuple[Population, int]]) -> dict[str, Any]:
    return {
        "prompts": settings.data_license,
        "votes": settings.data_license,
        "responses": RESPONSES,
        "boards": {each.name: each.license for each, _ in boards},
    }


def _monday(moment: datetime) -> str:
    day = moment.astimezone(UTC).date()
    return (day - timedelta(days=day.weekday())).isoformat()


def changes(
    manifest: Mapping[str, Any], models: Iterable[str], before: Sequence[Mapping[str, Any]]
) -> list[dict[str, Any]]:
    """What each release changed, the newest first; `before` is what the one before this said of it."""
    known: set[str] = set()
    for entry in reversed(before):
        known = known.difference(entry["models_gone"]).union(entry["models_added"])
    here = {*models}
    entry = {
        "release": manifest["name"],
        "cut_week": manifest["cut_week"],
        "battles": rows_in(manifest, BATTLES_FILE),
        "votes": {name: said["votes"] for name, said in manifest["populations"].items()},
        "models": len(here),
        "models_added": sorted(here - known),
        "models_gone": sorted(known - here),
        "code_version": manifest["code_version"],
        "method_version": manifest["method_version"],
        "withheld": manifest["withheld"],
        "withdrawn": manifest["withdrawn"],
    }
    return [entry, *map(dict, before)]


def changes_text(entries: Sequence[Mapping[str, Any]]) -> str:
    """`CHANGES.md`: what is new in each release."""
    parts = ["# Changes\n"]
    for place, entry in enumerate(entries):
        before = entries[place + 1] if place + 1 < len(entries) else None
        parts.append(f"## {entry['release']}, cut in the week of {entry['cut_week']}\n")
        parts.append("".join(f"- {line}\n" for line in _lines(entry, before)))
    return "\n".join(parts)


def _lines(entry: Mapping[str, Any], before: Mapping[str, Any] | None) -> Iterable[str]:
    yield f"{entry['battles']:,} battles{_more(entry['battles'], before['battles'] if before else None)}."
    for name, votes in sorted(entry["votes"].items()):
        more = _more(votes, before["votes"].get(name, 0) if before else None)
        yield f"{votes:,} votes on the board `{name}`{more}."
    if entry["models_added"] and before:
        yield f"New models: {', '.join(f'`{name}`' for name in entry['models_added'])}."
    if entry["models_gone"]:
        yield f"Not there any more: {', '.join(f'`{name}`' for name in entry['models_gone'])}."
    if entry["withdrawn"]:
        yield f"{entry['withdrawn']:,} battles of earlier releases were withdrawn or erased: see `withdrawn.txt`."
    for version, what in (("method_version", "method"), ("code_version", "program")):
        if before and before[version] != entry[version]:
            yield f"The {what} is {entry[version]}; it was {before[version]}."


def _more(now: int, before: int | None) -> str:
    return "" if before is None else f" ({now - before:+,})"
