"""`python -m tests.benchmarks`: run the measures, print a table of ratios, write JSON."""

import os
import platform
import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import version
from pathlib import Path
from types import ModuleType
from typing import Annotated, Any

import orjson
import typer
from rich.console import Console
from rich.table import Table

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
)
from tests.benchmarks.measure import Answer, Bench, Goal, Result

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
}
_PACKAGES = (
    "pyspark",
    "delta-spark",
    "deltalake",
    "pyarrow",
    "duckdb",
    "numba",
    "numpy",
    "scipy",
    "splink",
    "adbc-driver-postgresql",
)


def main(
    quick: Annotated[bool, typer.Option(help="Small sizes: three minutes.")] = False,
    only: Annotated[list[int] | None, typer.Option(help="Run this measure; may be repeated.")] = None,
    size: Annotated[list[int] | None, typer.Option(help="Of the only measure's inputs; may be repeated.")] = None,
    repeats: Annotated[int | None, typer.Option(help="How often each way is timed.")] = None,
    seed: Annotated[int, typer.Option(help="Of all that is generated.")] = 7,
    json: Annotated[Path | None, typer.Option(help="Where the results go.")] = None,
) -> None:
    """Time each measure's two ways in turn. No time is shown before both came to the same answer."""
    chosen = only or list(MEASURES)
    if size and len(chosen) != 1:
        raise typer.BadParameter("--size needs the one measure whose inputs have it: --only 4 --size 100000 ...")
    sizes = {one: tuple(size or (MEASURES[one].QUICK if quick else MEASURES[one].FULL)) for one in chosen}
    made = {"date": datetime.now(UTC).isoformat(timespec="seconds"), "seed": seed, "machine": machine()}
    with tempfile.TemporaryDirectory() as folder:
        results = list(run(Path(folder), sizes, repeats or (1 if quick else 3), seed))
    Console(width=220).print(table(results))
    if json:
        json.parent.mkdir(parents=True, exist_ok=True)
        shown = made | {"sizes": sizes, "results": [one.shown() for one in results]}
        json.write_bytes(orjson.dumps(shown, option=orjson.OPT_INDENT_2 | orjson.OPT_NON_STR_KEYS))


def run(folder: Path, sizes: dict[int, tuple[int, ...]], repeats: int, seed: int) -> Iterator[Result]:
    """The measures one after the other, each in a folder of its own."""
    start = cache(lambda: get_session(driver_memory="4g", log_file=str(folder / "spark.log")))
    for number, its_sizes in sizes.items():
        here = folder / str(number)
        here.mkdir()
        started = time.perf_counter()
        for result in MEASURES[number].measure(Bench(start, here, its_sizes, repeats, seed)):
            typer.echo(
                f"measure {number}: {result.what}: {result.seconds:.2f} s, {result.ratio:.2f} x {result.against}"
            )
            typer.echo(f"    {_shown(result.answer)}; {result.against}: {_shown(result.against_answer)}")
            for note in _notes(result.notes):
                typer.echo(f"    {note}")
            yield result
        typer.echo(f"measure {number} took {time.perf_counter() - started:.0f} s, inputs and checks included")
        shutil.rmtree(here)


def machine() -> dict[str, Any]:
    """Where it ran, and how busy that was before."""
    described = Path("/proc/cpuinfo").read_text().splitlines()
    model = next((line.partition(":")[2].strip() for line in described if line.startswith("model name")), "unknown")
    return {
        "cpu": model,
        "cores": os.cpu_count(),
        "memory": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        "load": os.getloadavg()[0],
        "system": platform.platform(),
        "versions": {"python": platform.python_version()} | {name: version(name) for name in _PACKAGES},
    }


def table(results: list[Result]) -> Table:
    made = Table(
        "", "what", "inputs", "seconds", "against", "seconds", "ratio", "goal", "met", "rows", "checksum", "notes"
    )
    for one in results:
        inputs = ", ".join(f"{value:,} {name}" for name, value in one.inputs.items() if name != "seed")
        made.add_row(
            str(one.measure),
            one.what,
            inputs,
            f"{one.seconds:.2f}",
            one.against,
            f"{one.against_seconds:.2f}",
            f"{one.ratio:.2f}",
            _goal(one.goal),
            "yes" if one.met else "no",
            f"{one.answer.rows:,}",
            one.answer.checksum,
            "\n".join(_notes({name: value for name, value in one.notes.items() if isinstance(value, int)})),
        )
    return made


def _notes(notes: Mapping[str, Any]) -> Iterator[str]:
    """The numbers among the notes, those that belong together in one line; the JSON has the others too."""
    for name, value in notes.items():
        if isinstance(value, Mapping) and (numbers := ", ".join(_notes(value))):
            yield f"{name}: {numbers}"
        elif isinstance(value, int | float):
            yield f"{name} {value:,}" if isinstance(value, int) else f"{name} {value:.2f}"


def _shown(answer: Answer) -> str:
    return f"{answer.rows:,} rows, checksum {answer.checksum}"


def _goal(goal: Goal) -> str:
    memory = f"\n<= {goal.memory / 1e9:g} GB" if goal.memory else ""
    return f"<= {goal.most:g} {goal.unit}{memory}"


if __name__ == "__main__":
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    app.command()(main)
    app()
