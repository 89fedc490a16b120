"""The command line: python -m ratings fit | compare | plan | verify."""

import argparse
import io
import json
import os
import re
import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from ratings.arrays import ModelId
from ratings.board_comparison import compare_boards
from ratings.board_text import (
    describe_board,
    describe_comparison,
    describe_difference,
    describe_difference_plan,
    describe_history,
    describe_method,
    describe_plan,
)
from ratings.command_options import BAD_INPUT, check_options, command_parser
from ratings.comparisons import Comparisons
from ratings.errors import InvalidComparisonsError, InvalidOptionError, RatingsError
from ratings.leaderboard import Leaderboard, leaderboard, records
from ratings.planning import difference_plan, separation_plan, votes_to_separate
from ratings.plotting import plot_ratings
from ratings.progress import Progress, progress
from ratings.reading import Reading, read_votes_with_notes
from ratings.scale import RATING_CENTRE

WRONG_RELEASE = 1
BROKEN_PIPE = 141
INTERRUPTED = 130

PUBLISHED_FEATURES = ("tokens", "headers", "lists", "bold")
_WIDTH_OF_A_PIPE = 80
_TOP = 5
_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]")


class _Answer(NamedTuple):
    """What to print, and what went wrong beside it."""

    text: str
    problem: RatingsError | OSError | None = None
    status: int = 0


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit status."""
    options = command_parser().parse_args(arguments)
    try:
        check_options(options)
        with progress(sys.stderr) as shown:
            answer = _COMMANDS[options.command](options, shown)
        if isinstance(sys.stdout, io.TextIOWrapper):
            sys.stdout.reconfigure(errors="replace")
        print(_printable(answer.text), flush=True)
        if answer.problem:
            raise answer.problem
    except BrokenPipeError:
        # The reader of our output, such as head, has enough; Python would complain again on its way out.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return BROKEN_PIPE
    except KeyboardInterrupt:
        return INTERRUPTED
    except (RatingsError, OSError) as error:
        hint = (
            f" See python -m ratings {options.command} --help."
            if isinstance(error, InvalidOptionError)
            else ""
        )
        print(_printable(f"ratings: {_said(error)}{hint}"), file=sys.stderr)
        return BAD_INPUT
    return answer.status


def _said(error: RatingsError | OSError) -> str:
    """What went wrong, without the number that the system has for it."""
    if isinstance(error, OSError) and error.filename is not None and error.strerror:
        return f"{error.filename}: {error.strerror}. Check the path."
    return str(error)


def _fit(options: argparse.Namespace, shown: Progress) -> _Answer:
    if options.in_parts:
        return _fit_parts(options, shown)
    reading = _read(options.votes, options, shown, dates=options.history is not None)
    if options.anchor and not isinstance(reading.votes.model_a.iloc[0], str):
        options.anchor = _anchor(options, Comparisons.from_battles(reading.votes))
    shown.step(f"Rating {len(reading.votes):,} rows")
    board = leaderboard(reading.votes, **_board_options(options, list(reading.votes.columns), reading.notes))
    document = board.as_dict()
    history = None
    if options.history:
        history = _history(reading.votes, options, shown)
        document["history"] = json.loads(history.to_json(orient="records", date_format="iso", date_unit="s"))
    _write_json(document, options)
    problem = _plot(board, options)
    if options.json:
        return _Answer(_with_notes_aside(document, reading.notes), problem)
    width = _width()
    parts = ["\n".join(reading.notes), describe_board(board, width=width)]
    if history is not None:
        parts.append("\n" + describe_history(history, options.history, width=width))
    return _Answer("\n".join(part for part in parts if part), problem)


def _fit_parts(options: argparse.Namespace, shown: Progress) -> _Answer:
    """Rate Parquet files without holding their votes in memory."""
    from ratings.parts import Parts

    if options.history or options.columns:
        raise InvalidOptionError(
            "--in-parts reads our own columns and gives no history: leave out the other option."
        )
    parts = Parts.from_parquet(
        options.votes, on=options.in_parts, progress=lambda done, of: shown.step(f"Part {done} of {of}")
    )
    if options.anchor and options.anchor[0].lstrip("-").isdecimal():
        options.anchor = _anchor(options, parts.count())
    board = leaderboard(parts, **_board_options(options, parts.columns))
    if not board.votes:
        raise InvalidComparisonsError(_no_votes(options.votes))
    _write_json(board.as_dict(), options)
    problem = _plot(board, options)
    text = _with_notes_aside(board.as_dict(), ()) if options.json else describe_board(board, width=_width())
    return _Answer(text, problem)


def _anchor(options: argparse.Namespace, comparisons: Comparisons) -> tuple[ModelId, float]:
    name, rating = options.anchor
    return _model(name, comparisons), rating


def _model(text: str, comparisons: Comparisons) -> ModelId:
    """Return the model that is written so: names may be whole numbers or other identifiers."""
    return {str(model): model for model in comparisons.models}.get(text, text)


def _board_options(
    options: argparse.Namespace, columns: Sequence[str], notes: Sequence[str] = ()
) -> dict[str, Any]:
    names = ("confidence", "ties", "side_bias", "intervals", "ranks", "anchor")
    chosen = {name: getattr(options, name) for name in names} | {"cluster": _cluster(options)}
    if options.style or options.features:
        chosen["style"] = options.features or _published_features(columns, notes)
    return chosen


def _published_features(columns: Sequence[str], notes: Sequence[str]) -> tuple[str, ...]:
    present = tuple(name for name in PUBLISHED_FEATURES if f"{name}_a" in columns)
    if not present:
        found = sorted(str(name)[:-2] for name in columns if str(name).endswith("_a") and name != "model_a")
        why = "".join(f" ({note.rstrip('.')})" for note in notes if "no style feature" in note)
        raise InvalidOptionError(
            "--style needs columns such as tokens_a and tokens_b; "
            f"found features: {', '.join(found) or 'none'}{why}. "
            "Name the ones to use with --features, or map columns with --columns tokens_a=COLUMN,tokens_b=COLUMN."
        )
    return present


def _history(votes: pd.DataFrame, options: argparse.Namespace, shown: Progress) -> pd.DataFrame:
    from ratings.history import history

    if "date" not in votes:
        raise InvalidOptionError("--history needs dates: map a column with --columns date=COLUMN.")
    shown.step(f"Rating each {options.history}")
    anchor, rating = options.anchor or (None, RATING_CENTRE)
    table = history(
        votes, every=options.history, anchor=anchor, cluster=_cluster(options), confidence=options.confidence
    )
    bounds = ["rating", "lower", "upper"]
    return table.assign(**{name: table[name] + rating - RATING_CENTRE for name in bounds})


def _plot(board: Leaderboard, options: argparse.Namespace) -> RatingsError | OSError | None:
    """Draw the plot that is asked for, and return what stood against it: the board is printed in any case."""
    if not options.plot:
        return None
    title = ", ".join(path.name for path in options.votes[:3])
    try:
        notes = plot_ratings(board.table, options.plot, title=title, caption=describe_method(board))
    except (RatingsError, OSError) as error:
        return error
    for note in notes:
        print(note, file=sys.stderr)
    return None


def _compare(options: argparse.Namespace, shown: Progress) -> _Answer:
    paths = (options.first, options.second)
    readings = [_read([path], options, shown) for path in paths]
    shown.step("Comparing")
    first, second = (reading.votes for reading in readings)
    comparison = compare_boards(
        first,
        second,
        cluster=_cluster(options),
        confidence=options.confidence,
        names=(str(paths[0]), str(paths[1])),
    )
    notes = [note for reading in readings for note in reading.notes]
    document = {
        "first": str(paths[0]),
        "second": str(paths[1]),
        "votes": list(comparison.votes),
        "confidence": comparison.confidence,
        "cluster": list(comparison.cluster),
        "correlation": _null_if_nan(comparison.correlation),
        "rank_correlation": _null_if_nan(comparison.rank_correlation),
        "models": records(comparison.table),
        "only_first": list(comparison.only_first),
        "only_second": list(comparison.only_second),
    }
    _write_json(document, options)
    if options.json:
        return _Answer(_with_notes_aside(document, notes))
    text = describe_comparison(comparison, [str(path) for path in paths], width=_width())
    return _Answer("\n".join([*notes, text]))


def _plan(options: argparse.Namespace, shown: Progress) -> _Answer:
    if not options.votes:
        return _plan_without_votes(options)
    reading = _read(options.votes, options, shown)
    shown.step("Planning")
    cluster = _cluster(options)
    column = cluster if cluster != "voter" or "voter" in reading.votes else None
    comparisons = Comparisons.from_battles(reading.votes, cluster=column)
    chosen = {"confidence": options.confidence, "power": options.power}
    document: dict[str, Any]
    if options.difference is not None:
        known = difference_plan(comparisons, options.difference, **chosen)
        document = chosen | vars(known)
        text = describe_difference_plan(known, **chosen, width=_width())
    else:
        named = [_model(text, comparisons) for text in options.models or ()]
        pairs = [(named[0], named[1])] if named else []
        top = options.top if pairs or options.top is not None else _best(comparisons)
        plan = separation_plan(comparisons, pairs=pairs, top=top, **chosen)
        document = {**chosen, "pairs": records(plan)}
        text = describe_plan(plan, **chosen, width=_width())
    _write_json(document, options)
    if options.json:
        return _Answer(_with_notes_aside(document, reading.notes))
    return _Answer("\n".join([*reading.notes, text]))


def _best(comparisons: Comparisons) -> int:
    """Return how many of the best models are told from the next one where nobody says it."""
    groups = comparisons.strongly_connected()
    return max(min(_TOP, len(groups[0]) - 1), 1) if groups else 1


def _verify(options: argparse.Namespace, shown: Progress) -> _Answer:
    """Check a release; what is wrong with it makes the exit status 1."""
    from ratings.release.manifest import read_manifest
    from ratings.release.report import describe_checks
    from ratings.release.verification import examine

    checks = [*examine(options.release, options.key, begins=lambda name: shown.step(f"Checking {name}"))]
    wrong = any(check.findings for check in checks)
    said = describe_checks(read_manifest(options.release), checks, is_key_demanded=options.key is not None)
    return _Answer(said, status=WRONG_RELEASE if wrong else 0)


def _plan_without_votes(options: argparse.Namespace) -> _Answer:
    chosen = {name: getattr(options, name) for name in ("tie_rate", "design_effect", "confidence", "power")}
    direct = votes_to_separate(options.difference, **chosen)
    board = votes_to_separate(options.difference, models=options.board, **chosen) if options.board else None
    document = {"difference": options.difference, **chosen, "direct_votes_needed": direct}
    if board is not None:
        document |= {"models": options.board, "votes_needed": board}
    _write_json(document, options)
    if options.json:
        return _Answer(_with_notes_aside(document, ()))
    text = describe_difference(options.difference, direct, board, options.board, chosen, width=_width())
    return _Answer(text)


def _read(
    paths: Sequence[Path], options: argparse.Namespace, shown: Progress, *, dates: bool = False
) -> Reading:
    features = getattr(options, "features", ()) or (None if getattr(options, "style", False) else ())
    cluster = _cluster(options)
    reading = read_votes_with_notes(
        paths,
        columns=options.columns,
        features=features,
        dates=dates,
        keep=[cluster] if cluster not in (None, "voter") else [],
        include_named=options.include_named,
        complete=[*([cluster] if cluster else []), *(["date"] if dates else [])],
        on_file=lambda path: shown.step(f"Reading {path}"),
    )
    counts = reading.votes.get("count")
    if reading.votes.empty or (counts is not None and not counts.any()):
        raise InvalidComparisonsError(_no_votes(paths, reading.notes))
    return reading


def _no_votes(paths: Sequence[Path], notes: Sequence[str] = ()) -> str:
    return "; ".join([f"There are no votes in {', '.join(map(str, paths))}", *notes]) + "."


def _cluster(options: argparse.Namespace) -> str | None:
    return None if options.cluster == "none" else str(options.cluster)


def _write_json(document: Mapping[str, Any], options: argparse.Namespace) -> None:
    if options.out:
        options.out.write_text(json.dumps(document, indent=2, allow_nan=False, default=str) + "\n")


def _with_notes_aside(document: Mapping[str, Any], notes: Sequence[str]) -> str:
    """Return the JSON, with the notes said where they are not in its way."""
    for note in notes:
        print(_printable(note), file=sys.stderr)
    return json.dumps(document, indent=2, allow_nan=False, default=str)


def _printable(text: str) -> str:
    """Replace control characters: a model's name may come from anywhere, and shall not steer a terminal."""
    return _CONTROL.sub("\N{REPLACEMENT CHARACTER}", text)


def _null_if_nan(value: float) -> float | None:
    return None if value != value else value


def _width() -> int:
    """Return the width of the terminal; 80 where the output goes elsewhere."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else _WIDTH_OF_A_PIPE


_COMMANDS: Mapping[str, Callable[[argparse.Namespace, Progress], _Answer]] = {
    "fit": _fit,
    "compare": _compare,
    "plan": _plan,
    "verify": _verify,
}


if __name__ == "__main__":
    sys.exit(main())
