"""The commands that work on a space: `profiles-sync run | plan | status | …`."""

import os
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from profiles_sync.cli.frame import File, Files, Json, LogFormat, listen, print_json
from profiles_sync.cli.running import carry_out, run_all
from profiles_sync.session import session_of
from profiles_sync.settings import load, origins
from profiles_sync.terminal import overview

app = typer.Typer()


@app.command()
def run(settings: Files, json: Json = False, log_format: LogFormat = None) -> None:
    """Take new events, build the tables, and sync every enabled warehouse; of one space, or of many in turn."""
    raise typer.Exit(run_all(partial(carry_out, log_format=log_format), settings, json, overview.print_run))


@app.command()
def plan(settings: File, json: Json = False) -> None:
    """Show what the next run would take and what it would do in each warehouse; writes nothing."""
    from profiles_sync.sync.preview import preview

    shown = preview(load(settings))
    if json:
        print_json(shown)
    else:
        overview.print_plan(shown)


@app.command()
def status(
    settings: File,
    sync: Annotated[str | None, typer.Option("--sync", help="Show one sync in detail, by its id.")] = None,
    json: Json = False,
) -> None:
    """Show the last and next sync of each warehouse, and the syncs, newest first."""
    from profiles_sync.sync.status import status_of

    shown = status_of(load(settings), sync)
    if json:
        print_json(shown)
    else:
        overview.print_status(shown, detail=sync is not None)


@app.command()
def audit(settings: File, json: Json = False) -> None:
    """Show who changed what in the space's operation, newest first, and who was refused."""
    from profiles_sync.sync.status import changes_of

    shown = {"changes": changes_of(load(settings))}
    if json:
        print_json(shown)
    else:
        overview.print_audit(shown)


@app.command()
def check(settings: File, json: Json = False) -> None:
    """Check the settings and print each effective value with where it comes from; secrets are masked."""
    from profiles_sync.control.policy import Right, ask
    from profiles_sync.lake.opening import lake_of
    from profiles_sync.settings.advice import warnings_of
    from profiles_sync.settings.expectations import expectations_in

    loaded = load(settings)
    expectations_in(loaded.quality.expectations)
    ask(loaded, lake_of(loaded), Right.SEE, "check")
    rows = list(origins(settings, os.environ))
    warnings = warnings_of(loaded, rows)
    if json:
        shown = {key: {"value": value, "origin": origin} for key, value, origin in rows}
        print_json({"settings": shown, "warnings": warnings})
    else:
        overview.print_settings(rows, warnings)


@app.command()
def rebuild(
    settings: File,
    into: Annotated[Path, typer.Option("--into", help="Folder of the new lake; the old one stays as it is.")],
    json: Json = False,
) -> None:
    """Build a second lake from scratch, batch by batch as the first one took its files; syncs no warehouse."""
    from profiles_sync.sync.rebuild import rebuild_into

    loaded = load(settings)
    listen(loaded)
    report = rebuild_into(loaded, str(into.resolve()), session_of(loaded))
    if json:
        print_json(report.shown())
    else:
        overview.print_rebuild(report.shown(), into)


@app.command()
def upkeep(settings: File, json: Json = False) -> None:
    """Put the small files of the lake's tables together, write checkpoints, and remove what nobody refers to."""
    from profiles_sync.sync.upkeep import upkeep as keep_up

    loaded = load(settings)
    listen(loaded)
    done = keep_up(loaded)
    if json:
        print_json({"compacted": done})
    else:
        overview.print_upkeep(done)


@app.command()
def demo(
    folder: Annotated[Path, typer.Option("--folder", help="Where the demo keeps its files.")] = Path("demo"),
    events: Annotated[int, typer.Option("--events", help="Events of the generated stream.")] = 50_000,
) -> None:
    """Run the main job on a four-event story and on a generated stream, and show what came out."""
    from profiles_sync.terminal.demo import show

    show(folder, events, carry_out)
