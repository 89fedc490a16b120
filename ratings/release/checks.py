"""What must hold in each file of a release: its columns, its rows, its values."""

import json
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.compute as pc  # type: ignore[import-untyped]
import pyarrow.parquet as pq  # type: ignore[import-untyped]

from ratings.board_files import STYLE_COLUMNS
from ratings.encoding import WINNERS
from ratings.release.boards import MODELS_FILE
from ratings.release.checksums import release_files
from ratings.release.findings import Finding, WrongRows
from ratings.release.parquet import open_file
from ratings.release.populations import VOTES_FILE
from ratings.release.schema import BATTLE_ID, BOARD_VOTES, DATA, MANIFEST, NAME, board_votes_file
from ratings.release.tables import TableReader, table_names, table_of

BATTLES_FILE: Final = "data/battles.parquet"
TURNS_FILE: Final = "data/turns.parquet"
WITHHELD_FILE: Final = "data/withheld.parquet"
WITHDRAWN: Final = "withdrawn.txt"

Manifest = Mapping[str, Any]


class Rule(NamedTuple):
    """What is wrong with rows, the columns in which it shows, and which rows it selects by them."""

    what: str
    columns: Sequence[str]
    selects: Callable[..., Any]


_STATES: Final = ("answered", "stopped", "failed", "interrupted")
_VALUES: Final[Mapping[str, Mapping[str, Collection[str]]]] = {
    BATTLES_FILE: {"release_policy": ("paced", "together", "raw")},
    TURNS_FILE: dict.fromkeys(("state", "state_a", "state_b"), _STATES),
    VOTES_FILE: {"winner": WINNERS},
    MODELS_FILE: {"status": ("active", "retired")},
}
_RULES: Final[Mapping[str, Collection[Rule]]] = {
    BATTLES_FILE: (
        Rule(
            "battle_id is no id of a battle",
            ("battle_id",),
            lambda ids: pc.invert(pc.match_substring_regex(ids, f"^{BATTLE_ID.pattern}$")),
        ),
        Rule("a model meets itself", ("model_a", "model_b"), pc.equal),
        Rule("week is no Monday", ("week",), lambda week: pc.not_equal(pc.day_of_week(week), 0)),
        Rule(
            "propensity is no probability",
            ("propensity",),
            lambda chance: pc.invert(pc.and_(pc.greater(chance, 0.0), pc.less_equal(chance, 1.0))),
        ),
        Rule("decoding is no JSON object", ("decoding",), lambda decoding: _are_no_objects(decoding)),
    ),
    MODELS_FILE: (
        Rule(
            "decoding of a version is no JSON object",
            ("versions",),
            lambda versions: pa.array(
                [not all(_is_object(each["decoding"]) for each in of) for of in versions.to_pylist()],
                pa.bool_(),
            ),
        ),
    ),
    VOTES_FILE: (
        Rule("week is no Monday", ("week",), lambda week: pc.not_equal(pc.day_of_week(week), 0)),
        Rule(
            "counted and reason contradict each other",
            ("counted", "reason"),
            lambda counted, reason: pc.equal(counted, pc.is_valid(reason)),
        ),
        Rule(
            "counted and population contradict each other",
            ("counted", "population"),
            lambda counted, population: pc.not_equal(
                counted, pc.equal(pc.fill_null(population, ""), "overall")
            ),
        ),
        Rule(
            "some counts of style are missing and some are not",
            STYLE_COLUMNS,
            lambda *counts: _some_are_null(counts),
        ),
    ),
}
_COUNTS_OF_PRIVACY: Final = ("least_group", "folded_languages")


def check_columns(directory: Path, manifest: Manifest) -> list[Finding]:
    """Find tables that are missing, or have other columns than the format says."""
    known = {VOTES_FILE, *map(board_votes_file, manifest["populations"])}
    if others := sorted({*board_files(manifest)} - known):
        return [Finding(file=MANIFEST, what=f"{others[0]!r} is no file of votes of a release")]
    schemas = dict(DATA) | dict.fromkeys(board_files(manifest), BOARD_VOTES)
    files = {file: schema for name, schema in schemas.items() for file in table_names(directory, name)}
    findings = [
        Finding(file=name, what="belongs to no table, or to one of which a file before it is missing")
        for name in release_files(directory)
        if name.startswith(("data/", "boards/")) and name.endswith(".parquet") and name not in files
    ]
    for name, schema in files.items():
        if not (directory / name).is_file():
            findings.append(Finding(file=name, what="missing"))
        elif isinstance(found := _read_footer(directory, name), Finding):
            findings.append(found)
        elif not (columns := _nullable_as(schema, found.schema.to_arrow_schema())).equals(schema):
            findings += [Finding(file=name, what=what) for what in _differences(columns, schema)]
    return findings


def _read_footer(directory: Path, name: str) -> pq.FileMetaData | Finding:
    """Columns and number of rows of a table, or that it is none."""
    try:
        return pq.read_metadata(directory / name)
    except (pa.ArrowException, OSError) as error:
        return Finding(file=name, what=f"cannot be read as Parquet: {error}")


def _nullable_as(schema: pa.Schema, found: pa.Schema) -> pa.Schema:
    """Columns that may hold nulls by now and could not when the release was made: that they hold none is no fault."""
    return pa.schema(
        _field_nullable_as(schema.field(field.name), field) if field.name in schema.names else field
        for field in found
    )


def _field_nullable_as(known: pa.Field, found: pa.Field) -> pa.Field:
    kind = found.type
    if pa.types.is_list(kind) and pa.types.is_list(known.type):
        kind = pa.list_(_field_nullable_as(known.type.value_field, kind.value_field))
    elif pa.types.is_struct(kind) and pa.types.is_struct(known.type):
        fields = {field.name: field for field in known.type}
        kind = pa.struct(_field_nullable_as(fields.get(field.name, field), field) for field in kind)
    return found.with_type(kind).with_nullable(found.nullable or known.nullable)


def _differences(found: pa.Schema, schema: pa.Schema) -> Iterator[str]:
    for name in schema.names:
        if name not in found.names:
            yield f"there is no column {name}"
        elif not found.field(name).equals(schema.field(name)):
            yield f"the column {name} is {found.field(name)}, not {schema.field(name)}"
    more = [name for name in found.names if name not in schema.names]
    if more:
        yield f"columns that the format does not know: {', '.join(more)}"
    if sorted(found.names) == sorted(schema.names) and found.names != schema.names:
        yield "the columns stand in another order"


def check_rows(directory: Path, manifest: Manifest) -> list[Finding]:
    """Find tables whose number of rows is not the one that the release says."""
    said = {name: each["rows"] for name, each in manifest["files"].items()}
    present = {
        name: _read_footer(directory, name) for name in release_files(directory) if name.endswith(".parquet")
    }
    findings = [
        Finding(file=name, what=f"missing, and {MANIFEST} lists it") for name in said if name not in present
    ]
    for name, found in present.items():
        if name not in said:
            findings.append(Finding(file=name, what=f"not listed in {MANIFEST}"))
        elif isinstance(found, Finding):
            findings.append(found)
        elif found.num_rows != said[name]:
            findings.append(
                Finding(file=name, what=f"{found.num_rows:,} rows; {MANIFEST} says {said[name]:,}")
            )
    battles, votes = (
        [said.get(name) for name in table_names(directory, table)][:-1]
        for table in (BATTLES_FILE, VOTES_FILE)
    )
    if battles != votes:
        findings.append(Finding(file=VOTES_FILE, what="its files do not end where those of battles do"))
    withheld: dict[str, int] = {}
    for row in TableReader(directory / WITHHELD_FILE).read(["why", "votes"]).to_pylist():
        withheld[row["why"]] = withheld.get(row["why"], 0) + row["votes"]
    if withheld != manifest["withheld"]:
        findings.append(
            Finding(file=WITHHELD_FILE, what=f"{withheld} votes; {MANIFEST} says {manifest['withheld']}")
        )
    return findings


def check_values(directory: Path, manifest: Manifest) -> list[Finding]:
    """Find labels that the format does not know, and rows that contradict themselves."""
    own = [name for name, said in manifest["populations"].items() if said["votes_file"] == VOTES_FILE]
    values = {name: dict(columns) for name, columns in _VALUES.items()}
    for name in (BATTLES_FILE, VOTES_FILE):
        values[name]["population"] = own
    for name in board_files(manifest):
        values[name] = {"winner": WINNERS}
    wrong = WrongRows()
    for name, columns in values.items():
        rules = [_is_none_of(column, known) for column, known in columns.items()]
        rules += _RULES.get(name, ())
        for file in table_names(directory, name):
            _note_broken(directory, file, rules, wrong)
    return [*_check_facts(manifest), *wrong.findings()]


def _check_facts(manifest: Manifest) -> Iterator[Finding]:
    """What the release says of itself, as far as an arena that restores it goes on with it."""
    if not NAME.fullmatch(manifest["name"]):
        yield Finding(file=MANIFEST, what=f"{manifest['name']!r} cannot name a release")
    privacy = manifest.get("privacy")
    for name in _COUNTS_OF_PRIVACY:
        count = privacy.get(name) if isinstance(privacy, dict) else None
        if not isinstance(count, int) or isinstance(count, bool) or count < 0:
            yield Finding(file=MANIFEST, what=f"privacy.{name} is {count!r}, no whole number")


def _are_no_objects(texts: pa.ChunkedArray) -> Any:
    broken = [text for text in pc.unique(texts).to_pylist() if not _is_object(text)]
    return pc.is_in(texts, value_set=pa.array(broken, pa.string()))


def _is_object(text: str) -> bool:
    try:
        return isinstance(json.loads(text), dict)
    except (ValueError, RecursionError):
        return False


def _is_none_of(column: str, known: Collection[str]) -> Rule:
    listed = pa.array([*known], pa.string())
    return Rule(
        f"{column} is none of {', '.join(known)}",
        (column,),
        lambda values: pc.and_(pc.is_valid(values), pc.invert(pc.is_in(values, value_set=listed))),
    )


def _some_are_null(columns: Sequence[pa.ChunkedArray]) -> Any:
    valid = [pc.is_valid(column).to_numpy() for column in columns]
    return pa.array(np.any(valid, axis=0) & ~np.all(valid, axis=0))


def _note_broken(directory: Path, file: str, rules: Collection[Rule], wrong: WrongRows) -> None:
    first = "model" if table_of(file) == MODELS_FILE else "battle_id"
    columns = dict.fromkeys([first, *(column for rule in rules for column in rule.columns)])
    with open_file(directory / file) as opened:
        for batch in opened.iter_batches(columns=[*columns]):
            rows = pa.Table.from_batches([batch])
            for rule in rules:
                mask = rule.selects(*(rows[column] for column in rule.columns))
                wrong.note(file, rule.what, mask, rows[first])


def check_withdrawn(directory: Path, manifest: Manifest) -> list[Finding]:
    """Find battles that were withdrawn and are there nevertheless, and what is no battle in their list."""
    withdrawn = read_withdrawn(directory)
    findings = []
    if others := [entry for entry in withdrawn if not BATTLE_ID.fullmatch(entry)]:
        findings.append(Finding(file=WITHDRAWN, what=f"{others[0]!r} is no battle of a release"))
    if len(withdrawn) != manifest["withdrawn"]:
        what = f"{len(withdrawn):,} battles; {MANIFEST} says {manifest['withdrawn']:,}"
        findings.append(Finding(file=WITHDRAWN, what=what))
    gone, wrong = pa.array(withdrawn, pa.string()), WrongRows()
    tables = (BATTLES_FILE, TURNS_FILE, VOTES_FILE, *board_files(manifest)) if withdrawn else ()
    for name in (file for table in tables for file in table_names(directory, table)):
        with open_file(directory / name) as opened:
            for batch in opened.iter_batches(columns=["battle_id"]):
                ids = batch["battle_id"]
                wrong.note(name, "the battle was withdrawn", pc.is_in(ids, value_set=gone), ids)
    return [*findings, *wrong.findings()]


def read_withdrawn(directory: Path) -> list[str]:
    """Read the ids of the battles that were in an earlier release and must not be used any more."""
    path = directory / WITHDRAWN
    return path.read_text(encoding="utf-8").split() if path.is_file() else []


def board_files(manifest: Manifest) -> list[str]:
    """List the files of imported votes."""
    files = {said["votes_file"] for said in manifest["populations"].values()}
    return sorted(name for name in files if name != VOTES_FILE)
