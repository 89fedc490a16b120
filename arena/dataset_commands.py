"""The commands `arena dataset …`."""

from pathlib import Path
from typing import Annotated

import typer

from arena.commands import console, fit_all, in_transaction, with_database
from arena.dataset import votes_files

dataset_app = typer.Typer(no_args_is_help=True, help="Import votes, export releases.")


@dataset_app.command("import")
def dataset_import(
    file: Annotated[
        Path, typer.Argument(help="CSV or JSONL with model_a, model_b, winner and optionally voter.")
    ],
    board: Annotated[str | None, typer.Option(help="Name of the board; the file's name by default.")] = None,
    origin: Annotated[str | None, typer.Option(help="Where the votes come from.")] = None,
    license: Annotated[str | None, typer.Option(help="Their licence.")] = None,
) -> None:
    """Import votes as a leaderboard of their own; importing the same file again changes nothing."""
    read = votes_files.read_votes(file)
    name = votes_files.board_name(board or file.stem)
    new = in_transaction(
        lambda session: votes_files.import_votes(session, read, name, origin=origin, license=license)
    )
    console.print(f"{new} new votes on the board {name!r}; {len(read.rejects)} rows rejected.")
    for reject in read.rejects[:20]:
        console.print(f"  line {reject.line}: {reject.why}", highlight=False)
    if new:
        with_database(fit_all)
