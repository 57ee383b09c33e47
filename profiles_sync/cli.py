"""The command line: `profiles-sync run | plan | status | …`, and the entry of the jobs."""

import logging
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import orjson
import typer
from rich.console import Console
from rich.markup import escape

from profiles_sync.console import overview
from profiles_sync.errors import ProfilesSyncError, SettingsError
from profiles_sync.settings import Settings, load, origins

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from profiles_sync.sync.hourly import RunResult

_log = logging.getLogger(__name__)
EXIT = {"Success": 0, "Partial success": 3, "Failed": 1}
WRONG_USAGE = 2

app = typer.Typer(
    help="Identity-resolved customer profiles, in your own warehouse.",
    no_args_is_help=True,
    pretty_exceptions_show_locals=False,  # locals hold people's data
    add_completion=False,
)
File = Annotated[Path, typer.Option("--settings", help="The space's settings file.", envvar="PROFILES_SYNC_SETTINGS")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object instead of text.")]
_screen = Console(stderr=True)


def main() -> None:
    """Run the command line; a deliberate error is one line and an exit code."""
    with _in_one_line():
        app()


@contextmanager
def _in_one_line() -> Iterator[None]:
    try:
        yield
    except SettingsError as error:
        raise SystemExit(_told(str(error), WRONG_USAGE)) from None
    except ProfilesSyncError as error:
        raise SystemExit(_told(str(error), EXIT["Failed"])) from None
    except Exception as error:
        from profiles_sync.lake.faults import explained

        _log.debug("command", exc_info=True)
        raise SystemExit(_told(explained(error), EXIT["Failed"])) from None


def _told(what: str, code: int) -> int:
    """Say in one line what is wrong; returns the exit code for it."""
    _screen.print(f"[red]error:[/] {escape(what)}", highlight=False, soft_wrap=True)
    return code


@app.command()
def run(settings: File, json: Json = False) -> None:
    """Take new events, build the tables, and sync every enabled warehouse."""
    raise typer.Exit(EXIT[_run_and_show(carry_out, settings, json)])


@app.command()
def plan(settings: File, json: Json = False) -> None:
    """Show what the next run would take and what it would do in each warehouse; writes nothing."""
    from profiles_sync.sync.preview import preview

    shown = preview(load(settings))
    if json:
        _print_json(shown)
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
        _print_json(shown)
    else:
        overview.print_status(shown, detail=sync is not None)


@app.command()
def check(settings: File, json: Json = False) -> None:
    """Check the settings and print each effective value with where it comes from; secrets are masked."""
    from profiles_sync.settings.advice import warnings_of

    rows = list(origins(settings, os.environ))
    warnings = warnings_of(load(settings), rows)
    if json:
        shown = {key: {"value": value, "origin": origin} for key, value, origin in rows}
        _print_json({"settings": shown, "warnings": warnings})
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
    report = rebuild_into(loaded, str(into.resolve()), session_of(loaded))
    if json:
        _print_json(report.shown())
    else:
        overview.print_rebuild(report.shown(), into)


@app.command()
def upkeep(settings: File, json: Json = False) -> None:
    """Put the small files of the lake's tables together, write checkpoints, and remove what nobody refers to."""
    from profiles_sync.sync.upkeep import upkeep as keep_up

    done = keep_up(load(settings))
    if json:
        _print_json({"compacted": done})
    else:
        overview.print_upkeep(done)


@app.command()
def demo(
    folder: Annotated[Path, typer.Option("--folder", help="Where the demo keeps its files.")] = Path("demo"),
    events: Annotated[int, typer.Option("--events", help="Events of the generated stream.")] = 50_000,
) -> None:
    """Run the main job on a four-event story and on a generated stream, and show what came out."""
    from profiles_sync.console.demo import show

    show(folder, events, carry_out)


def _run_and_show(step: "Callable[[Settings], RunResult]", settings: Path, json: bool) -> str:
    """Returns the status. Whoever asked for an object gets one, also of a run that could not begin."""
    from profiles_sync.sync.hourly import RunResult

    show = _print_json if json else overview.print_run
    try:
        result = step(load(settings))
    except ProfilesSyncError as error:
        if json:
            show(RunResult(error=str(error)).shown())
        raise
    show(result.shown())
    return result.status


def carry_out(settings: Settings) -> "RunResult":
    """One run with progress on the terminal; Spark's own log goes to a file beside the lake."""
    from profiles_sync.sync.hourly import run as run_sync

    if not _screen.is_terminal:
        return run_sync(settings, session_of(settings))
    with _screen.status("starting") as shown:
        return run_sync(settings, session_of(settings), shown.update)


def session_of(settings: Settings) -> "Callable[[], SparkSession]":
    """The session is made when a run first needs it: small hours are done before one would be up."""

    def make() -> "SparkSession":
        from profiles_sync.session import get_session

        log = Path(settings.lake) / "spark.log" if "://" not in settings.lake else None
        return get_session(settings.engine.master, settings.engine.driver_memory, str(log) if log else None)

    return make


def run_job(step: Callable[[Settings], "RunResult"]) -> None:
    """The main function of every file in `jobs/`: read `--settings`, do the step, end with the command's exit code."""

    def job(settings: File, json: Json = False) -> None:
        if code := EXIT[_run_and_show(step, settings, json)]:
            raise typer.Exit(code)

    app = typer.Typer(add_completion=False, pretty_exceptions_show_locals=False)
    app.command()(job)
    try:
        with _in_one_line():
            app()
    except SystemExit as done:
        if done.code:  # a job that went well returns: exiting would end a notebook's or a cluster's driver
            raise


def _print_json(shown: dict[str, Any]) -> None:
    try:
        sys.stdout.write(orjson.dumps(shown, option=orjson.OPT_INDENT_2).decode() + "\n")
        sys.stdout.flush()
    except OSError as error:
        raise ProfilesSyncError(f"cannot write to the standard output: {error.strerror}") from None
