"""One batch from files to tables: every step is repeatable, and the batch lands when all of them are done."""

import uuid
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

import pyarrow as pa
import pyarrow.compute as pc

from profiles_sync.errors import LakeError
from profiles_sync.lake.base import Lake
from profiles_sync.pipeline import (
    batches,
    event_tables,
    identity,
    materialized_views,
    raw_tables,
    replay,
    staging,
    tasks,
)
from profiles_sync.pipeline.batches import Batch
from profiles_sync.pipeline.delta_source import is_mark
from profiles_sync.pipeline.discover import Found, new_files
from profiles_sync.pipeline.event_tables import Written
from profiles_sync.pipeline.identity import Resolved
from profiles_sync.pipeline.kernel import Carriers, Past, Replayed
from profiles_sync.pipeline.reading import read_files
from profiles_sync.pipeline.staged import Parsed
from profiles_sync.settings import Settings
from profiles_sync.spec import tables
from profiles_sync.spec.rules import IdentityRules

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

Task = TypeVar("Task")
Say = Callable[[str], None]


@dataclass
class Report:
    """What a run did to the lake. `lines.read` = events + duplicates + quarantined, always.

    `unread` says of each source that could not be read why; the others were.
    """

    batch: int = 0
    read: int = 0
    events: int = 0
    duplicates: int = 0
    quarantined: dict[str, int] = field(default_factory=dict)
    tables: dict[str, int] = field(default_factory=dict)
    violations: dict[str, int] = field(default_factory=dict)
    cast_to_null: dict[str, int] = field(default_factory=dict)
    nul_characters: int = 0
    profiles_created: int = 0
    merges: int = 0
    warnings: list[str] = field(default_factory=list)
    unread: list[str] = field(default_factory=list)

    def shown(self) -> dict[str, Any]:
        """As `--json` prints it."""
        counts = {name: getattr(self, name) for name in ("read", "events", "duplicates")}
        quarantined = {"quarantined": sum(self.quarantined.values()), "by_reason": self.quarantined}
        return {
            "lines": counts | quarantined,
            "tables": self.tables,
            "violations": self.violations,
            "cast_to_null": self.cast_to_null,
            "nul_characters": self.nul_characters,
            "warnings": self.warnings,
        }

    def add(self, other: "Report") -> None:
        """Put the report of a further batch into this one."""
        self.batch = other.batch
        self.warnings += other.warnings
        for name in ("read", "events", "duplicates", "nul_characters", "profiles_created", "merges"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        for name in ("quarantined", "tables", "violations", "cast_to_null"):
            counts = getattr(self, name)
            for key, count in getattr(other, name).items():
                counts[key] = counts.get(key, 0) + count


@dataclass
class Engine:
    """Where the work is done: the driver, or the session that `spark` gives when it is first needed."""

    settings: Settings
    lake: Lake
    spark: Callable[[], "SparkSession"]
    say: Say = lambda step: None

    def run(self, work: Callable[[Task], str], todo: Sequence[Task], size: int) -> list[str]:
        """Do the tasks where `size` bytes of input are done soonest, or where the settings say."""
        engine = self.settings.engine
        in_driver = engine.executor == "driver" or (engine.executor == "auto" and size <= engine.driver_bytes)
        return tasks.in_driver(todo, work) if in_driver else tasks.on_spark(self.spark(), todo, work, engine.slots)

    def resolve(self, carriers: Carriers, past: Past, rules: IdentityRules, created: int) -> Replayed:
        """Resolve identities on the path that the settings or the size ask for."""
        choice = self.settings.identity
        events = len(carriers.received_at)
        if choice.path == "driver" or (choice.path == "auto" and events <= choice.distributed_above):
            return replay.in_driver(carriers, past, rules, created)
        from profiles_sync.pipeline import distributed

        folder = self.lake.path(f"_staging/identity/{uuid.uuid4().hex}")  # an orphan of a killed run may still write
        bounds = choice.edges_per_task, choice.events_per_task
        done = distributed.resolutions(self.spark(), carriers, past, rules, created, folder, *bounds)
        staging.clear(self.lake.path("_staging/identity"))
        return done


def take_new_events(engine: Engine, report: Report | None = None) -> Report:
    """Finish what a crash left, then take every new file as one batch.

    Args:
        engine: Where.
        report: Told of each batch as it lands, so that it is right also where a later one fails.

    Returns:
        What was done, also when there was nothing to do.
    """
    report = Report() if report is None else report
    prepare(engine.lake)
    if (left := batches.unfinished(engine.lake)) is not None:
        engine.say(f"finishing batch {left.number}, which an earlier run left open")
        report.add(_carry_out(engine, left))
    found = find_new_files(engine.settings, engine.lake)
    report.warnings += found.warnings
    report.unread += found.errors
    if found.files:
        report.add(_carry_out(engine, batches.open_batch(engine.lake, found.files)))
    return report


def find_new_files(settings: Settings, lake: Lake) -> Found:
    """The files that no batch has taken; the lake and warehouses in a source's folder are none."""
    sources = {slug: source.path for slug, source in settings.sources.items()}
    files = [one.path for one in settings.warehouses.values() if hasattr(one, "path")]
    return new_files(
        sources, batches.taken_files(lake), [f"{lake.root.rstrip('/')}/", *files, *(f"{file}.wal" for file in files)]
    )


def rebuild(engine: Engine, recorded: Lake) -> Report:
    """Build the engine's lake anew from the batches that another lake of the same space recorded.

    Late events make the result depend on which batch they came with; so each batch is taken again with the files it
    had, not all files as one. A rebuild that was broken off goes on where it stopped.

    Args:
        engine: Its lake is the one that is built.
        recorded: The lake whose batches are replayed; it is only read.
    """
    report = Report()
    prepare(engine.lake)
    done = batches.last_landed(engine.lake)
    for batch in batches.landed(recorded):
        if batch.number > done:
            again = batches.reopen(engine.lake, batch)
            batches.remember_files(engine.lake, again)  # it has to be made of the same files, or not at all
            report.add(_carry_out(engine, again))
    return report


def prepare(lake: Lake) -> None:
    """Create the tables that are always there."""
    for table in (*tables.FIXED_TABLES, tables.QUARANTINE):
        lake.create(table)


def _carry_out(engine: Engine, batch: Batch) -> Report:
    lake = engine.lake
    engine.say(f"batch {batch.number}: reading {sum(not is_mark(file.path) for file in batch.files)} file(s)")
    reading = read_files(lake, engine.settings, batch, engine.run)
    batch, parsed = reading.batch, reading.parsed
    if not parsed:
        batches.land(lake, batch, batch.before, {})
        staging.clear(lake.path(f"_staging/{batch.number}"))
        return Report(batch=batch.number, warnings=reading.warnings)
    engine.say("resolving identities")
    resolved = identity.resolve_batch(lake, batch, parsed, engine.settings.rules, engine.resolve)
    report = _counted(batch, parsed, resolved)
    report.warnings += reading.warnings
    engine.say("writing tables")
    declared = {source.slug: source for source in engine.settings.declared_sources}
    with ThreadPoolExecutor(2) as beside:  # tasks write the events' tables while this process writes the others
        events = beside.submit(_write_events, engine, batch, parsed, resolved)
        logs = beside.submit(identity.remember, lake, batch, resolved)
        report.cast_to_null = raw_tables.append(lake, batch, resolved, [declared[one.source] for one in parsed])
        report.tables |= _raw_counts(resolved) | materialized_views.merge(lake, batch, resolved)
        logs.result()
        written = events.result()
    report.tables |= event_tables.rows_written(written)
    for one in written:
        if one.cast_to_null:
            report.cast_to_null[one.table] = report.cast_to_null.get(one.table, 0) + one.cast_to_null
    _quarantine(lake, batch, parsed)
    batches.land(lake, batch, resolved.after, vars(report) | {"warnings": [], "unread": []})
    staging.clear(lake.path(f"_staging/{batch.number}"))
    return report


def _counted(batch: Batch, parsed: Sequence[Parsed], resolved: Resolved) -> Report:
    """Count, and hold the run to it: every line read is an event, a duplicate or in quarantine."""
    report = Report(batch=batch.number, read=sum(one.lines for one in parsed), events=resolved.events)
    for one in parsed:
        report.nul_characters += one.nul_characters
        for reason, count in one.quarantined.items():
            report.quarantined[reason] = report.quarantined.get(reason, 0) + count
    report.duplicates = resolved.landing.duplicates
    for one in resolved.violations["code"].value_counts().to_pylist():
        report.violations[one["values"]] = one["counts"]
    report.profiles_created = resolved.after.profiles - batch.before.profiles
    report.merges = len(resolved.changes.graph.seq) - report.profiles_created
    accounted = report.events + report.duplicates + sum(report.quarantined.values())
    if accounted != report.read:
        raise LakeError(
            f"batch {batch.number}: {report.read} lines were read and {accounted} accounted for; "
            "nothing was written, please report this"
        )
    return report


def _raw_counts(resolved: Resolved) -> dict[str, int]:
    changes = resolved.changes
    rows = (changes.graph, changes.mapped, changes.traits)
    return {table.name: len(one.seq) for table, one in zip(tables.RAW_TABLES, rows, strict=True)}


def _write_events(engine: Engine, batch: Batch, parsed: Sequence[Parsed], resolved: Resolved) -> list[Written]:
    todo = event_tables.plan(engine.lake, batch, parsed, resolved, uuid.uuid4().hex)
    size = sum(file.size for file in batch.files)
    written = [Written.from_json(text) for text in engine.run(event_tables.write, todo, size)]
    event_tables.commit(engine.lake, batch, todo, written)
    return written


def _quarantine(lake: Lake, batch: Batch, parsed: Sequence[Parsed]) -> None:
    found = pa.concat_tables(_numbered(parsed))
    types = tables.QUARANTINE.types
    stamped = {
        "uuid_ts": pa.array([batch.uuid_ts] * found.num_rows, pa.timestamp("us", "UTC")),
        "batch": pa.array([batch.number] * found.num_rows, pa.int64()),
    }
    rows = pa.table({name: stamped.get(name, found[name] if name in found.column_names else None) for name in types})
    lake.append(tables.QUARANTINE.name, rows, batch.number)


def _numbered(parsed: Sequence[Parsed]) -> Iterator[pa.Table]:
    """The quarantined lines of each piece, numbered from the beginning of its file."""
    before: dict[str, int] = {}
    for one in parsed:
        rows, base = staging.read(one.quarantine), before.get(one.piece_of or "", 0)
        place = rows.column_names.index("line_number")
        yield rows.set_column(place, "line_number", pc.add(rows["line_number"], base))
        if one.piece_of:
            before[one.piece_of] = base + one.ends
