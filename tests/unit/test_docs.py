"""The documents say what the program does: nothing left out, nothing made up, nothing stale."""

import importlib
import json
import pkgutil
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import jsonschema
import pytest
from fastapi.routing import APIRoute

import arena.web
from arena.app import create_app
from arena.catalog import read_catalog
from arena.errors import tree
from arena.settings import Settings
from arena.streams import Frame, FrameKind, LiveTurn, Position, Release
from arena.tables import WINNERS, BattleState, Table, TurnState
from arena.voters import COOKIE, SIMULATED_HEADER
from arena.web.battles import HtmlEvents, TextEvents
from arena.web.pages_arena import PUBLISH_COOKIE
from arena.web.rendering import KEYS_COOKIE, THEME_COOKIE
from arena.web.schemas import SCHEMAS
from docs.generate import COLUMNS, column_meanings, documents, regenerated, setting_groups, walk_commands

ROOT = Path(__file__).resolve().parent.parent.parent
DOCS = ROOT / "docs"
GUIDES = sorted([*ROOT.glob("*.md"), *DOCS.glob("*.md"), *ROOT.glob("[!.]*/README.md")])


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def spans(text: str) -> list[str]:
    """What stands in backticks, in one line each; fenced blocks are not spans."""
    prose = re.sub(r"^ *```.*?^ *```", "", text, flags=re.DOTALL | re.MULTILINE)
    return [" ".join(span.split()) for span in re.findall(r"`([^`]+)`", prose)]


def commands_in(text: str) -> list[str]:
    """Lines of fenced shell blocks, comments cut off, and everything in backticks."""
    blocks = re.findall(r"^ *```sh\n(.*?)^ *```", text, flags=re.DOTALL | re.MULTILINE)
    lines = [line.split(" #")[0].strip() for block in blocks for line in block.splitlines()]
    return [*lines, *spans(text)]


def first_cells(text: str, head: str) -> list[str]:
    """The first column of the table whose head begins with this cell, without backticks."""
    found = re.search(rf"^\| {re.escape(head)} \|.*\n\|[-|]+\|\n((?:\|.*\n)+)", text, flags=re.MULTILINE)
    assert found, f"no table begins with the column {head!r}"
    return [row.split("|")[1].strip().strip("`") for row in found[1].splitlines()]


def test_generated_parts_are_fresh() -> None:
    assert {path.name for path in documents()} >= {
        "settings.md",
        "data-dictionary.md",
        "api.md",
        "operators.md",
        "categories.md",
        "privacy.md",
    }
    stale = [path.name for path in documents() if regenerated(text := path.read_text("utf-8")) != text]
    assert not stale, f"run `python -m docs.generate` to renew {', '.join(stale)}"


# Settings, commands, tables, targets


def test_every_setting_is_documented() -> None:
    documented = re.findall(r"^\| `ARENA_(\w+)`", read("docs/settings.md"), flags=re.MULTILINE)
    assert sorted(documented) == sorted(name.upper() for name in Settings.model_fields)
    assert all(field.description for field in Settings.model_fields.values())
    assert sum(setting_groups().values(), []) == list(Settings.model_fields)


@pytest.mark.parametrize("guide", GUIDES, ids=lambda path: str(path.relative_to(ROOT)))
def test_guides_name_only_variables_that_exist(guide: Path) -> None:
    known = {f"ARENA_{name.upper()}" for name in Settings.model_fields}
    named = set(re.findall(r"\bARENA_[A-Z_]*[A-Z]\b", guide.read_text(encoding="utf-8")))
    if guide == DOCS / "vllm.md":  # the variables of those tests
        named = {name for name in named if not name.startswith(("ARENA_TEST_VLLM", "ARENA_VLLM_"))}
    assert named <= known


def test_every_command_is_documented() -> None:
    documented = re.findall(
        r"^### `arena ([a-z -]+?)(?: [A-Z ]+)?`$", read("docs/operators.md"), flags=re.MULTILINE
    )
    assert documented == [name for name, _ in walk_commands()]
    assert all(command.help for _, command in walk_commands())


@pytest.mark.parametrize("guide", GUIDES, ids=lambda path: str(path.relative_to(ROOT)))
def test_guides_name_only_commands_and_options_that_exist(guide: Path) -> None:
    known = dict(walk_commands())
    groups = {name.split()[0] for name in known if " " in name}
    for said in commands_in(guide.read_text(encoding="utf-8")):
        if not (called := re.search(r"(?:^|\s|bin/)arena ((?:[a-z][a-z-]*)(?: [a-z]+)?)(.*)", said)):
            continue
        name = called[1] if called[1].split()[0] in groups else called[1].split()[0]
        assert name in known, f"`{said}`: there is no command `arena {name}`"
        options = re.findall(r"--[a-z][a-z-]*", called[2].split(" -- ")[0])
        offered = {option for p in known[name].params for option in (*p.opts, *p.secondary_opts)}
        assert set(options) <= offered, f"`{said}`: {set(options) - offered} is no option of `arena {name}`"


def test_every_table_and_column_is_documented() -> None:
    tables = {table.name: [column.name for column in table.columns] for table in Table.metadata.sorted_tables}
    assert {name: list(columns) for name, columns in column_meanings().items()} == tables, (
        f"see {COLUMNS.name}"
    )
    headings = re.findall(r"^## `(\w+)`$", read("docs/data-dictionary.md"), flags=re.MULTILINE)
    assert sorted(headings) == sorted(tables)


def make_targets() -> set[str]:
    return set(re.findall(r"^([a-z][a-z-]*):", read("Makefile"), flags=re.MULTILINE))


def test_every_make_target_is_documented() -> None:
    assert set(re.findall(r"`make ([a-z-]+)`", read("CONTRIBUTING.md"))) == make_targets()


@pytest.mark.parametrize("guide", GUIDES, ids=lambda path: str(path.relative_to(ROOT)))
def test_guides_name_only_targets_that_exist(guide: Path) -> None:
    said = commands_in(guide.read_text(encoding="utf-8"))
    targets = {found[1] for line in said if (found := re.match(r"make ([a-z-]+)", line))}
    assert targets <= make_targets()


# Routes, events, states, problems


def routes() -> set[str]:
    """`METHOD /path` of every route that a module of the web declares, and of the API's own description."""
    modules = [
        importlib.import_module(f"arena.web.{found.name}")
        for found in pkgutil.iter_modules(arena.web.__path__)
    ]
    declared = [
        route for module in modules for route in getattr(getattr(module, "router", None), "routes", ())
    ]
    own = {
        f"{method} {route.path}"
        for route in declared
        if isinstance(route, APIRoute)
        for method in (route.methods or set()) - {"HEAD", "OPTIONS"}
    }
    return own | {"GET /openapi.json"}


def test_every_route_is_documented_and_no_other() -> None:
    documented = re.findall(
        r"^\| `((?:GET|POST|DELETE|PUT|PATCH) \S+)` \|", read("docs/api.md"), flags=re.MULTILINE
    )
    assert sorted(documented) == sorted(routes())


def test_routes_include_what_the_app_serves() -> None:
    paths = create_app(Settings(secret_key="k" * 32)).openapi()["paths"]
    served = {f"{method.upper()} {path}" for path, methods in paths.items() for method in methods}
    assert len(served) > 15
    assert served <= {route.replace(":path}", "}") for route in routes()}


def test_feed_page_lists_every_feed_route() -> None:
    feed = {path for route in routes() if (path := route.split()[1]).startswith("/feed/")}
    assert set(first_cells(read("docs/feed.md"), "file")) >= feed


def sent_events() -> Iterator[tuple[str, set[str]]]:
    """Every event that readers are sent, encoded by the program, with the fields of its data."""
    turn = LiveTurn("battle", 0, Release(policy="raw", interval_seconds=1, characters=1))
    turn.write("a", "One line.\n\n")
    place = Position(0, 1, 0)
    for encode in (TextEvents(), HtmlEvents(turn)):
        for kind in get_args(FrameKind):
            ending = kind == "turn_end"
            frame = Frame(
                kind, place, None if ending else "a", "One line.\n\n", "answered" if ending else None
            )
            for name, data in re.findall(rb"event: (\w+)\nid: \S+\ndata: (.*)\n\n", encode(frame)):
                yield name.decode(), set(json.loads(data))


def test_every_event_is_documented_with_its_fields() -> None:
    rows = re.findall(
        r"^\| `(\w+)` \| (?:text|html|both) \| (.*?) \|", read("docs/api.md"), flags=re.MULTILINE
    )
    documented = {name: set(re.findall(r"`(\w+)`", fields)) for name, fields in rows}
    sent = dict(sent_events())
    assert set(sent) == {"delta", "block", "side_end", "error", "turn_end"}
    assert documented == sent


def test_every_state_is_explained() -> None:
    states = sorted(get_args(BattleState))
    assert sorted(first_cells(read("docs/api.md"), "battle")) == states
    assert sorted(first_cells(read("docs/operators.md"), "state")) == states
    assert set(get_args(TurnState)) <= set(spans(read("docs/api.md")))


def test_every_problem_is_documented() -> None:
    assert first_cells(read("docs/api.md"), "slug") == sorted({kind.slug for kind in tree()})


def test_every_cookie_header_and_winner_is_documented() -> None:
    api = read("docs/api.md")
    assert set(first_cells(api, "cookie")) == {COOKIE, PUBLISH_COOKIE, THEME_COOKIE, KEYS_COOKIE}
    assert {SIMULATED_HEADER, "Arena-Server", "X-Request-Id"} <= set(first_cells(api, "header"))
    assert set(WINNERS) <= set(spans(api))


def test_fields_of_the_feed_are_documented() -> None:
    feed, board = read("docs/feed.md"), SCHEMAS["leaderboard"]["properties"]
    rows = re.findall(r"^\| (`.*?`) \|", feed, flags=re.MULTILINE)
    documented = {name for row in rows for name in re.findall(r"`([$\w]+)`", row)}
    assert documented >= set(board) | set(board["entries"]["items"]["properties"])
    robustness = SCHEMAS["robustness"]["properties"]
    parts = (robustness[name]["items"]["properties"] for name in ("neighbours", "models"))
    assert documented >= set(robustness).union(*parts)


def test_log_events_of_the_guide_exist() -> None:
    source = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "arena").rglob("*.py"))
    named = [
        name for cell in first_cells(read("docs/operators.md"), "event") for name in re.findall(r"\w+", cell)
    ]
    assert len(named) > 10
    assert [name for name in named if f'"{name}"' not in source] == []


# Files, links, examples


def anchors(path: Path) -> set[str]:
    headings = re.findall(r"^#+ (.*)$", path.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("guide", GUIDES, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(guide: Path) -> None:
    for link in re.findall(r"\]\(([^)\s]+)\)", guide.read_text(encoding="utf-8")):
        if "://" in link:
            continue
        name, _, anchor = link.partition("#")
        target = guide.parent / name if name else guide
        assert target.exists(), f"{link} does not exist"
        assert not anchor or anchor in anchors(target), f"{link} has no such heading"


@pytest.mark.parametrize("guide", GUIDES, ids=lambda path: str(path.relative_to(ROOT)))
def test_files_in_backticks_exist(guide: Path) -> None:
    folders = r"(?:arena|ratings|docs|tests|templates|migrations|benchmarks)"
    for span in spans(guide.read_text(encoding="utf-8")):
        if re.fullmatch(rf"{folders}/[\w./-]*", span):
            assert (ROOT / span).exists(), f"{span} does not exist"


def test_every_screenshot_is_shown() -> None:
    shown = " ".join(guide.read_text("utf-8") for guide in GUIDES)
    pictures = sorted(path.name for path in (DOCS / "screenshots").iterdir())
    assert [name for name in pictures if f"screenshots/{name}" not in shown] == []


def test_map_of_the_service_names_every_file_and_no_other() -> None:
    service = ROOT / "arena"
    files = {str(path.relative_to(service)) for path in service.rglob("*.py")}
    rows = [row for row in read("arena/README.md").splitlines() if row.startswith("| `")]
    named = [name for row in rows for name in re.findall(r"`([\w/]+\.py)`", row.split("|")[1])]
    assert sorted(named) == sorted(files)


def test_every_module_of_ratings_has_its_place() -> None:
    text = read("ratings/METHODS.md")
    rows = text[text.index("## Where things are") : text.index("## References")]
    files = {path.stem for path in (ROOT / "ratings").glob("*.py")} - {"__init__"}
    assert sorted(re.findall(r"`(\w+)`", rows)) == sorted(files)


def test_example_catalog_is_a_catalog() -> None:
    (model,) = read_catalog(DOCS / "examples" / "catalog.toml").model
    assert len(model.endpoint) == 2
    assert model.license is not None


def test_commented_examples_of_the_catalog_are_valid_too(tmp_path: Path) -> None:
    hidden = re.findall(r"^# (\[\[.*|\w+ = .*)$", read("docs/examples/catalog.toml"), flags=re.MULTILINE)
    (tmp_path / "catalog.toml").write_text("\n".join(hidden))
    assert [len(model.endpoint) for model in read_catalog(tmp_path / "catalog.toml").model] == [1, 1, 1]


def test_example_for_researchers_runs(capsys: pytest.CaptureFixture[str]) -> None:
    example = re.search(r"```python\n(.*?)```", read("docs/researchers.md"), flags=re.DOTALL)
    assert example
    exec(compile(example[1], "docs/researchers.md", "exec"), {})
    printed = capsys.readouterr().out
    assert all(model in printed for model in ("ant", "bee", "cat"))


def test_example_of_a_problem_is_what_is_sent() -> None:
    example = re.search(r'```json\n(\{"type".*?\})\n```', read("docs/api.md"), flags=re.DOTALL)
    assert example
    said = json.loads(example[1])
    kind = next(kind for kind in tree() if said["type"].endswith(f"#{kind.slug}"))
    assert (said["title"], said["status"], said["detail"]) == (kind.title, kind.status, kind().detail)


def test_schemas_are_schemas() -> None:
    for schema in SCHEMAS.values():
        jsonschema.Draft202012Validator.check_schema(schema)


def test_version_is_said_once_and_alike() -> None:
    project = tomllib.loads(read("pyproject.toml"))["project"]["version"]
    assert project == arena.__version__
    assert f"## [{project}]" in read("CHANGELOG.md")
    assert "## [Unreleased]" in read("CHANGELOG.md")
