"""Measure 13: what the checks of each batch cost: at most 1.25 x a sync without them.

An hour's run, of two spaces that take the same hours, one of which checks. And the sync alone of all that a lake holds
into an empty DuckDB file. All batches are as expected, so Great Expectations is not loaded: see DECISIONS, 55.
"""

from collections.abc import Iterator

from profiles_sync.settings import Settings
from profiles_sync.sync.checking import quality_of
from profiles_sync.sync.hourly import lake_of
from profiles_sync.sync.run import Bounds, sync_warehouse
from profiles_sync.warehouses import open_warehouse
from tests.benchmarks.hourly import Hours, rows_of
from tests.benchmarks.measure import Bench, Goal, Result, Way, race

FULL = (10, 10_000)  # hours in the stream, and events in each of them
QUICK = ()  # checks cost by the event
_MOST = Goal(1.25)
_QUALITY = "quality: {{enabled: {}}}\n"


def measure(bench: Bench) -> Iterator[Result]:
    hours, each = bench.sizes
    inputs = {"events before": hours * each, "events": each, "seed": bench.seed}
    checking, plain = (Hours(bench, name, _QUALITY.format(name == "checking")) for name in ("checking", "plain"))
    ways = checking.way("an hour's run, with checks"), plain.way("an hour's run, without")
    yield race(13, *ways, _MOST, inputs, bench.repeats)
    checked, unchecked = _whole(checking, "checked", True), _whole(checking, "unchecked", False)
    yield race(13, checked, unchecked, _MOST, inputs, bench.repeats)


def _whole(hours: Hours, name: str, enabled: bool) -> Way:
    """The sync of all rows into an empty file."""
    path, settings = hours.folder / f"{name}.duckdb", hours.settings
    declared = settings.warehouses["local"].model_copy(update={"path": str(path)})

    def sync() -> None:
        gate = _quality(settings, enabled)
        opened = open_warehouse(name, declared, "acme")
        result = sync_warehouse(opened, lake_of(settings), "1", bounds=Bounds(gate=gate))
        if result.status != "Success":
            raise RuntimeError(result.said)

    return Way(f"a first sync, {name}", sync, lambda: rows_of(path), lambda: path.unlink(missing_ok=True))


def _quality(settings: Settings, enabled: bool):
    quality = quality_of(settings, lake_of(settings)) if enabled else None
    return quality and quality.gate("local")
