"""Runs: with progress on a terminal, from a command or from a job's file."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, TypeVar

import typer

from profiles_sync.cli.frame import EXIT, Files, Json, LogFormat, in_one_line, listen, print_json, screen
from profiles_sync.cli.outcome import Outcome, Show
from profiles_sync.cli.secrets import in_the_environment
from profiles_sync.cli.spaces import run_each
from profiles_sync.errors import ProfilesSyncError
from profiles_sync.session import session_of
from profiles_sync.settings import Settings, load
from profiles_sync.terminal import overview
from profiles_sync.watching import logs

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from profiles_sync.sync.hourly import RunResult


#: Given the settings, what makes the session where it is needed, and whom to tell what is being done.
Step = Callable[[Settings, "Callable[[], SparkSession]", Callable[[str], None]], Outcome]
#: As a command line has it.
Form = Literal["text", "json"] | None
SecretScope = Annotated[
    str | None, typer.Option("--secret-scope", help="On Databricks: a scope of secrets named like our variables.")
]


def run_and_show(step: Callable[[Settings], Outcome], settings: Path, json: bool, show: Show) -> str:
    """Returns the status. Whoever asked for an object gets one, also of a run that could not begin."""
    from profiles_sync.sync.hourly import RunResult

    show = print_json if json else show
    try:
        result = step(load(settings))
    except ProfilesSyncError as error:
        if json:
            show(RunResult(error=str(error)).shown())
        raise
    show(result.shown())
    return result.status


def run_all(step: Callable[[Settings], Outcome], given: Sequence[Path], json: bool, show: Show) -> int:
    """The exit code of a run of the space of one file, or of those of many."""
    if len(given) == 1 and not given[0].is_dir():
        return EXIT[run_and_show(step, given[0], json, show)]
    return run_each(step, given, json, show)


def carry_out(settings: Settings, log_format: Form = None) -> "RunResult":
    """One run with progress on the terminal."""
    from profiles_sync.sync.hourly import run

    return in_sight(run, log_format)(settings)


R = TypeVar("R")


def in_sight(
    step: "Callable[[Settings, Callable[[], SparkSession], Callable[[str], None]], R]",
    log_format: Form = None,
) -> Callable[[Settings], R]:
    """The step with progress on the terminal; Spark's own log goes to a file beside the lake."""

    def do(settings: Settings) -> R:
        listen(settings, log_format)
        if not screen.is_terminal or logs.is_json():
            return step(settings, session_of(settings), lambda what: None)
        with screen.status("starting") as shown:
            return step(settings, session_of(settings), shown.update)

    return do


def run_job(step: Step, show: Show = overview.print_run) -> None:
    """The main function of every file in `jobs/`: read `--settings`, do the step, end with the command's exit code."""

    def job(
        settings: Files, json: Json = False, secret_scope: SecretScope = None, log_format: LogFormat = None
    ) -> None:
        with in_the_environment(secret_scope):
            code = run_all(in_sight(step, log_format), settings, json, show)
        if code:
            raise typer.Exit(code)

    app = typer.Typer(add_completion=False, pretty_exceptions_show_locals=False)
    app.command()(job)
    try:
        with in_one_line():
            app()
    except SystemExit as done:
        if done.code:  # a job that went well returns: exiting would end a notebook's or a cluster's driver
            raise
