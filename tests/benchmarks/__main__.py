"""`python -m tests.benchmarks`: run the measures, print a table, write JSON."""

import os
import platform
import tempfile
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Annotated

import orjson
import typer
from rich.console import Console
from rich.table import Table

from profiles_sync.session import get_session
from tests.benchmarks import components, hours, tables
from tests.benchmarks.measure import Result

MEASURES = {1: components.measure, 3: tables.measure, 6: hours.measure}


def main(
    quick: Annotated[bool, typer.Option(help="Small sizes, about three minutes.")] = False,
    only: Annotated[list[int] | None, typer.Option(help="Run these measures only.")] = None,
    seed: int = 7,
    json: Annotated[Path | None, typer.Option(help="Where the results go.")] = None,
) -> None:
    results: list[Result] = []
    with tempfile.TemporaryDirectory() as folder:
        spark = get_session(driver_memory="4g", log_file=f"{folder}/spark.log")
        for number in only or MEASURES:
            here = Path(folder) / str(number)
            here.mkdir()
            results += MEASURES[number](spark, here, quick, seed)
    show(results)
    if json:
        json.parent.mkdir(parents=True, exist_ok=True)
        written = [asdict(one) | {"ratio": one.ratio} for one in results]
        json.write_bytes(orjson.dumps({"machine": machine(), "results": written}, option=orjson.OPT_INDENT_2))


def machine() -> dict[str, object]:
    names = ("pyspark", "delta-spark", "deltalake", "pyarrow", "numba", "numpy", "scipy", "splink")
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "cores": os.cpu_count(),
        "memory": memory,
        "python": platform.python_version(),
        "versions": {name: version(name) for name in names},
        "load": os.getloadavg(),
    }


def show(results: list[Result]) -> None:
    made = Table("measure", "what", "size", "seconds", "against", "seconds", "ratio", "goal", "rows", "checksum")
    for one in results:
        same = one.answer and [f"{one.answer.rows:,}", f"{one.answer.checksum & 0xFFFFFFFF:08x}"]
        goal = "" if one.goal is None else f"<= {one.goal}"
        numbers = [f"{one.seconds:.2f}", one.against, f"{one.other:.2f}", f"{one.ratio:.2f}", goal]
        made.add_row(str(one.measure), one.what, one.size, *numbers, *(same or ["", ""]))
    Console(width=160).print(made)


if __name__ == "__main__":
    typer.run(main)
