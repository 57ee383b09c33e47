"""`profiles-sync schedule`: the hourly job on one machine."""

import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer
from rich.markup import escape

from profiles_sync.cli.frame import File, LogFormat, in_one_line, listen, say
from profiles_sync.cli.running import Form, carry_out, run_and_show
from profiles_sync.control.policy import Right, ask
from profiles_sync.control.schedule import iso
from profiles_sync.errors import LakeBusy
from profiles_sync.lake.opening import lake_of
from profiles_sync.settings import Settings, load
from profiles_sync.terminal import overview
from profiles_sync.watching import logs
from profiles_sync.watching.delivery import serve, served_from
from profiles_sync.watching.here import at

app = typer.Typer()
_RUN = "import sys; from profiles_sync.cli.scheduling import due; due(*sys.argv[1:])"


@app.command()
def schedule(
    settings: File,
    every: Annotated[
        float | None,
        typer.Option("--every", min=0.001, help="Minutes from one run to the next; else as in the settings, or 60."),
    ] = None,
    now: Annotated[bool, typer.Option("--now", help="Begin with a run at once.")] = False,
    runs: Annotated[int | None, typer.Option("--runs", min=1, help="End after so many runs.")] = None,
    log_format: LogFormat = None,
) -> None:
    """Run the job every hour until SIGTERM or Ctrl-C, which wait for the run that is going; twice ends that too."""
    from profiles_sync.sync.scheduler import Scheduler

    loaded = load(settings)
    listen(loaded, log_format)
    minutes = every or (loaded.schedule.every_minutes if loaded.schedule else 60)
    lake = lake_of(loaded)
    ask(loaded, lake, Right.CHANGE, "schedule")
    with at(space=lake.slug), _served(loaded) as file:
        command = (sys.executable, "-c", _RUN, str(settings.absolute()), log_format or "", *file)
        keeper = Scheduler(loaded, lake, minutes, command, _say, runs)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: keeper.stop())
        keeper.keep(at_once=now)
    _say("the schedule has ended")


@contextmanager
def _served(settings: Settings) -> Iterator[list[str]]:
    """The figures of the runs over HTTP, where the settings say so; the file that runs leave them in."""
    address = settings.metrics.address
    if address is None:
        yield []
        return
    with TemporaryDirectory(prefix="profiles-sync-") as folder:
        file = Path(folder) / "profiles_sync.prom"
        try:
            end = serve(file, *address)
        except OSError as error:
            _say(f"warning: metrics.listen: {settings.metrics.listen} cannot be listened at: {error.strerror}")
            yield []
            return
        try:
            yield [str(file)]
        finally:
            end()


def due(settings: str, log_format: str = "", figures: str = "") -> None:
    """A run of the schedule, in its own process; ends with the scheduler's exit codes."""
    from profiles_sync.sync.scheduler import TOLD

    form: Form = "json" if log_format == "json" else "text" if log_format == "text" else None
    logs.set_up(form or "text")
    with in_one_line(), served_from(Path(figures) if figures else None):
        try:
            status = run_and_show(partial(carry_out, log_format=form), Path(settings), False, overview.print_run)
        except LakeBusy as error:
            say(f"[yellow]skipped:[/] {escape(str(error))}")
            status = "Skipped"
        raise SystemExit(TOLD[status])


def _say(what: str) -> None:
    say(escape(what) if logs.is_json() else f"[dim]{iso(time.time())}[/] {escape(what)}")
