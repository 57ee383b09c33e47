"""`profiles-sync schedule`: the hourly job on one machine."""

import signal
import sys
import time
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from profiles_sync.cli.frame import File, in_one_line, screen
from profiles_sync.cli.running import carry_out, run_and_show
from profiles_sync.control.policy import Right, ask
from profiles_sync.control.schedule import iso
from profiles_sync.errors import LakeBusy
from profiles_sync.lake.opening import lake_of
from profiles_sync.settings import load
from profiles_sync.terminal import overview

app = typer.Typer()
_RUN = "import sys; from profiles_sync.cli.scheduling import due; due(sys.argv[1])"


@app.command()
def schedule(
    settings: File,
    every: Annotated[
        float | None,
        typer.Option("--every", min=0.001, help="Minutes from one run to the next; else as in the settings, or 60."),
    ] = None,
    now: Annotated[bool, typer.Option("--now", help="Begin with a run at once.")] = False,
    runs: Annotated[int | None, typer.Option("--runs", min=1, help="End after so many runs.")] = None,
) -> None:
    """Run the job every hour until SIGTERM or Ctrl-C, which wait for the run that is going; twice ends that too."""
    from profiles_sync.sync.scheduler import Scheduler

    loaded = load(settings)
    minutes = every or (loaded.schedule.every_minutes if loaded.schedule else 60)
    command = (sys.executable, "-c", _RUN, str(settings.absolute()))
    lake = lake_of(loaded)
    ask(loaded, lake, Right.CHANGE, "schedule")
    keeper = Scheduler(loaded, lake, minutes, command, _say, runs)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: keeper.stop())
    keeper.keep(at_once=now)
    _say("the schedule has ended")


def due(settings: str) -> None:
    """A run of the schedule, in its own process; ends with the scheduler's exit codes."""
    from profiles_sync.sync.scheduler import TOLD

    with in_one_line():
        try:
            status = run_and_show(carry_out, Path(settings), False, overview.print_run)
        except LakeBusy as error:
            screen.print(f"[yellow]skipped:[/] {escape(str(error))}", highlight=False, soft_wrap=True)
            status = "Skipped"
        raise SystemExit(TOLD[status])


def _say(what: str) -> None:
    screen.print(f"[dim]{iso(time.time())}[/] {escape(what)}", highlight=False, soft_wrap=True)
