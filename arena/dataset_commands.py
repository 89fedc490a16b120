"""The commands `arena dataset …`."""

from pathlib import Path
from typing import Annotated

import typer

from arena.commands import console, fit_all, in_transaction, with_database
from arena.dataset import votes_files
from ratings.release.manifest import read_manifest
from ratings.release.report import describe_checks
from ratings.release.verification import examine

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


@dataset_app.command("verify")
def dataset_verify(
    directory: Annotated[Path, typer.Argument(help="Folder of a release.")],
    key: Annotated[
        Path | None, typer.Option(help="Public key (PEM) that must have signed it; by default the one in it.")
    ] = None,
) -> None:
    """Check a release by its files alone: checksums, signature, tables, joins, leaderboards.

    `python -m ratings verify` does the same where no arena is installed.
    """
    with console.status("Checking …") as status:
        checks = [*examine(directory, key, begins=lambda name: status.update(f"Checking {name} …"))]
    console.print(
        describe_checks(read_manifest(directory), checks), markup=False, highlight=False, soft_wrap=True
    )
    if any(check.findings for check in checks):
        raise typer.Exit(1)
