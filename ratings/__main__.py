"""Rate the models of a file of votes: python -m ratings fit VOTES."""

import argparse
import importlib.util
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pandas as pd

from ratings.errors import RatingsError, UnreadableVotesError
from ratings.leaderboard import Leaderboard, leaderboard

BAD_INPUT = 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit status."""
    options = _parser().parse_args(arguments)
    try:
        board = leaderboard(read_votes(options.votes), confidence=options.confidence)
        if options.out:
            options.out.write_text(json.dumps(board.as_dict(), indent=2, allow_nan=False) + "\n")
    except (RatingsError, OSError) as error:
        print(f"ratings: {error}", file=sys.stderr)
        return BAD_INPUT
    print(_describe(board))
    return 0


def read_votes(path: Path) -> pd.DataFrame:
    """Read a table of battles from a CSV, JSON Lines or Parquet file."""
    readers: dict[str, Callable[[Path], pd.DataFrame]] = {
        ".csv": _read_csv,
        ".jsonl": lambda path: pd.read_json(path, lines=True, dtype=False),
        ".parquet": _read_parquet,
    }
    if path.suffix not in readers:
        raise UnreadableVotesError(
            f"{path} does not end in {', '.join(readers)}: convert or rename the file."
        )
    try:
        return readers[path.suffix](path)
    except RatingsError:
        raise
    except ValueError as error:
        raise UnreadableVotesError(f"{path} cannot be read as {path.suffix[1:]}: {error}.") from error


def _read_csv(path: Path) -> pd.DataFrame:
    # Only an empty cell is a missing value: "NA" and "007" are names like others.
    return pd.read_csv(path, dtype=str, keep_default_na=False, na_values=[""])


def _read_parquet(path: Path) -> pd.DataFrame:
    if importlib.util.find_spec("pyarrow") is None:
        raise UnreadableVotesError(
            f"{path}: Parquet files need the package pyarrow. Install it, or convert the file to .csv or .jsonl."
        )
    return pd.read_parquet(path)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m ratings", description="Ratings from pairwise votes.")
    commands = parser.add_subparsers(dest="command", required=True)
    fit = commands.add_parser("fit", help="rate the models of a file of votes")
    fit.add_argument(
        "votes",
        type=Path,
        metavar="VOTES",
        help=".csv, .jsonl or .parquet with columns model_a, model_b, winner [, voter, count, weight]",
    )
    fit.add_argument("--out", type=Path, metavar="BOARD.json", help="also write the leaderboard as JSON")
    fit.add_argument("--confidence", type=float, default=0.95, help="of each interval (default: %(default)s)")
    return parser


def _describe(board: Leaderboard) -> str:
    parameters = board.method["parameters"]
    dependence = (
        f"votes clustered by {parameters['cluster']}" if parameters["cluster"] else "independent votes"
    )
    lines = [
        f"{board.votes} votes, {len(board.table)} models; Bradley-Terry, ties as half wins, "
        f"{parameters['confidence']:.0%} intervals, {dependence}",
        "",
        _format_table(board.table),
    ]
    if board.unrated:
        lines += ["", "Not rated:", *(f"  {name}: {reason}" for name, reason in board.unrated.items())]
    return "\n".join(lines)


def _format_table(table: pd.DataFrame) -> str:
    shown = pd.DataFrame(
        {
            "ranks": [
                _format_ranks(*ranks) for ranks in zip(table.rank_lower, table.rank_upper, strict=True)
            ],
            "model": table.model,
            **{
                name: table[name].map("{:.1f}".format, na_action="ignore")
                for name in ("rating", "lower", "upper")
            },
            "battles": table.battles,
            "win_rate": table.win_rate.map("{:.3f}".format, na_action="ignore"),
        }
    )
    return shown.to_string(index=False, na_rep="-") if len(shown) else "(no models)"


def _format_ranks(lower: int, upper: int) -> str:
    if pd.isna(lower):
        return "-"
    return str(lower) if lower == upper else f"{lower}-{upper}"


if __name__ == "__main__":
    sys.exit(main())
