"""`python -m tests.benchmarks`: run the measures, print a table of ratios, write JSON."""

import os
import platform
import tempfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any

import orjson
import typer
from rich.console import Console
from rich.table import Table

from profiles_sync.session import get_session
from tests.benchmarks import m1_components, m3_events_to_tables, m6_small_hours
from tests.benchmarks.measure import Bench, Goal, Result, Sizes

MEASURES: dict[int, Callable[[Bench], Iterator[Result]]] = {
    1: m1_components.measure,
    3: m3_events_to_tables.measure,
    6: m6_small_hours.measure,
}
FULL = Sizes()
QUICK = Sizes(edges=(1_270_000,), events=100_000, repeats=2)
_PACKAGES = ("pyspark", "delta-spark", "deltalake", "pyarrow", "duckdb", "numba", "numpy", "scipy", "splink")


def main(
    quick: Annotated[bool, typer.Option(help="Small sizes: three minutes.")] = False,
    only: Annotated[list[int] | None, typer.Option(help="Run this measure; may be repeated.")] = None,
    edges: Annotated[list[int] | None, typer.Option(help="Of measure 1; may be repeated.")] = None,
    events: Annotated[int | None, typer.Option(help="Of measure 3.")] = None,
    repeats: Annotated[int | None, typer.Option(help="How often each way is timed.")] = None,
    seed: Annotated[int, typer.Option(help="Of all that is generated.")] = FULL.seed,
    json: Annotated[Path | None, typer.Option(help="Where the results go.")] = None,
) -> None:
    """Time each measure's two ways in turn. No time is shown before both came to the same answer."""
    base = QUICK if quick else FULL
    sizes = Sizes(tuple(edges or base.edges), events or base.events, repeats or base.repeats, seed)
    made = {"date": datetime.now(UTC).isoformat(timespec="seconds"), "sizes": sizes, "machine": machine()}
    with tempfile.TemporaryDirectory() as folder:
        results = run(Path(folder), only or list(MEASURES), sizes)
    Console(width=200).print(table(results))
    if json:
        json.parent.mkdir(parents=True, exist_ok=True)
        shown = made | {"results": [one.shown() for one in results]}
        json.write_bytes(orjson.dumps(shown, option=orjson.OPT_INDENT_2))


def run(folder: Path, measures: list[int], sizes: Sizes) -> list[Result]:
    """The measures one after the other, each in a folder of its own."""
    spark = get_session(driver_memory="4g", log_file=str(folder / "spark.log"))
    results = []
    for number in measures:
        here = folder / str(number)
        here.mkdir()
        for result in MEASURES[number](Bench(spark, here, sizes)):
            typer.echo(
                f"measure {number}: {result.what}: {result.seconds:.2f} s, {result.ratio:.2f} x {result.against}"
            )
            results.append(result)
    return results


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
        notes = "\n".join(f"{name}: {value:,}" for name, value in one.notes.items() if isinstance(value, int))
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
            notes,
        )
    return made


def _goal(goal: Goal) -> str:
    return f"<= {goal.most:g} {goal.unit}"


if __name__ == "__main__":
    typer.run(main)
