"""A lake that was grown is the one that the job makes of the same events, and goes on as the reference does."""

from collections.abc import Sequence
from pathlib import Path

import orjson

from profiles_sync.lake.opening import lake_of
from profiles_sync.lake.tables import Lake
from profiles_sync.pipeline import messages, state
from profiles_sync.pipeline.engine import Engine
from profiles_sync.pipeline.run import take_new_events
from profiles_sync.spec import tables
from profiles_sync.spec.events import read_line
from profiles_sync.spec.space import Space
from tests.benchmarks import grown
from tests.benchmarks.extracted import lines
from tests.benchmarks.lakes import all_of
from tests.benchmarks.measure import Answer, Bench, Way, agreed
from tests.lakes import expected, rows_of

_UNITS, _HOURS, _EVENTS = 200, 2, 200
_LOGS = [state.IDENTIFIERS, state.GRAPH, state.TRAITS, messages.MESSAGES]
#: All but the events' own tables, of which a grown lake has none.
_TABLES = [table.name for table in tables.FIXED_TABLES if table not in tables.EVENT_TYPE_TABLES]


def check(bench: Bench) -> None:
    """Grow a small lake, land the same events by the job and in the reference, and then some hours.

    Raises:
        Differs: A table or a log of one does.
    """
    folder = bench.folder / "checked"
    settings = grown.space(folder / "grown"), grown.space(folder / "job")
    made, job = (Engine(one, lake_of(one), bench.start) for one in settings)
    reference = Space(made.lake.slug, made.settings.rules)
    grown.grow(made, _UNITS, _UNITS, recent=0)
    for number in range(grown.BATCHES):
        before = list(lines(grown.before(number, _UNITS, _UNITS)))
        _take(job, folder / "job", f"before-{number}", before, reference)
    agreed(_way(made.lake, _LOGS + _TABLES), _way(job.lake, _LOGS + _TABLES))
    for number in range(_HOURS):
        hour = [orjson.dumps(one) for one in grown.hour(number, _UNITS, _EVENTS, bench.seed)]
        _take(made, folder / "grown", f"hour-{number}", hour, reference)
    agreed(_way(made.lake, _TABLES), Way("the reference", lambda: None, lambda: _expected(reference)))


def _take(engine: Engine, folder: Path, name: str, sent: list[bytes], reference: Space) -> None:
    """One batch, for the job and for the reference."""
    grown.arrive(folder, name, sent)
    (source,) = engine.settings.declared_sources
    reference.land([read_line(line, source, 0) for line in sent])
    take_new_events(engine)


def _way(lake: Lake, names: Sequence[str]) -> Way:
    def found() -> Answer:
        return all_of({name: rows_of(lake, name) for name in names})

    return Way(lake.root, lambda: None, found)


def _expected(reference: Space) -> Answer:
    types = {name: tables.table(name).types | reference.tables.added.get(name, {}) for name in _TABLES}
    return all_of({name: expected(reference, name, types[name]) for name in _TABLES})
