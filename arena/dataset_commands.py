"""The commands `arena dataset …`, which import what they do when they run, as in `cli.py`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from arena.commands import console, counted, fit_what_is_new, in_transaction, tagger_for, with_database
from arena.dataset.progress import progress_bar
from arena.memory import do_without_machine_code, share_freed_memory
from arena.settings import Settings, Variant

if TYPE_CHECKING:
    from arena.dataset import bulk
    from arena.dataset.blocks import VotesFile
    from arena.db import Database

dataset_app = typer.Typer(
    no_args_is_help=True, help="Import votes, export releases.", callback=share_freed_memory
)


@dataset_app.command("import")
def dataset_import(
    file: Annotated[
        Path,
        typer.Argument(
            help="CSV, TSV, JSON, JSON Lines or Parquet in any layout that docs/researchers.md lists, or the folder "
            "of a release."
        ),
    ],
    board: Annotated[
        str | None,
        typer.Option(
            help="Name of the board; the file's name by default. Of a release, what its overall board counts."
        ),
    ] = None,
    origin: Annotated[str | None, typer.Option(help="Where the votes come from.")] = None,
    license: Annotated[str | None, typer.Option(help="Their licence.")] = None,
    rejects: Annotated[
        Path | None, typer.Option(help="Where to write rows that are no votes; FILE.rejects.csv by default.")
    ] = None,
    withdrawn: Annotated[
        Path | None, typer.Option(help="The list of a newer release of what was withdrawn since this one.")
    ] = None,
) -> None:
    """Import votes as a leaderboard of their own; again, it goes on where it stopped or changes nothing.

    The folder of a release, without --board, becomes this arena's own history, if it has no battles yet.
    """
    from arena.dataset import bulk, release_votes, votes_files
    from arena.dataset.rejects import rejects_beside
    from arena.operator_categories import read_operator_categories
    from ratings.release.tables import table_files

    operators = read_operator_categories(Settings().categories_file)
    taken = [category.name for category in operators.categories]
    if board and (name := votes_files.board_name(board, taken)) != board:
        console.print(f"The board is named {name!r}: {board!r} cannot stand in an address.")
    if withdrawn and not file.is_dir():
        raise ValueError("--withdrawn is for a release. Name its folder.")
    if not file.is_dir():
        target = bulk.Target(
            name=votes_files.board_name(board or votes_files.plain_name(file), taken),
            origin=origin,
            license=license,
        )
        _import_votes(file, target, rejects or rejects_beside(file))
        if file.suffix == ".parquet":
            for more in table_files(file)[1:]:
                console.print(f"More of this table is in {more.name}: import it, too.")
    elif board:
        manifest = release_votes.checked_manifest(file)
        target = bulk.Target(
            name=votes_files.board_name(board, taken),
            origin=origin or f"{manifest['title']}, release {manifest['name']}",
            license=license or manifest["license"]["votes"],
        )
        votes = release_votes.open_release_votes(file, release_votes.withdrawn_battles(file, withdrawn))
        _import_votes(votes, target, rejects or rejects_beside(file.resolve()))
    elif origin or license or rejects:
        raise ValueError(
            "A release says itself what it is. Put its votes on a board of their own with --board."
        )
    else:
        _restore(file, withdrawn)


def _import_votes(votes: Path | VotesFile, target: bulk.Target, rejects: Path) -> None:
    from arena.dataset import bulk

    async def run(database: Database) -> None:
        with progress_bar("importing votes") as show:
            done = await bulk.import_votes(database, votes, target, rejects=rejects, on_progress=show)
        _tell(done, target.name, rejects)
        if done.new or done.withdrawn:
            await fit_what_is_new(database)

    with_database(run)


def _tell(done: bulk.Imported, board: str, rejects: Path) -> None:
    console.print(f"Read as {done.layout}.", highlight=False)
    already = "" if done.new or done.withdrawn else "Imported already: "
    console.print(
        f"{already}{counted(done.new, 'new vote')} on the board {board!r}; {counted(done.rejected, 'row')} rejected."
    )
    if done.corrected:
        console.print(f"Changed on the board: {'; '.join(done.corrected)}.", highlight=False, markup=False)
    if done.withdrawn:
        console.print(f"Withdrawn since, and off the board: {counted(done.withdrawn, 'vote')}.")
    for reject in done.first_rejects:
        console.print(f"  {done.row_is} {reject.line}: {reject.why}", highlight=False, markup=False)
    if done.rejected:
        console.print(f"All of them with their reasons: {rejects}", highlight=False)


def _restore(directory: Path, withdrawn: Path | None) -> None:
    from arena.dataset.restore import restore
    from arena.operator_categories import read_operator_categories

    settings = Settings()
    operators = read_operator_categories(settings.categories_file)
    taken = [category.name for category in operators.categories]

    async def run(database: Database) -> None:
        async with tagger_for(database, settings, operators.rules) as tagger:
            version = tagger.version
        with progress_bar("restoring battles") as show:
            done = await restore(
                database, directory, version, categories=taken, withdrawn=withdrawn, on_progress=show
            )
        boards = "".join(f", the board {name!r}" for name in done.boards)
        console.print(
            f"Restored the release {done.release}: {counted(done.votes, 'vote')}{boards}.", highlight=False
        )
        if done.left_out:
            console.print(f"  {done.left_out} left out: withdrawn since.", highlight=False)
        await fit_what_is_new(database)

    with_database(run)


@dataset_app.command("export")
def dataset_export(
    directory: Annotated[Path, typer.Argument(help="Folder to write; new, empty, or of the same release.")],
    release: Annotated[str | None, typer.Option(help="Name of the release; the month by default.")] = None,
    variant: Annotated[
        Variant, typer.Option(help="Consented battles for everybody, or every vote for the operator alone.")
    ] = "open",
    boards: Annotated[
        bool, typer.Option("--boards/--no-boards", help="With the votes of imported boards.")
    ] = True,
    compat: Annotated[
        bool, typer.Option("--compat/--no-compat", help="With the layouts of published Arena releases.")
    ] = True,
    leave_out_bad: Annotated[
        bool, typer.Option("--leave-out-bad", help="Leave out battles that fail a check, and count them.")
    ] = False,
) -> None:
    """Write a release: the same bytes whenever it is exported, until it is closed. Goes on where it was interrupted."""
    from arena import privacy
    from arena.dataset import releases
    from arena.dataset.export import Options, export_release
    from arena.operator_categories import read_operator_categories
    from ratings.release.checks import board_files
    from ratings.release.manifest import rows_in
    from ratings.release.populations import VOTES_FILE

    do_without_machine_code()
    settings, name = Settings(), releases.release_name(release, variant)
    operators = read_operator_categories(settings.categories_file)
    options = Options(
        boards=boards, compat=compat, leave_out_bad=leave_out_bad, categories=operators.categories
    )

    async def export(database: Database) -> None:
        async with tagger_for(database, settings, operators.rules) as tagger:
            manifest = await export_release(
                database, settings, tagger, privacy, directory, name, variant, options
            )
        console.print(f"{directory}: release {name}, {counted(rows_in(manifest, VOTES_FILE), 'vote')}.")
        for path in board_files(manifest):
            console.print(f"  {counted(rows_in(manifest, path), 'vote')} of an imported board: {path}")
        for why, votes in manifest["withheld"].items():
            console.print(f"  {votes:,} withheld: {why}")

    with_database(export)


@dataset_app.command("close")
def dataset_close(name: Annotated[str, typer.Argument(help="Name of the release.")]) -> None:
    """Destroy the key of a release: it can never be exported again, and nobody can make its pseudonyms."""
    from arena.dataset import releases

    in_transaction(lambda session: releases.close_release(session, name))
    console.print(
        f"{name} is closed. Give the next release another name: arena dataset export DIR --release NAME."
    )


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
    from ratings.release.manifest import read_manifest
    from ratings.release.report import describe_checks
    from ratings.release.verification import examine

    with console.status("Checking …") as status:
        checks = [*examine(directory, key, begins=lambda name: status.update(f"Checking {name} …"))]
    said = describe_checks(read_manifest(directory), checks, is_key_demanded=key is not None)
    console.print(said, markup=False, highlight=False, soft_wrap=True)
    if any(check.findings for check in checks):
        raise typer.Exit(1)


@dataset_app.command("publish")
def dataset_publish(
    directory: Annotated[Path, typer.Argument(help="Folder of an exported release of the open variant.")],
) -> None:
    """Check a release and put it wherever ARENA_RELEASE_DESTINATIONS says; what is there already is not sent again."""
    from arena.dataset.destinations import SITE
    from arena.dataset.publishing import publish_release

    settings = Settings()
    if not settings.release_destinations:
        raise ValueError(
            "No destination is set. Say where to publish, for example ARENA_RELEASE_DESTINATIONS=site,/srv/releases."
        )
    outcomes = with_database(lambda database: publish_release(database, settings, directory, progress_bar))
    for each in outcomes:
        said = f"failed, {each.failure}" if each.failure else each.address
        console.print(f"{each.destination}: {said}", highlight=False, markup=False, soft_wrap=True)
    if any(each.destination == SITE and not each.failure for each in outcomes):
        console.print(
            f"The site serves it as long as `arena serve` itself has {SITE!r} in ARENA_RELEASE_DESTINATIONS.",
            soft_wrap=True,
        )
    if any(each.failure for each in outcomes):
        console.print("Publish again when that is mended: what is there already is not sent again.")
        raise typer.Exit(1)
