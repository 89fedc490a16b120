"""The dataset card of a release, README.md, for people and for hubs of datasets; and LICENSE.md, part by part."""

import json
from collections.abc import Mapping
from html import escape
from pathlib import Path
from typing import Any, Final

import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.compute as pc  # type: ignore[import-untyped]
from jinja2 import Environment, PackageLoader, StrictUndefined

from arena.dataset.compat import ARENA_33K, ARENA_55K, ARENA_100K, ARENA_140K, FASTCHAT
from arena.dataset.conversations import counted_populations
from arena.dataset.preference import PREFERENCES
from arena.dataset.samples import SAMPLE, SAMPLE_ROWS
from ratings.release.boards import MODELS_FILE
from ratings.release.checks import BATTLES_FILE, TURNS_FILE, WITHDRAWN, WITHHELD_FILE, board_files
from ratings.release.manifest import rows_in
from ratings.release.populations import VOTES_FILE
from ratings.release.schema import BOARD_VOTES, DATA, MANIFEST
from ratings.release.tables import TableReader, table_names, table_of

CARD: Final = "README.md"
LICENSES: Final = "LICENSE.md"
_HUB_LICENSES: Final = frozenset(
    {"cc-by-4.0", "cc-by-sa-4.0", "cc-by-nc-4.0", "cc-by-nc-sa-4.0", "cc0-1.0", "odc-by", "apache-2.0", "mit"}
)
_ADDRESSES: Final = {
    "CC-BY-4.0": "https://creativecommons.org/licenses/by/4.0/",
    "CC-BY-SA-4.0": "https://creativecommons.org/licenses/by-sa/4.0/",
    "CC-BY-NC-4.0": "https://creativecommons.org/licenses/by-nc/4.0/",
    "CC0-1.0": "https://creativecommons.org/publicdomain/zero/1.0/",
    "ODC-By-1.0": "https://opendatacommons.org/licenses/by/1-0/",
}
_SIZES: Final = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M"))
HOLDS: Final[Mapping[str, str]] = {
    BATTLES_FILE: "one row a battle: its models, how they were drawn, how answers were shown",
    TURNS_FILE: "one row a turn: prompt, both answers, timings, tokens",
    VOTES_FILE: "one row a vote: verdict, whether it counts and why not, what boards select and control by",
    MODELS_FILE: "one row a model, with every period in which it was served",
    WITHHELD_FILE: "how many votes are not in here, by reason and pair of models",
    "leaderboard/": "the leaderboards of these votes, with and without style control",
    PREFERENCES: "prompt, chosen and rejected answer of decisive votes, as TRL reads them",
    ARENA_33K: "the layout of the published Chatbot Arena release of 33k battles",
    ARENA_55K: "the layout of the one of 55k; `id` is made of the first digits of `battle_id`",
    ARENA_100K: "the layout of the one of 100k",
    ARENA_140K: "the layout of the one of 140k; `evaluation_session_id` is the voter's pseudonym",
    FASTCHAT: "cleaned battles as FastChat's `elo_analysis` reads them, without conversations",
    SAMPLE: f"the first {SAMPLE_ROWS:,} battles, each with its vote and its turns",
    MANIFEST: "what this release says of itself, and which votes each leaderboard counts",
    "croissant.json": "the tables described for machines, as Croissant",
    WITHDRAWN: "battles of earlier releases that were withdrawn since",
}
_VIEWS: Final = {
    "preference": PREFERENCES,
    "arena-33k": ARENA_33K,
    "arena-100k": ARENA_100K,
    "arena-140k": ARENA_140K,
}


def write_card(directory: Path, manifest: Mapping[str, Any]) -> None:
    """Write README.md and LICENSE.md."""
    environment = Environment(
        loader=PackageLoader("arena", "dataset"),
        undefined=StrictUndefined,
        keep_trailing_newline=True,
        autoescape=False,
    )
    populations, kind = counted_populations(manifest)
    names = ", ".join(f"`{name}`" for name in populations)
    text = environment.get_template("card.md.jinja").render(
        manifest=manifest,
        front=_front(directory, manifest),
        votes=rows_in(manifest, VOTES_FILE),
        files=_files(directory, manifest),
        whose="the votes of people that the overall board counts"
        if kind == "people"
        else f"the votes on the boards {names}, for practice: no person has voted on real models yet",
        tables=_tables(manifest),
        divided=_divided(manifest),
        counted=_counted,
    )
    (directory / CARD).write_text(text.rstrip() + "\n", encoding="utf-8")
    (directory / LICENSES).write_text(_licenses(directory, manifest), encoding="utf-8")


def _divided(manifest: Mapping[str, Any]) -> tuple[str, str] | None:
    """The first two files of a table that has several, one of `data/` if there is such a one."""
    later = [name for name in manifest["files"] if table_of(name) != name]
    found = min(later, key=lambda name: (not name.startswith("data/"), name), default=None)
    return None if found is None else (table_of(found), found)


def _front(directory: Path, manifest: Mapping[str, Any]) -> dict[str, str]:
    """What hubs read: YAML, each value of it as JSON, which is YAML, too."""
    battles = rows_in(manifest, BATTLES_FILE)
    license = manifest["license"]["prompts"]
    known = license.lower() in _HUB_LICENSES
    said: dict[str, Any] = {
        "pretty_name": f"{manifest['title']} {manifest['name']}",
        "license": license.lower() if known else "other",
        **({} if known else {"license_name": license, "license_link": LICENSES}),
        "language": _languages(directory),
        "task_categories": ["text-generation"],
        "size_categories": [next((size for limit, size in _SIZES if battles < limit), "1M<n<10M")],
        "tags": ["chatbot-arena", "human-feedback", "preference", "leaderboard"],
        "configs": [
            {"config_name": name, "data_files": file} | ({} if place else {"default": True})
            for place, (name, file) in enumerate(configurations(directory, manifest).items())
        ],
    }
    return {name: json.dumps(value, ensure_ascii=False) for name, value in said.items()}


def configurations(directory: Path, manifest: Mapping[str, Any]) -> dict[str, str | list[str]]:
    """Every part that can be loaded by name, and its file or files; the first is the one loaded without a name.

    Tables only: `datasets` reads all parts of a folder by the format of the first.
    """
    data = {Path(name).stem: name for name in DATA}
    boards = {f"board-{Path(name).stem}": name for name in board_files(manifest)}
    views = {name: file for name, file in _VIEWS.items() if (directory / file).exists()}
    tables = {"votes": data["votes"]} | data | boards | views
    files = {name: table_names(directory, file) for name, file in tables.items()}
    return {name: each if len(each) > 1 else each[0] for name, each in files.items()}


def _languages(directory: Path) -> list[str]:
    found: set[str | None] = set()
    for batch in TableReader(directory / BATTLES_FILE).batches(columns=["language"]):
        found.update(pc.unique(batch["language"]).to_pylist())
    return sorted(language for language in found if language)


def _files(directory: Path, manifest: Mapping[str, Any]) -> list[tuple[str, int | None, str]]:
    titles = {said["votes_file"]: said["title"] for said in manifest["populations"].values()}
    imported = {name: f"imported votes: {titles[name]}" for name in board_files(manifest)}
    rows = {name: said["rows"] for name, said in manifest["files"].items()}
    more = {name: f"more of `{table_of(name)}`" for name in rows if name != table_of(name)}
    return [
        (name, rows.get(name), holds)
        for name, holds in {**HOLDS, **imported, **more}.items()
        if (directory / name).exists() or name in (MANIFEST, "croissant.json")
    ]


def _tables(manifest: Mapping[str, Any]) -> dict[str, str]:
    boards = {"boards/*.parquet": columns_table(BOARD_VOTES)} if board_files(manifest) else {}
    return {name: columns_table(schema) for name, schema in DATA.items()} | boards


def _counted(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count:,} `{what}`" for what, count in sorted(counts.items())) or "none"


def columns_table(schema: pa.Schema) -> str:
    """The columns of a table with their types and meanings, in Markdown."""
    lines = ["| column | type | what it holds |", "|---|---|---|"]
    for field in schema:
        inner = field.type.value_type if pa.types.is_list(field.type) else None
        records = [*inner] if inner is not None and pa.types.is_struct(inner) else []
        lines.append(_column_row(field.name, field))
        lines += [_column_row(f"{field.name}[].{each.name}", each) for each in records]
    return "\n".join([*lines, ""])


def _column_row(name: str, field: pa.Field) -> str:
    inner = field.type.value_type if pa.types.is_list(field.type) else None
    kind = (
        str(field.type)
        if inner is None
        else "list of records"
        if pa.types.is_struct(inner)
        else f"list of {inner}"
    )
    meaning = field.metadata[b"description"].decode()
    return f"| `{name}` | {kind}{', null' if field.nullable else ''} | {meaning} |"


def _licenses(directory: Path, manifest: Mapping[str, Any]) -> str:
    said = manifest["license"]
    lines = ["# Licences", "", "| part | licence |", "|---|---|"]
    lines += [f"| {part} | {_linked(said[part])} |" for part in ("prompts", "votes")]
    lines += [
        "| leaderboards, and whatever else was computed | as the votes |",
        f"| answers | {said['responses']} |",
    ]
    lines += [f"| `boards/{name}.parquet` | {_linked(license)} |" for name, license in said["boards"].items()]
    lines += ["", "## Models", "", "| model | maker | its licence | about it |", "|---|---|---|---|"]
    models = TableReader(directory / MODELS_FILE).read(["model", "organization", "license", "link"])
    rows = [row | {"license": row["license"] or "not stated"} for row in models.to_pylist()]
    lines += [f"| {' | '.join(_cell(value) for value in row.values())} |" for row in rows]
    return "\n".join([*lines, ""])


def _cell(value: str | None) -> str:
    return escape(" ".join((value or "").split()), quote=False).replace("|", "\\|").replace("`", "\\`")


def _linked(license: str | None) -> str:
    address = _ADDRESSES.get(license or "")
    return f"[{license}]({address})" if address else license or "not stated"
