"""Runs: with progress on a terminal, from a command or from a job's file."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from profiles_sync.cli.frame import EXIT, File, Json, in_one_line, print_json, screen
from profiles_sync.console import overview
from profiles_sync.errors import ProfilesSyncError
from profiles_sync.session import session_of
from profiles_sync.settings import Settings, load

if TYPE_CHECKING:
    from profiles_sync.sync.hourly import RunResult


def run_and_show(step: "Callable[[Settings], RunResult]", settings: Path, json: bool) -> str:
    """Returns the status. Whoever asked for an object gets one, also of a run that could not begin."""
    from profiles_sync.sync.hourly import RunResult

    show = print_json if json else overview.print_run
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

    if not screen.is_terminal:
        return run_sync(settings, session_of(settings))
    with screen.status("starting") as shown:
        return run_sync(settings, session_of(settings), shown.update)


def run_job(step: Callable[[Settings], "RunResult"]) -> None:
    """The main function of every file in `jobs/`: read `--settings`, do the step, end with the command's exit code."""

    def job(settings: File, json: Json = False) -> None:
        if code := EXIT[run_and_show(step, settings, json)]:
            raise typer.Exit(code)

    app = typer.Typer(add_completion=False, pretty_exceptions_show_locals=False)
    app.command()(job)
    try:
        with in_one_line():
            app()
    except SystemExit as done:
        if done.code:  # a job that went well returns: exiting would end a notebook's or a cluster's driver
            raise
