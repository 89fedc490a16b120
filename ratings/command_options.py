"""The options of the command line."""

import argparse
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

from ratings.errors import InvalidOptionError
from ratings.plotting import FORMATS
from ratings.vote_files import vote_files_in

BAD_INPUT = 2

_FILES = ".csv, .tsv, .json, .jsonl (also .gz), .parquet, or a folder of files of one format"
_LARGEST_RATING = 1e6
_TIE_RATE = 0.35
_EXAMPLES = """examples:
  python -m ratings fit votes.csv --out board.json --plot board.svg
  python -m ratings fit battles/ --style --anchor mixtral-8x7b=1114
  python -m ratings fit votes.csv --columns model_a=first,model_b=second,winner=choice
  python -m ratings compare march.parquet april.parquet
  python -m ratings plan --difference 10 --tie-rate 0.35
  python -m ratings plan votes.parquet --top 10
  python -m ratings verify 2026-11/"""


class _Parser(argparse.ArgumentParser):
    """A parser that says what is wrong in one line."""

    def error(self, message: str) -> NoReturn:
        self.exit(BAD_INPUT, f"ratings: {message}; see {self.prog} --help\n")


def check_options(options: argparse.Namespace) -> None:
    """Raise InvalidOptionError where options do not go together, or a result would overwrite something."""
    if options.command == "fit":
        _check_history(options)
        if options.plot and options.plot.suffix.lower() not in FORMATS:
            raise InvalidOptionError(
                f"{options.plot} does not end in {' or '.join(FORMATS)}: name the plot so."
            )
    if options.command == "compare" and options.first.resolve() == options.second.resolve():
        raise InvalidOptionError(f"{options.first} is given twice: a comparison takes two sets of votes.")
    if options.command == "plan":
        _check_plan(options)
    if options.command != "verify":
        _check_outputs(options)


def _check_history(options: argparse.Namespace) -> None:
    others = {
        "--style": options.style,
        "--features": options.features,
        "--side-bias": options.side_bias,
        f"--ties {options.ties}": options.ties != "half",
    }
    for option, chosen in others.items():
        if options.history and chosen:
            raise InvalidOptionError(
                f"--history rates by half wins without style, so it does not go with {option}: leave one of them out."
            )


def _check_plan(options: argparse.Namespace) -> None:
    if not options.votes and options.difference is None:
        raise InvalidOptionError(
            "A plan starts from a file of votes, or from --difference POINTS without one: name one of them."
        )
    without = {"--tie-rate": "tie_rate", "--design-effect": "design_effect", "--board": "board"}
    for option, name in without.items():
        if options.votes and getattr(options, name) is not None:
            raise InvalidOptionError(
                f"{option} is for a plan without votes; with VOTES it is taken from them: leave one of them out."
            )
    options.tie_rate = _TIE_RATE if options.tie_rate is None else options.tie_rate
    options.design_effect = 1.0 if options.design_effect is None else options.design_effect


def _check_outputs(options: argparse.Namespace) -> None:
    """Refuse to write over what is read or written otherwise."""
    plot = getattr(options, "plot", None)
    if options.out and plot and options.out.resolve() == plot.resolve():
        raise InvalidOptionError(f"--out and --plot both name {plot}: give them different names.")
    paths = [options.first, options.second] if options.command == "compare" else options.votes
    read = {file.resolve() for file in vote_files_in(paths)} if paths else set()
    for option, path in (("--out", options.out), ("--plot", plot)):
        if path and path.resolve() in read:
            raise InvalidOptionError(f"{option} would overwrite the votes in {path}: name another file.")


def command_parser() -> argparse.ArgumentParser:
    """Build the parser of ``python -m ratings``."""
    parser = _Parser(
        prog="python -m ratings",
        description="Ratings from pairwise votes.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    _add_fit(commands.add_parser("fit", help="rate the models of files of votes"))
    _add_compare(commands.add_parser("compare", help="compare the ratings of two files of votes"))
    _add_plan(commands.add_parser("plan", help="how many votes it takes to tell models apart"))
    _add_verify(
        commands.add_parser("verify", help="check a release: its files, its signature, its leaderboards")
    )
    return parser


def _add_fit(fit: argparse.ArgumentParser) -> None:
    fit.description = "Rate the models of files of votes: Bradley-Terry with intervals and ranks."
    fit.add_argument("votes", type=Path, nargs="+", metavar="VOTES", help=_FILES)
    fit.add_argument("--style", action="store_true", help="control for tokens, headers, lists and bold")
    fit.add_argument(
        "--features", type=_features, metavar="A,B", help="control for these style features instead"
    )
    fit.add_argument(
        "--ties",
        choices=("half", "rao-kupper", "davidson", "grounded"),
        default="half",
        help="what a tie is (default: %(default)s a win for each)",
    )
    fit.add_argument(
        "--anchor", type=_anchor, metavar="NAME=RATING", help="fix the scale at one model's rating"
    )
    fit.add_argument(
        "--in-parts",
        nargs="?",
        const="here",
        choices=("here", "ray"),
        help="Parquet files larger than memory: read in chunks here, or spread over a Ray cluster",
    )
    fit.add_argument("--side-bias", action="store_true", help="control for standing on side a")
    fit.add_argument(
        "--intervals",
        choices=("sandwich", "bootstrap"),
        default="sandwich",
        help="how intervals are found (default: %(default)s)",
    )
    fit.add_argument(
        "--ranks",
        choices=("simultaneous", "anytime", "intervals"),
        default="simultaneous",
        help="which claims hold together: all ranks (default), all at every look, or those of single intervals",
    )
    fit.add_argument(
        "--plot", type=Path, metavar="BOARD.svg", help="draw ratings and intervals; .svg or .png"
    )
    fit.add_argument(
        "--history", choices=("day", "week", "month"), help="also rate at the end of each period"
    )
    _add_shared(fit)


def _add_compare(compare: argparse.ArgumentParser) -> None:
    compare.description = "Compare two independent sets of votes: what moved, and by more than chance."
    compare.add_argument("first", type=Path, metavar="A", help=_FILES)
    compare.add_argument("second", type=Path, metavar="B")
    _add_shared(compare)


def _add_plan(plan: argparse.ArgumentParser) -> None:
    plan.description = (
        "How many votes tell models apart; with VOTES, from the board, ties and voters as they are."
    )
    plan.add_argument("votes", type=Path, nargs="*", metavar="VOTES", help=_FILES)
    wanted = plan.add_mutually_exclusive_group()
    wanted.add_argument(
        "--difference", type=float, metavar="POINTS", help="two models that differ by so much"
    )
    wanted.add_argument("--models", nargs=2, metavar=("A", "B"), help="these two models of the file")
    wanted.add_argument(
        "--top", type=int, metavar="K", help="each of the best K models from the next (default with VOTES: 5)"
    )
    plan.add_argument(
        "--power", type=float, default=0.8, help="chance to see it by then (default: %(default)s)"
    )
    without = plan.add_argument_group("without VOTES")
    without.add_argument(
        "--tie-rate", type=float, metavar="SHARE", help=f"share of ties (default: {_TIE_RATE})"
    )
    without.add_argument("--design-effect", type=float, metavar="FACTOR", help="of voters (default: 1)")
    without.add_argument("--board", type=int, metavar="N", help="also plan for a balanced board of N models")
    _add_shared(plan)


def _add_verify(verify: argparse.ArgumentParser) -> None:
    verify.description = (
        "Check a release by nothing but its files; the exit status is 1 where something is wrong."
    )
    verify.add_argument("release", type=Path, metavar="DIR", help="folder that holds release.json")
    verify.add_argument(
        "--key", type=Path, metavar="FILE", help="public key (PEM) that must have signed it, from its arena"
    )


def _add_shared(command: argparse.ArgumentParser) -> None:
    command.epilog = _EXAMPLES
    command.formatter_class = argparse.RawDescriptionHelpFormatter
    command.add_argument("--confidence", type=float, default=0.95, help="of intervals (default: %(default)s)")
    command.add_argument(
        "--cluster",
        type=_column,
        metavar="COLUMN",
        default="voter",
        help="whose votes depend on each other; none: all independent (default: voter, where there is one)",
    )
    command.add_argument(
        "--columns",
        type=_mapping,
        metavar="OURS=THEIRS,...",
        help="columns of an unknown layout, by our names",
    )
    command.add_argument(
        "--include-named",
        action="store_true",
        help="keep votes on named models (anony is false) or not counted",
    )
    command.add_argument("--out", type=Path, metavar="FILE.json", help="also write the result as JSON")
    command.add_argument("--json", action="store_true", help="print JSON instead of text")


def _parsed(parse: Callable[[str], Any], expected: str) -> Callable[[str], Any]:
    def convert(text: str) -> Any:
        try:
            return parse(text)
        except ValueError as error:
            raise argparse.ArgumentTypeError(f"{text!r} is not {expected}") from error

    return convert


def _features_of(text: str) -> tuple[str, ...]:
    names = tuple(name.strip() for name in text.split(","))
    if not all(names):
        raise ValueError(text)
    return names


def _column_of(text: str) -> str:
    if not text.strip():
        raise ValueError(text)
    return text.strip()


def _anchor(text: str) -> tuple[str, float]:
    try:
        name, number = _split_pair(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME=RATING") from error
    try:
        rating = float(number)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{number!r} in {text!r} is no number; write NAME=RATING") from error
    if not (math.isfinite(rating) and abs(rating) <= _LARGEST_RATING):
        raise argparse.ArgumentTypeError(f"{number!r} in {text!r} is no rating between -1000000 and 1000000")
    return name, rating


def _split_pair(text: str) -> tuple[str, str]:
    left, equals, right = text.rpartition("=")
    if not (left.strip() and equals and right.strip()):
        raise ValueError(text)
    return left.strip(), right.strip()


_features = _parsed(_features_of, "a list of features such as tokens,bold; leave --features out for none")
_column = _parsed(_column_of, "the name of a column; write none for independent votes")
_mapping = _parsed(lambda text: dict(map(_split_pair, text.split(","))), "OURS=THEIRS,...")
