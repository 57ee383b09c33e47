"""Measure 5: an hour whose events have 2,000 names, each with properties of its own.

To the lake, against Spark appending the same rows to one Delta table, properties as text: when all tables are new, and
when most are there, one in twenty is new and one in twenty gets a column. And with the sync to DuckDB, and to Postgres,
against the same X
"""

from collections.abc import Iterator
from contextlib import ExitStack

from tests.benchmarks.lakes import all_of_duckdb, all_of_lake, all_of_reference
from tests.benchmarks.many_names import OneTable, Space
from tests.benchmarks.measure import Answer, Bench, Goal, Result, Way, agreed, race
from tests.servers import postgres

FULL, QUICK = (2_000, 200_000), (30, 3_000)  # names, and events in an hour


def measure(bench: Bench) -> Iterator[Result]:
    names, events = bench.sizes
    inputs = {"event names": names, "events": events, "seed": bench.seed}
    checked = {"every table at a small size, as the reference and DuckDB have it": _check(bench)}
    many, one = (Space(bench, bench.folder / name, names_, events) for name, names_ in (("many", names), ("one", 1)))
    table = OneTable(bench, many)
    for what, arrive in (("new tables", many.anew), ("tables, most of which are there", many.next)):
        ways = Way(f"an hour to {names:,} {what}", many.take, many.in_lake, arrive), table.way()
        yield race(5, *ways, Goal(8), inputs, bench.repeats, many.noted(arrive, many.take) | checked)
    yield _synced(bench, "DuckDB", many, one, inputs)
    with ExitStack() as stack:  # a server for each: both are of the same name, and so is their schema
        servers = (stack.enter_context(postgres()).settings for _ in range(2))
        many, one = (
            Space(bench, bench.folder / f"{name}-postgres", names_, events, server)
            for (name, names_), server in zip((("many", names), ("one", 1)), servers, strict=True)
        )
        yield _synced(bench, "Postgres", many, one, inputs)


def _synced(bench: Bench, where: str, many: Space, one: Space, inputs: dict[str, int]) -> Result:
    """The run with the sync, when most tables are there; `one` takes as many hours before.

    A warehouse has the hours since its first sync, so both begin with it.
    """
    many.anew()
    many.sync()
    notes = many.noted(many.next, many.sync)
    for _ in (many.folder / "events").iterdir():
        one.next()
    one.sync()
    ways = many.way(f"an hour to the lake and to {where}, {many.names:,} names"), one.way("the same with one name")
    return race(5, *ways, Goal(3), inputs, bench.repeats, notes)


def _check(bench: Bench) -> Answer:
    small = Space(bench, bench.folder / "checked", 20, 400)
    for _ in range(3):
        small.next()
    small.sync()
    lake = Way("the lake", lambda: None, lambda: all_of_lake(small.lake))
    agreed(lake, Way("the reference", lambda: None, lambda: all_of_reference(small.settings)))
    return agreed(lake, Way("DuckDB", lambda: None, lambda: all_of_duckdb(small.folder / "acme.duckdb", "acme")))[0]
