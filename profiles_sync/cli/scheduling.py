"""`profiles-sync schedule`: the hourly job on one machine."""

import signal
import sys
import time
from typing import Annotated

import typer
from rich.markup import escape

from profiles_sync.cli.frame import File, screen
from profiles_sync.control.policy import Right, ask
from profiles_sync.control.schedule import iso
from profiles_sync.lake.opening import lake_of
from profiles_sync.settings import load

app = typer.Typer()
_RUN = "from profiles_sync.cli import main; main()"


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
    command = (sys.executable, "-c", _RUN, "run", "--settings", str(settings.absolute()))
    lake = lake_of(loaded)
    ask(loaded, lake, Right.CHANGE, "schedule")
    keeper = Scheduler(loaded, lake, minutes, command, _say, runs)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: keeper.stop())
    keeper.keep(at_once=now)
    _say("the schedule has ended")


def _say(what: str) -> None:
    screen.print(f"[dim]{iso(time.time())}[/] {escape(what)}", highlight=False, soft_wrap=True)
