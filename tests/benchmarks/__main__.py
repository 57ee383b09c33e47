"""`python -m tests.benchmarks`: run the measures, print a table of ratios, write JSON."""

import shutil
import tempfile
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Annotated

import typer
from rich.console import Console

from profiles_sync.session import get_session
from tests.benchmarks import (
    m1_components,
    m2_identity,
    m3_events_to_tables,
    m4_growing_state,
    m5_many_tables,
    m6_small_hours,
    m7_survival,
    m8_cluster,
    m9_many_hours,
    m10_postgres,
    m13_quality,
    m14_watching,
)
from tests.benchmarks.machine import machine
from tests.benchmarks.measure import Bench, timed
from tests.benchmarks.memory import PeakMemory
from tests.benchmarks.report import Kept, say, table

MEASURES: dict[int, ModuleType] = {
    1: m1_components,
    2: m2_identity,
    3: m3_events_to_tables,
    4: m4_growing_state,
    5: m5_many_tables,
    6: m6_small_hours,
    7: m7_survival,
    8: m8_cluster,
    9: m9_many_hours,
    10: m10_postgres,
    13: m13_quality,
    14: m14_watching,
}


def main(
    quick: Annotated[bool, typer.Option(help="Small sizes, each way once: three minutes.")] = False,
    only: Annotated[list[int] | None, typer.Option(help="Run this measure; may be repeated.")] = None,
    size: Annotated[list[int] | None, typer.Option(help="Of the only measure's inputs; may be repeated.")] = None,
    repeats: Annotated[int | None, typer.Option(help="How often each way is timed.")] = None,
    seed: Annotated[int, typer.Option(help="Of all that is generated.")] = 7,
    json: Annotated[Path | None, typer.Option(help="Where the results go.")] = None,
) -> None:
    """Time each measure's two ways in turn. No time is shown before both came to the same answer."""
    chosen = only or [number for number, one in MEASURES.items() if one.QUICK or not quick]
    if size and len(chosen) != 1:
        raise typer.BadParameter("--size needs the one measure whose inputs have it: --only 4 --size 100000 ...")
    sizes = {one: tuple(size or (MEASURES[one].QUICK if quick else MEASURES[one].FULL)) for one in chosen}
    if slow := [number for number, given in sizes.items() if not given]:
        raise typer.BadParameter(f"measure {slow[0]} is not quick at any size")
    made = {"date": datetime.now(UTC).isoformat(timespec="seconds"), "seed": seed, "machine": machine()}
    kept = Kept(json, made | {"sizes": sizes})
    with tempfile.TemporaryDirectory() as folder:
        run(Path(folder), sizes, repeats or (1 if quick else 3), seed, kept)
    if len(chosen) > 1:
        Console(width=220).print(table(kept.results))


def run(folder: Path, sizes: dict[int, tuple[int, ...]], repeats: int, seed: int, kept: Kept) -> None:
    """The measures one after the other, each in a folder of its own; its table is shown when it has ended."""
    start = cache(lambda: get_session(driver_memory="4g", log_file=str(folder / "spark.log")))
    for number, its_sizes in sizes.items():
        here, before = folder / str(number), len(kept.results)
        here.mkdir()
        taken: list[float] = []
        with timed(taken), PeakMemory(every=2) as watch:
            for result in MEASURES[number].measure(Bench(start, here, its_sizes, repeats, seed)):
                say(result)
                kept.add(result)
        kept.over(number, {"seconds": taken[0], "of processors": watch.cpu_seconds})
        Console(width=220).print(table(kept.results[before:]))
        took = f"{taken[0]:.0f} s, {watch.cpu_seconds:.0f} s of processors"
        typer.echo(f"measure {number} took {took}, inputs and checks included")
        shutil.rmtree(here)


if __name__ == "__main__":
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    app.command()(main)
    app()
