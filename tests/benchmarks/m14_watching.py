"""Measure 14: what logs and figures of a run cost: at most 1.02 x a run of which nobody asks for any.

An hour's run, of two spaces that take the same hours, one of which writes JSON logs and figures into files: first in
one process that goes on, as where `schedule` or a notebook has imported everything, then as a process each time. Two
in a hundred are less than what shared cores do to the clock, so the seconds that processors were busy in user mode are
told beside it, with those of processes that were waited for.
"""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import redirect_stderr
from dataclasses import replace
from pathlib import Path
from resource import RUSAGE_CHILDREN, RUSAGE_SELF, getrusage

from profiles_sync.watching import logs
from tests.benchmarks.hourly import Hours
from tests.benchmarks.measure import Bench, Goal, Result, Way, race

FULL = (10, 10_000)  # hours in the stream, and events in each of them
QUICK = ()  # nobody sees two in a hundred of a second
_LEAST = 5  # repeats
_MOST = Goal(1.02)
_WATCHED = "log: {format: json}\nmetrics: {file: ./figures/}\n"
_SPACES = {"watched": _WATCHED, "alone": ""}
_JOB = Path(__file__).parents[2] / "jobs" / "run_hourly.py"


def measure(bench: Bench) -> Iterator[Result]:
    hours, each = bench.sizes
    repeats = max(bench.repeats, _LEAST)
    inputs = {"events before": hours * each, "events": each, "seed": bench.seed}
    watched, alone = (Hours(bench, name, more, 2 * repeats + 2) for name, more in _SPACES.items())
    (watched.folder / "space" / "figures").mkdir(exist_ok=True)
    for kind, with_logs, without in (
        ("in a process that goes on", lambda: _logged(watched), alone.run),
        ("as a process", lambda: _job(watched), lambda: _job(alone)),
    ):
        busy: dict[str, list[float]] = {}
        ways = (
            _counting(watched.way(f"an hour's run {kind}, watched", with_logs), busy),
            _counting(alone.way(f"an hour's run {kind}, not watched", without), busy),
        )
        timed = race(14, *ways, _MOST, inputs, repeats)
        yield timed
        ours, theirs = (min(busy[way.name][1:]) for way in ways)  # the first one warms up
        notes = {"all seconds": busy}
        yield replace(timed, what=f"{timed.what}, of processors", seconds=ours, against_seconds=theirs, notes=notes)


def _logged(hours: Hours) -> None:
    """The run in this process, with what the command line adds."""
    with (hours.folder / "log").open("w") as file, redirect_stderr(file):
        logs.set_up("json")
        try:
            hours.run()
        finally:
            logs.take_down()


def _job(hours: Hours) -> None:
    """The run as a process of its own."""
    command = [sys.executable, _JOB, "--settings", hours.folder / "space" / "acme.yml"]
    with (hours.folder / "log").open("w") as file:
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=file)


def _counting(way: Way, busy: dict[str, list[float]]) -> Way:
    """The same; what processors did for it is in `busy`."""

    def run() -> None:
        before = _busy()
        way.run()
        busy.setdefault(way.name, []).append(_busy() - before)

    return replace(way, run=run)


def _busy() -> float:
    """Seconds of processors in user mode, of this process and those that it waited for."""
    return sum(getrusage(who).ru_utime for who in (RUSAGE_SELF, RUSAGE_CHILDREN))
