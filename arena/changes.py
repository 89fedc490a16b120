"""What changed between two snapshots: models, rank ranges, what is said of a model, the method, the program."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

RANKS = ("rank_lower", "rank_upper")
CORRECTED = ("organization", "license", "open_weights", "parameters_billions")


@dataclass(frozen=True, kw_only=True)
class Said:
    """What a snapshot said, as far as its changes are told."""

    boards: Mapping[str, Mapping[str, Any]]  # the main board of each population, as in its file
    method: Mapping[str, Any]
    code_version: str


def changes_between(before: Said, after: Said) -> dict[str, Any]:
    """The changes as the feed tells them; `has_changes` says whether there are any."""
    return {
        "boards_added": sorted(after.boards.keys() - before.boards.keys()),
        "boards_left": sorted(before.boards.keys() - after.boards.keys()),
        "boards": {
            name: found
            for name in after.boards
            if name in before.boards
            and any((found := board_changes(before.boards[name], after.boards[name])).values())
        },
        "method": list(_differences(before.method, after.method)),
        "code_version": list(
            _differences({"code_version": before.code_version}, {"code_version": after.code_version})
        ),
    }


def has_changes(changes: Mapping[str, Any]) -> bool:
    """Whether anything changed but what is the same on every day."""
    return any(changes[name] for name in ("boards_added", "boards_left", "boards", "method", "code_version"))


def board_changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    """What changed on one board."""
    old = {entry["model"]: entry for entry in before["entries"]}
    new = {entry["model"]: entry for entry in after["entries"]}
    both = [model for model in new if model in old]
    return {
        "models_added": [model for model in new if model not in old],
        "models_left": [model for model in old if model not in new],
        "models_retired": [model for model in both if _turned(old[model], new[model], "retired")],
        "models_returned": [model for model in both if _turned(old[model], new[model], "active")],
        "ranks": [
            {"model": model, "before": _ranks(old[model]), "after": _ranks(new[model])}
            for model in both
            if _ranks(old[model]) != _ranks(new[model])
        ],
        "corrections": [
            {"model": model, **difference}
            for model in both
            for difference in _differences(_facts(old[model]), _facts(new[model]))
        ],
    }


def in_words(changes: Mapping[str, Any], titles: Mapping[str, str]) -> list[str]:
    """A sentence for each kind of change on each board."""
    said = [f"New board: {titles.get(name, name)}." for name in changes["boards_added"]]
    said += [f"The board {name} is gone." for name in changes["boards_left"]]
    for name, board in changes["boards"].items():
        said += [f"{titles.get(name, name)}: {words}" for words in _board_in_words(board)]
    said += [f"Method, {each['name']}: {each['before']} → {each['after']}." for each in changes["method"]]
    said += [f"Program: version {each['before']} → {each['after']}." for each in changes["code_version"]]
    return said


def _board_in_words(board: Mapping[str, Any]) -> Iterator[str]:
    for kind, words in (
        ("models_added", "new"),
        ("models_left", "no longer listed"),
        ("models_retired", "retired"),
        ("models_returned", "active again"),
    ):
        if board[kind]:
            yield f"{words}: {', '.join(board[kind])}."
    if board["ranks"]:
        moved = [
            f"{each['model']} {_range(each['before'])} → {_range(each['after'])}" for each in board["ranks"]
        ]
        yield f"ranks: {', '.join(moved)}."
    for each in board["corrections"]:
        before, after = ("not stated" if each[when] is None else each[when] for when in ("before", "after"))
        yield f"{each['name']} of {each['model']} corrected from {before} to {after}."


def _range(ranks: Sequence[int | None]) -> str:
    lower, upper = ranks
    return "unrated" if lower is None else str(lower) if lower == upper else f"{lower}–{upper}"


def _turned(old: Mapping[str, Any], new: Mapping[str, Any], status: str) -> bool:
    return old.get("status") != status and old.get("status") is not None and new.get("status") == status


def _ranks(entry: Mapping[str, Any]) -> list[int | None]:
    return [entry[name] for name in RANKS]


def _facts(entry: Mapping[str, Any]) -> dict[str, Any]:
    return {name: entry.get(name) for name in CORRECTED}


def _differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for name in sorted(before.keys() | after.keys()):
        old, new = before.get(name), after.get(name)
        if old != new:
            yield {"name": name, "before": old, "after": new}
