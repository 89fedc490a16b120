"""What must hold in the files of a release: their columns, their rows, and that they fit together."""

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
from ratings.release.findings import Finding
from ratings.release.parquet import open_file
from ratings.release.populations import VOTES_FILE
from ratings.release.schema import BATTLE_ID, BOARD_VOTES, DATA, MANIFEST, NAME
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
_SAME_IN_BOTH: Final = ("population", "model_a", "model_b", "propensity")


def check_columns(directory: Path, manifest: Manifest) -> list[Finding]:
    """Find tables that are missing, or have other columns than the format says."""
    schemas = dict(DATA) | dict.fromkeys(_board_files(manifest), BOARD_VOTES)
    files = {file: schema for name, schema in schemas.items() for file in table_names(directory, name)}
    findings = []
    for name, schema in files.items():
        if not (directory / name).is_file():
            findings.append(Finding(file=name, what="missing"))
        elif isinstance(found := _read_footer(directory, name), Finding):
            findings.append(found)
        elif not (columns := found.schema.to_arrow_schema()).equals(schema):
            findings += [Finding(file=name, what=what) for what in _differences(columns, schema)]
    return findings


def _read_footer(directory: Path, name: str) -> pq.FileMetaData | Finding:
    """Columns and number of rows of a table, or that it is none."""
    try:
        return pq.read_metadata(directory / name)
    except (pa.ArrowException, OSError) as error:
        return Finding(file=name, what=f"cannot be read as Parquet: {error}")


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
    for name in _board_files(manifest):
        values[name] = {"winner": WINNERS}
    findings = [*_check_facts(manifest)]
    for name, columns in values.items():
        rules = [_is_none_of(column, known) for column, known in columns.items()]
        rules += _RULES.get(name, ())
        for file in table_names(directory, name):
            findings += _broken(directory, file, rules)
    return findings


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


def _broken(directory: Path, name: str, rules: Collection[Rule]) -> Iterator[Finding]:
    first = "model" if table_of(name) == MODELS_FILE else "battle_id"
    columns = dict.fromkeys(column for rule in rules for column in rule.columns)
    rows = open_file(directory / name).read([first, *columns])
    for rule in rules:
        found = _first_of(
            name, rule.what, rule.selects(*(rows[column] for column in rule.columns)), rows[first]
        )
        if found:
            yield found


def _first_of(name: str, what: str, mask: Any, ids: pa.ChunkedArray) -> Finding | None:
    """The finding of the selected rows, by the first of them."""
    selected = ids.filter(mask)
    if not len(selected):
        return None
    many = f"{len(selected):,} rows where" if len(selected) > 1 else "a row where"
    return Finding(file=name, what=f"{many} {what}, such as {selected[0].as_py()}")


def check_joins(directory: Path, manifest: Manifest) -> list[Finding]:
    """Find battles without a vote, votes and turns without a battle, turns that are missing, models nobody knows."""
    keys = ["battle_id", *_SAME_IN_BOTH]
    battles = TableReader(directory / BATTLES_FILE).read([*keys, "version_a", "version_b"])
    votes = TableReader(directory / VOTES_FILE).read(keys)
    ids = battles["battle_id"]
    findings = [*_unsorted(BATTLES_FILE, ids), *_unsorted(VOTES_FILE, votes["battle_id"])]
    for name in _board_files(manifest):
        findings += _unsorted(name, TableReader(directory / name).read(["battle_id"])["battle_id"])
    findings += _apart(VOTES_FILE, votes["battle_id"], ids)
    if not findings:
        differs = [pc.invert(_same(battles[key], votes[key])) for key in _SAME_IN_BOTH]
        for key, mask in zip(_SAME_IN_BOTH, differs, strict=True):
            found = _first_of(VOTES_FILE, f"{key} is not that of the battle", mask, ids)
            findings += [found] if found else []
    return [*findings, *_check_turns(directory, ids), *_check_models(directory, battles)]


def _unsorted(name: str, ids: pa.ChunkedArray) -> Iterator[Finding]:
    if len(ids) > 1:
        mask = pc.invert(pc.less(ids.slice(0, len(ids) - 1), ids.slice(1)))
        found = _first_of(
            name, "battle_id does not come after the one before, or comes twice", mask, ids.slice(1)
        )
        if found:
            yield found


def _same(one: pa.ChunkedArray, other: pa.ChunkedArray) -> Any:
    both_null = pc.and_(pc.is_null(one), pc.is_null(other))
    return pc.or_(both_null, pc.fill_null(pc.equal(one, other), False))


def _apart(name: str, found: pa.ChunkedArray, ids: pa.ChunkedArray) -> Iterator[Finding]:
    """Rows of a file without a battle, and battles without a row of it."""
    if found.equals(ids):
        return
    stray = _first_of(
        name, "the battle is not in the release", pc.invert(pc.is_in(found, value_set=ids)), found
    )
    alone = _first_of(BATTLES_FILE, f"nothing is in {name}", pc.invert(pc.is_in(ids, value_set=found)), ids)
    yield from (finding for finding in (stray, alone) if finding)


def _check_turns(directory: Path, ids: pa.ChunkedArray) -> Iterator[Finding]:
    """Every battle has turns, numbered from 0 without a gap, and stands in the order of the battles."""
    turns = TableReader(directory / TURNS_FILE).read(["battle_id", "index"])
    owners = turns["battle_id"].combine_chunks()
    if isinstance(owners, pa.ChunkedArray):
        owners = pa.concat_arrays(owners.chunks) if owners.num_chunks else pa.array([], pa.string())
    if not len(owners):
        yield from _apart(TURNS_FILE, turns["battle_id"], ids)
        return
    begins = np.ones(len(owners), dtype=bool)
    begins[1:] = pc.not_equal(owners.slice(1), owners.slice(0, len(owners) - 1)).to_numpy(
        zero_copy_only=False
    )
    starts = np.flatnonzero(begins)
    first = owners.take(pa.array(starts))
    yield from _apart(TURNS_FILE, pa.chunked_array([first]), ids)
    yield from _unsorted(TURNS_FILE, pa.chunked_array([first]))
    place = np.arange(len(owners)) - np.repeat(starts, np.diff(starts, append=len(owners)))
    wrong = pa.array(turns["index"].to_numpy() != place)
    found = _first_of(
        TURNS_FILE, "index is not the place of the turn in its battle", wrong, turns["battle_id"]
    )
    if found:
        yield found


def _check_models(directory: Path, battles: pa.Table) -> Iterator[Finding]:
    listed = TableReader(directory / MODELS_FILE).read(["model", "versions"])
    numbers = {row["model"]: {period["number"] for period in row["versions"]} for row in listed.to_pylist()}
    if len(numbers) < listed.num_rows:
        yield Finding(file=MODELS_FILE, what="a model is listed twice")
    for side in "ab":
        pairs = battles.group_by([f"model_{side}", f"version_{side}"]).aggregate([])
        for row in pairs.to_pylist():
            model, version = row[f"model_{side}"], row[f"version_{side}"]
            if model not in numbers:
                yield Finding(
                    file=MODELS_FILE, what=f"{model!r} is missing, and stands on side {side} of a battle"
                )
            elif version is not None and version not in numbers[model]:
                yield Finding(
                    file=MODELS_FILE, what=f"{model!r} has no version {version}, which a battle names"
                )


def check_withdrawn(directory: Path, manifest: Manifest) -> list[Finding]:
    """Find battles that were withdrawn and are there nevertheless, and what is no battle in their list."""
    withdrawn = read_withdrawn(directory)
    findings = []
    if others := [entry for entry in withdrawn if not BATTLE_ID.fullmatch(entry)]:
        findings.append(Finding(file=WITHDRAWN, what=f"{others[0]!r} is no battle of a release"))
    if len(withdrawn) != manifest["withdrawn"]:
        what = f"{len(withdrawn):,} battles; {MANIFEST} says {manifest['withdrawn']:,}"
        findings.append(Finding(file=WITHDRAWN, what=what))
    gone = pa.array(withdrawn, pa.string())
    tables = (BATTLES_FILE, TURNS_FILE, VOTES_FILE, *_board_files(manifest)) if withdrawn else ()
    for name in (file for table in tables for file in table_names(directory, table)):
        ids = open_file(directory / name).read(["battle_id"])["battle_id"]
        found = _first_of(name, "the battle was withdrawn", pc.is_in(ids, value_set=gone), ids)
        findings += [found] if found else []
    return findings


def read_withdrawn(directory: Path) -> list[str]:
    """Read the ids of the battles that were in an earlier release and must not be used any more."""
    path = directory / WITHDRAWN
    return path.read_text(encoding="utf-8").split() if path.is_file() else []


def _board_files(manifest: Manifest) -> list[str]:
    files = {said["votes_file"] for said in manifest["populations"].values()}
    return sorted(name for name in files if name != VOTES_FILE)
