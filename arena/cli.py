"""The command `arena`: everything an operator does, each a few lines over the domain modules.

A command imports its domain modules when it runs: loading them all takes seconds, which `arena --help`, the demo
server and the simulated voters need not wait for.
"""

from __future__ import annotations

import asyncio
import errno
import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import orjson
import typer
from pydantic import ValidationError
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from arena import __version__
from arena.commands import console, counted, fit_all, in_transaction, tagger_for, with_database
from arena.dataset_commands import dataset_app
from arena.errors import ArenaError, CatalogInvalid
from arena.settings import Settings, wrong_settings

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

    from arena.db import Database
    from arena.tables import Model

app = typer.Typer(no_args_is_help=True, add_completion=False)
catalog_app = typer.Typer(no_args_is_help=True, help="Models and endpoints.")
leaderboard_app = typer.Typer(no_args_is_help=True, help="Compute, show and check the leaderboards.")
simulate_app = typer.Typer(no_args_is_help=True, help="Simulated voters, through the public API.")
db_app = typer.Typer(no_args_is_help=True, help="The database schema.")
for name, group in (
    ("catalog", catalog_app),
    ("leaderboard", leaderboard_app),
    ("dataset", dataset_app),
    ("simulate", simulate_app),
    ("db", db_app),
):
    app.add_typer(group, name=name)


def _say_version(asked: bool) -> None:
    if asked:
        typer.echo(__version__)
        raise typer.Exit


@app.callback()
def arena(
    version: Annotated[
        bool, typer.Option("--version", callback=_say_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """An open chatbot arena."""


def main() -> None:
    """Run the command line; an expected error is one sentence and exit code 1, not a traceback."""
    try:
        app()
    except Exception as error:
        said = _in_a_sentence(error)
        if said is None:
            raise
        Console(stderr=True).print("[bold red]Error:[/]", escape(said), highlight=False)
        raise SystemExit(1) from error


def _in_a_sentence(error: Exception) -> str | None:
    """What to tell the operator; None for a mistake of the program, which deserves its traceback."""
    from arena.db import is_outage, refusal
    from arena.gateway.vllm import ServerDidNotStart
    from arena.postgres import PostgresError

    if isinstance(error, ValidationError) and error.title == Settings.__name__:
        return f"{wrong_settings(error)}. docs/settings.md lists every setting."
    if isinstance(error, ArenaError):
        return error.detail
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        place = f" for {error.filename}" if error.filename else ""
        return f"no space is left on the disk{place}. What is stored already is kept: make room, and run this again."
    if isinstance(error, (PostgresError, ServerDidNotStart, ValueError)):
        return str(error)
    if (said := refusal(error)) is not None:
        return f"the database refuses: {said}. Its log may say more."
    return "the database cannot be reached. Try `arena doctor`." if is_outage(error) else None


@app.command()
def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on.")] = None,
    workers: Annotated[int | None, typer.Option(help="Web processes.")] = None,
    run_jobs: Annotated[
        bool | None, typer.Option("--jobs/--no-jobs", help="Run the periodic jobs here.")
    ] = None,
    simulated_voters: Annotated[
        int | None, typer.Option(help="Battles that simulated voters play on the demo models at start.")
    ] = None,
) -> None:
    """Migrate, serve the site and the interfaces, and run the periodic jobs."""
    given = {
        "HOST": host,
        "PORT": port,
        "WORKERS": workers,
        "JOBS": run_jobs,
        "SIMULATED_VOTERS": simulated_voters,
    }
    from arena.serve import serve_until_stopped

    # Worker processes read their settings from the environment, as this one does.
    os.environ.update({f"ARENA_{name}": str(value) for name, value in given.items() if value is not None})
    serve_until_stopped()


@app.command("jobs")
def run_jobs_only() -> None:
    """Run the periodic jobs alone, beside web processes that were started with --no-jobs."""
    from arena import jobs

    settings = Settings()

    async def run(database: Database) -> None:
        async with jobs.pool_of(database, settings) as pool:
            endpoints = {
                "endpoints": (jobs.ENDPOINT_SECONDS, lambda: jobs.refresh_endpoints(database, pool, None))
            }
            async with jobs.running(endpoints | jobs.shared_jobs(database, settings, pool)):
                await asyncio.Event().wait()

    try:
        with_database(run)
    except KeyboardInterrupt:
        console.print("Stopped.")


@app.command("model-server", context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def run_model_server(
    context: typer.Context,
    model: Annotated[str, typer.Argument(help="Folder or hub name of the model, as `vllm serve` takes it.")],
    name: Annotated[str | None, typer.Option(help="Name in the arena; the model's own by default.")] = None,
    host: Annotated[str, typer.Option(help="Address the engine listens on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port the engine listens on; 0 takes a free one.")] = 0,
    url: Annotated[
        str | None,
        typer.Option(help="Address at which the arena reaches the engine, ending in /v1."),
    ] = None,
    slots: Annotated[int, typer.Option(help="Requests at a time.")] = 64,
    executable: Annotated[str, typer.Option(help="The vllm program.")] = "vllm",
) -> None:
    """Start vLLM, register it as an endpoint once healthy, restart it when it dies, deregister on exit.

    Options after `--` go to `vllm serve` unchanged.
    """
    from arena import model_server

    with_database(
        lambda database: model_server.run_vllm(
            database,
            model,
            name=name or model,
            host=host,
            port=port,
            public_url=url,
            slots=slots,
            executable=executable,
            private_tests_max=Settings().private_tests_max,
            options=tuple(context.args),
        )
    )


@app.command("demo-server")
def run_demo_server(
    port: Annotated[int, typer.Option(help="Port to listen on; 0 takes a free one.")] = 8100,
    recordings: Annotated[
        Path | None, typer.Option(help="JSONL of recorded answers to replay instead.")
    ] = None,
    prompts: Annotated[Path | None, typer.Option(help="JSONL of the prompts of those answers.")] = None,
    speed: Annotated[float, typer.Option(help="Speed-up; 0 answers without waiting.")] = 1.0,
) -> None:
    """Serve the demo models, or recorded answers, over the OpenAI-compatible wire for tests and load."""
    from arena import model_server
    from arena.logs import configure_logs

    configure_logs(Settings())
    asyncio.run(model_server.run_demo_server(port=port, recordings=recordings, prompts=prompts, speed=speed))


@db_app.command("upgrade")
def db_upgrade() -> None:
    """Bring the schema up to date."""
    from arena.db import database_of, upgrade

    with database_of(Settings()) as location:
        upgrade(location.url)
    console.print("The schema is up to date.")


@catalog_app.command("sync")
def catalog_sync(file: Annotated[Path, typer.Argument(help="TOML file of models and endpoints.")]) -> None:
    """Make the arena list what the file lists."""
    from arena import catalog

    listed = catalog.read_catalog(file)
    most = Settings().private_tests_max
    back = in_transaction(lambda session: catalog.sync_catalog(session, listed, private_tests_max=most))
    console.print(f"{counted(len(listed.model), 'model')} listed.")
    for name in back:
        console.print(f"{name} was retired and is active again, because {file} lists it.", markup=False)


@catalog_app.command("list")
def catalog_list() -> None:
    """Show every model and its endpoints."""
    table = Table("model", "organization", "status", "endpoints")
    models, lowest = in_transaction(_listed)
    for model in models:
        served = "\n".join(f"{endpoint.url} ({endpoint.source})" for endpoint in model.endpoints)
        table.add_row(model.name, model.organization, _status(model, lowest), served or "none")
    console.print(table)


async def _listed(session: AsyncSession) -> tuple[Sequence[Model], Mapping[str, str]]:
    from arena import catalog, reports

    return await catalog.all_models(session), await reports.retirable_now(session)


def _status(model: Model, lowest: Mapping[str, str]) -> str:
    if model.demo:
        return "demo"
    if model.private_test:
        return f"private test {model.codename}"
    return f"{model.status}, may be retired" if model.name in lowest else model.status


@catalog_app.command("retire")
def catalog_retire(
    name: Annotated[str, typer.Argument(help="The model's name.")],
    reason: Annotated[str, typer.Option(help="Why, in a sentence for the public.")],
) -> None:
    """Take a model out of new battles; its votes and its place in the history stay, with the reason."""
    from arena import catalog

    in_transaction(lambda session: catalog.retire_model(session, name, reason))
    console.print(f"{name} is retired.")
    file = Settings().catalog
    with suppress(CatalogInvalid):  # the next start says what is wrong with the file
        if file is not None and any(model.name == name for model in catalog.read_catalog(file).model):
            console.print(
                f"{file} still lists {name}: the next start or `arena catalog sync` brings it back. Take it out there.",
                markup=False,
                soft_wrap=True,
            )


@leaderboard_app.command("fit")
def leaderboard_fit() -> None:
    """Compute all leaderboards now."""
    snapshot = with_database(fit_all)
    console.print(f"Snapshot {snapshot}." if snapshot else "Nothing changed since the last snapshot.")


@leaderboard_app.command("show")
def leaderboard_show(
    name: Annotated[str, typer.Argument(help="Which leaderboard.")] = "overall",
    style_control: Annotated[bool, typer.Option(help="With the effect of style taken out.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="The feed file instead of a table.")] = False,
) -> None:
    """Show a leaderboard of the newest snapshot."""
    from arena import snapshots

    file = snapshots.board_file(name, style_control=style_control)
    payload = in_transaction(lambda session: snapshots.read_file(session, file))
    if as_json:
        typer.echo(payload.decode())
        return
    board = orjson.loads(payload)
    table = Table(
        "rank",
        "model",
        "rating",
        "95 %",
        "votes",
        title=f"{board['title']}: {counted(board['votes'], 'vote')}",
    )
    for entry in board["entries"]:
        if entry["rating"] is None:
            table.add_row(
                "–", entry["model"], "–", board["unrated"].get(entry["model"], ""), str(entry["votes"])
            )
            continue
        interval = "–" if entry["lower"] is None else f"{entry['lower']:.0f} … {entry['upper']:.0f}"
        ranks = f"{entry['rank_lower']}–{entry['rank_upper']}"
        table.add_row(ranks, entry["model"], f"{entry['rating']:.0f}", interval, str(entry["votes"]))
    console.print(table)


@leaderboard_app.command("verify")
def leaderboard_verify(
    snapshot: Annotated[str, typer.Argument(help="Id of a snapshot.")],
    release: Annotated[
        Path | None, typer.Option(help="Take the votes from this audit release instead of the database.")
    ] = None,
) -> None:
    """Recompute a snapshot from the votes that it saw, and say what differs."""
    from arena.operator_categories import read_operator_categories
    from arena.snapshots import find_snapshot
    from arena.verification import verify

    async def recompute(database: Database) -> tuple[list[str], str]:
        settings = Settings()
        rules = read_operator_categories(settings.categories_file).rules
        async with tagger_for(database, settings, rules) as tagger, database.readings() as session:
            found = await verify(session, snapshot, tagger.version, release)
            return found, (await find_snapshot(session, snapshot)).results_digest

    differences, digest = with_database(recompute)
    for difference in differences:
        console.print(difference, highlight=False)
    if differences:
        raise typer.Exit(1)
    console.print(
        f"The same votes give the same boards, to the digest of their files: {digest}",
        highlight=False,
        soft_wrap=True,
    )


@simulate_app.command("voters")
def simulate_voters(
    n: Annotated[int, typer.Option("--n", min=1, help="How many battles.")] = 200,
    base_url: Annotated[
        str | None, typer.Option(help="The arena to play on; without one, that of the settings.")
    ] = None,
    at_once: Annotated[int, typer.Option(min=1, help="Battles at a time.")] = 24,
    seed: Annotated[int, typer.Option(help="Seed of the voters' tastes and prompts.")] = 1,
) -> None:
    """Let simulated voters play; their votes are marked and never counted on a real board."""
    from arena import simulate

    settings = Settings()
    url = base_url or settings.own_url
    voted = asyncio.run(simulate.play(url, settings, battles=n, at_once=at_once, seed=seed))
    console.print(f"{counted(voted, 'simulated vote')} cast.")


@app.command("doctor")
def run_doctor() -> None:
    """Say what is wrong with this installation and how to mend it."""
    from arena import doctor

    findings = asyncio.run(doctor.examine(Settings()))
    for finding in findings:
        mark = {"ok": "[green]ok  [/]", "note": "[yellow]note[/]", "fault": "[red]bad [/]"}[finding.grade]
        console.print(f"{mark} {escape(finding.what)}", highlight=False)
        if finding.mend:
            console.print(f"     {escape(finding.mend)}", style="dim", highlight=False)
    if any(finding.grade == "fault" for finding in findings):
        raise typer.Exit(1)


@app.command("version")
def version() -> None:
    """Print the version."""
    typer.echo(__version__)
