"""The commands `arena dataset …`."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress

from arena.commands import console, fit_all, in_transaction, with_database
from arena.dataset import votes_files
from arena.dataset.destinations import Advance
from arena.dataset.publishing import publish_release
from arena.settings import Settings

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


@dataset_app.command("publish")
def dataset_publish(
    directory: Annotated[Path, typer.Argument(help="Folder of an exported release of the open variant.")],
) -> None:
    """Check a release and put it wherever ARENA_RELEASE_DESTINATIONS says; what is there already is not sent again."""
    settings = Settings()
    if not settings.release_destinations:
        raise ValueError(
            "No destination is set. Say where to publish, for example ARENA_RELEASE_DESTINATIONS=site,/srv/releases."
        )
    outcomes = with_database(lambda database: publish_release(database, settings, directory, _bar))
    for each in outcomes:
        said = f"failed, {each.failure}" if each.failure else each.address
        console.print(f"{each.destination}: {said}", highlight=False, markup=False)
    if any(each.failure for each in outcomes):
        console.print("Publish again when that is mended: what is there already is not sent again.")
        raise typer.Exit(1)


@contextmanager
def _bar(what: str) -> Iterator[Advance]:
    """A progress bar on the terminal; nothing where there is none."""
    terminal = Console(stderr=True)
    with Progress(console=terminal, transient=True, disable=not terminal.is_terminal) as progress:
        task = progress.add_task(what, total=1.0)
        yield lambda share: progress.update(task, completed=share)
