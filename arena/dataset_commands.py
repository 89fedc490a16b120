"""The commands `arena dataset …`."""

from pathlib import Path
from typing import Annotated

import typer

from arena.commands import console, fit_all, with_database
from arena.dataset import bulk, votes_files
from arena.dataset.progress import progress_bar
from arena.db import Database

dataset_app = typer.Typer(no_args_is_help=True, help="Import votes, export releases.")


@dataset_app.command("import")
def dataset_import(
    file: Annotated[
        Path,
        typer.Argument(
            help="CSV, TSV, JSON, JSON Lines or Parquet in any layout that docs/researchers.md lists."
        ),
    ],
    board: Annotated[str | None, typer.Option(help="Name of the board; the file's name by default.")] = None,
    origin: Annotated[str | None, typer.Option(help="Where the votes come from.")] = None,
    license: Annotated[str | None, typer.Option(help="Their licence.")] = None,
    rejects: Annotated[
        Path | None, typer.Option(help="Where to write rows that are no votes; FILE.rejects.csv by default.")
    ] = None,
) -> None:
    """Import votes as a leaderboard of their own; again, it goes on where it stopped or changes nothing."""
    name = votes_files.board_name(board or votes_files.plain_name(file))
    target = bulk.Target(name=name, origin=origin, license=license)
    rejects = rejects or file.with_name(f"{file.name}.rejects.csv")

    async def run(database: Database) -> None:
        with progress_bar(f"Importing {file.name}") as on_progress:
            done = await bulk.import_votes(database, file, target, rejects=rejects, on_progress=on_progress)
        _tell(done, name, rejects)
        if done.new:
            await fit_all(database)

    with_database(run)


def _tell(done: bulk.Imported, board: str, rejects: Path) -> None:
    console.print(f"Read as {done.layout}.", highlight=False)
    console.print(f"{done.new} new votes on the board {board!r}; {done.rejected} rows rejected.")
    for reject in done.first_rejects:
        console.print(f"  {done.row_is} {reject.line}: {reject.why}", highlight=False, markup=False)
    if done.rejected:
        console.print(f"All of them with their reasons: {rejects}", highlight=False)
