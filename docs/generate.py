"""Write the generated parts of docs/*.md anew from the program: `python -m docs.generate`."""

import inspect
import re
import sys
import tomllib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, get_args

import typer
from prometheus_client import Counter, Gauge, Histogram
from prometheus_client.metrics_core import Metric
from pydantic.fields import FieldInfo
from sqlalchemy import CheckConstraint, Column, Table, UniqueConstraint
from sqlalchemy.dialects import postgresql

import arena.app  # noqa: F401  # the web defines refusals of its own
from arena import metrics
from arena.categories import CATEGORIES, Category
from arena.cli import app
from arena.dataset.card import HOLDS, columns_table
from arena.errors import tree
from arena.privacy import KINDS
from arena.privacy.planted import Caught, caught_by_kind, precision
from arena.settings import Settings
from arena.tables import Table as Base
from arena.tagging.accuracy import Accuracy, measured_accuracies
from arena.votes import NOT_COUNTED, REASONS
from ratings.release.schema import BOARD_VOTES, DATA

FOLDER = Path(__file__).resolve().parent
COLUMNS = FOLDER / "columns.toml"
BLOCK = re.compile(r"(<!-- generated: (?P<name>[a-z-]+) -->\n).*?(<!-- end -->)", re.DOTALL)


def main() -> None:
    """Rewrite every document that has a generated part."""
    for path in documents():
        path.write_text(regenerated(path.read_text(encoding="utf-8")), encoding="utf-8")
        sys.stdout.write(f"{path.name}\n")


def documents() -> list[Path]:
    """The documents with a generated part."""
    return [path for path in sorted(FOLDER.glob("*.md")) if BLOCK.search(path.read_text(encoding="utf-8"))]


def regenerated(text: str) -> str:
    """The document with each part between `<!-- generated: NAME -->` and `<!-- end -->` written anew."""
    return BLOCK.sub(lambda block: f"{block[1]}\n{BLOCKS[block['name']]()}\n{block[3]}", text)


def table(*rows: tuple[str, ...]) -> str:
    """A Markdown table; the first row is its head."""
    lines = ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in rows]
    return "\n".join([lines[0], "|" + "---|" * len(rows[0]), *lines[1:]]) + "\n"


# Settings


def settings() -> str:
    """Every setting with its default and its sentence, under the headings of `arena/settings.py`."""
    parts = []
    for heading, names in setting_groups().items():
        rows = [_setting_row(name, Settings.model_fields[name]) for name in names]
        parts.append(f"## {heading}\n\n{table(('variable', 'default', 'allowed', 'what it does'), *rows)}")
    return "\n".join(parts)


def setting_groups() -> dict[str, list[str]]:
    """The fields in order, under the comments that stand over them in the class."""
    groups: dict[str, list[str]] = {}
    for line in inspect.getsource(Settings).splitlines():
        if heading := re.fullmatch(r"    # (\w[\w ]+)", line):
            groups[heading[1]] = []
        elif (name := re.match(r"    (\w+): ", line)) and name[1] in Settings.model_fields:
            groups[next(reversed(groups))].append(name[1])
    return groups


def _setting_row(name: str, field: FieldInfo) -> tuple[str, str, str, str]:
    return f"`ARENA_{name.upper()}`", _default(field.default), _allowed(field), field.description or ""


def _default(value: object) -> str:
    if value is None or value == ():
        return "unset"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    return f"`{value}`"


def _allowed(field: FieldInfo) -> str:
    """The values the field takes, as far as its annotation says."""
    choices = get_args(field.annotation) if "Literal" in str(field.annotation) else ()
    if choices:
        return ", ".join(f"`{choice}`" for choice in choices)
    if field.annotation is bool:
        return "`true`, `false`"
    signs = (("ge", "≥"), ("gt", ">"), ("le", "≤"), ("lt", "<"))
    bounds = [
        f"{sign} {getattr(rule, name):g}"
        for name, sign in signs
        for rule in field.metadata
        if getattr(rule, name, None) is not None
    ]
    return ", ".join(bounds)


# Commands


def commands() -> str:
    """Every command with its options."""
    return "\n".join(_command(name, command) for name, command in walk_commands())


def walk_commands() -> Iterator[tuple[str, Any]]:
    """Each command by its full name, `catalog sync`, and its object (Any: typer keeps its own click)."""
    for name, command in typer.main.get_command(app).commands.items():  # type: ignore[attr-defined]
        if hasattr(command, "commands"):
            yield from ((f"{name} {below}", inner) for below, inner in command.commands.items())
        else:
            yield name, command


def _command(name: str, command: Any) -> str:
    arguments = [p.name.upper() for p in command.params if p.param_type_name == "argument"]
    usage = " ".join(["arena", name, *arguments])
    said = " ".join((command.help or "").split())
    rows = [
        (
            " ".join(f"`{option}`" for option in [*p.opts, *p.secondary_opts]),
            _command_default(p.default),
            p.help,
        )
        for p in command.params
        if p.param_type_name == "option"
    ]
    listed = table(("option", "default", "what it does"), *rows) if rows else ""
    return f"### `{usage}`\n\n{said}\n" + (f"\n{listed}" if listed else "")


def _command_default(value: object) -> str:
    return "" if value is None else _default(value)


# Refusals, votes, metrics


def problem_slugs() -> str:
    """Every refusal a program may meet."""
    kinds = {kind.slug: kind for kind in tree()}
    rows = [(f"`{slug}`", str(kinds[slug].status), kinds[slug]().detail) for slug in sorted(kinds)]
    return table(("slug", "status", "default detail"), *rows)


def not_counted() -> str:
    """Why a vote may not count."""
    return table(
        ("reason", "what the voter is told"), *((f"`{why}`", said) for why, said in NOT_COUNTED.items())
    )


def vote_reasons() -> str:
    """The reasons a voter may give with a vote."""
    return ", ".join(f"`{reason}`" for reason in REASONS) + ".\n"


def metric_names() -> str:
    """Every metric of our own that `/metrics` answers."""
    ours = [value for value in vars(metrics).values() if isinstance(value, Counter | Gauge | Histogram)]
    families = sorted((family for metric in ours for family in metric.describe()), key=lambda each: each.name)
    rows = [(f"`{_exposed(family)}`", family.type, family.documentation) for family in families]
    return table(("metric", "kind", "what it says"), *rows)


def _exposed(family: Metric) -> str:
    return f"{family.name}_total" if family.type == "counter" else family.name


# Categories


def categories() -> str:
    """The fixed categories, with what they select."""
    rows = [(f"`{each.name}`", each.about, _selection(each)) for each in CATEGORIES]
    return table(("category", "battles in it", "selected by"), *rows)


def _selection(category: Category) -> str:
    return ", ".join(
        [f"`{tag}`" for tag in sorted(category.requires)]
        + [f"not `{tag}`" for tag in sorted(category.excludes)]
        + [f"winner `{winner}`" for winner in sorted(category.winners or ())]
    )


def category_accuracy() -> str:
    """Precision and recall of every tag that is judged from text."""
    apart = measured_accuracies(unlike_training=True)
    head = (
        "tag",
        "precision",
        "recall",
        "deserve it",
        "of",
        "precision, unlike",
        "recall, unlike",
        "deserve it, unlike",
    )
    rows = [
        (f"`{tag}`", *_figures(found), *_unlike(apart.get(tag)))
        for tag, found in measured_accuracies().items()
    ]
    return table(head, *rows)


# Personal data


def privacy_kinds() -> str:
    """The kinds of personal data, with what stands in their place."""
    rows = [(f"`{kind.placeholder}`", "yes" if kind.structured else "no", kind.about) for kind in KINDS]
    return table(("placeholder", "structured", "what it stands for"), *rows)


def privacy_accuracy() -> str:
    """Recall and precision of every kind on the planted sentences."""
    seen, held_out = caught_by_kind(held_out=False), caught_by_kind(held_out=True)
    rows = []
    for slug, judged in precision().items():
        known, apart = seen[slug, ""], held_out[slug, ""]
        figures = (_share(known.share), str(known.planted), _share(apart.share), str(apart.planted))
        rows.append((f"`{slug}`", *figures, _share(judged.share), str(judged.false_in_negatives)))
    head = (
        "kind",
        "recall",
        "planted",
        "recall, held out",
        "planted, held out",
        "precision",
        "false in negatives",
    )
    return table(head, *rows)


def privacy_languages() -> str:
    """Recall of the structured kinds together, and of the other kinds, by language."""
    caught = caught_by_kind(by_language=True)
    structured = {kind.slug for kind in KINDS if kind.structured}
    languages = dict.fromkeys(language for _, language in caught)
    return table(
        ("language", "structured kinds", "planted", "lowest of them", "other kinds", "planted, other"),
        *((f"`{language}`", *_of_language(caught, language, structured)) for language in languages),
    )


def _of_language(
    caught: Mapping[tuple[str, str], Caught], language: str, structured: set[str]
) -> Iterator[str]:
    found = {kind: each for (kind, spoken), each in caught.items() if spoken == language}
    for kinds in (structured, found.keys() - structured):
        planted = sum(found[kind].planted for kind in kinds)
        yield _share(sum(found[kind].hidden for kind in kinds) / planted)
        yield str(planted)
        if kinds is structured:
            yield _share(min(found[kind].share for kind in kinds))


def _figures(found: Accuracy) -> tuple[str, str, str, str]:
    return _share(found.precision), _share(found.recall), str(found.positive), str(found.labelled)


def _unlike(found: Accuracy | None) -> tuple[str, str, str]:
    return _figures(found)[:3] if found else ("", "", "")


def _share(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}"


# Tables


def tables() -> str:
    """Every table with its columns and rules, in the order of `arena/tables.py`."""
    known = column_meanings()
    return "\n".join(_table(entity, known) for entity in Base.__subclasses__())


def column_meanings() -> Mapping[str, Mapping[str, str]]:
    """One sentence a column, by table."""
    return tomllib.loads(COLUMNS.read_text(encoding="utf-8"))


def _table(entity: type[Base], known: Mapping[str, Mapping[str, str]]) -> str:
    stored = entity.__table__
    assert isinstance(stored, Table)
    rows = [_column_row(column, known[stored.name][column.name]) for column in stored.columns]
    rules = "".join(f"- {rule}\n" for rule in sorted(_rules(stored)))
    said = " ".join((entity.__doc__ or "").split())
    head = ("column", "type", "what it holds")
    return f"## `{stored.name}`\n\n{said}\n\n{table(head, *rows)}" + (f"\n{rules}" if rules else "")


def _column_row(column: Column[Any], meaning: str) -> tuple[str, str, str]:
    kind = column.type.compile(dialect=postgresql.dialect()).lower()  # type: ignore[no-untyped-call]
    marks = ["primary key"] if column.primary_key else ["null"] if column.nullable else []
    marks += [f"→ {key.target_fullname}" for key in column.foreign_keys]
    return f"`{column.name}`", ", ".join([kind, *marks]), meaning


def _rules(stored: Table) -> Iterator[str]:
    for rule in stored.constraints:
        if isinstance(rule, UniqueConstraint):
            yield "unique: " + ", ".join(f"`{column.name}`" for column in rule.columns)
        elif isinstance(rule, CheckConstraint):
            yield f"check: `{rule.sqltext}`"


# Releases


def release_files() -> str:
    """What each file of a release holds."""
    return table(("file", "holds"), *((f"`{name}`", holds) for name, holds in HOLDS.items()))


def release_columns() -> str:
    """Every table of a release with its columns."""
    tables = {**DATA, "boards/NAME.parquet": BOARD_VOTES}
    return "\n".join(f"### `{name}`\n\n{columns_table(schema)}" for name, schema in tables.items())


BLOCKS: Mapping[str, Callable[[], str]] = {
    "settings": settings,
    "commands": commands,
    "problems": problem_slugs,
    "not-counted": not_counted,
    "vote-reasons": vote_reasons,
    "metrics": metric_names,
    "tables": tables,
    "categories": categories,
    "category-accuracy": category_accuracy,
    "release-files": release_files,
    "release-columns": release_columns,
    "privacy-kinds": privacy_kinds,
    "privacy-accuracy": privacy_accuracy,
    "privacy-languages": privacy_languages,
}

if __name__ == "__main__":
    main()
