"""One batch from files to tables: every step is repeatable, and the batch lands when all of them are done."""

import uuid
from collections.abc import Iterator, Sequence

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
    resolved_once,
    staging,
)
from profiles_sync.pipeline.batches import Batch
from profiles_sync.pipeline.delta_source import is_mark
from profiles_sync.pipeline.engine import Engine, Report
from profiles_sync.pipeline.event_tables import Written
from profiles_sync.pipeline.identity import Resolved
from profiles_sync.pipeline.reading import Reading, read_files
from profiles_sync.pipeline.replay import Resolve
from profiles_sync.pipeline.staged import Parsed
from profiles_sync.spec import tables
from profiles_sync.watching.steps import step
from profiles_sync.watching.threads import Threads


def carry_out(engine: Engine, batch: Batch) -> Report:
    """Do what is left to do of an open batch, and land it."""
    lake = engine.lake
    reading = read(engine, batch)
    batch, parsed = reading.batch, reading.parsed
    if not parsed:
        return land_nothing(lake, reading)
    resolved = resolve(engine, batch, parsed, resolved_once.found(kept_in(lake, batch), engine.resolve))
    report = counted(batch, parsed, resolved)
    report.warnings += reading.warnings
    engine.say("writing tables")
    with step("write") as done:
        _write(engine, batch, parsed, resolved, report)
        done.rows = sum(report.tables.values())
    batches.land(lake, batch, resolved.after, vars(report) | {"warnings": [], "unread": []})
    staging.clear(lake.path(f"_staging/{batch.number}"))
    return report


def _write(engine: Engine, batch: Batch, parsed: Sequence[Parsed], resolved: Resolved, report: Report) -> None:
    """Every table of a batch; the report has the rows."""
    with Threads(2) as beside:  # tasks write the events' tables while this process writes the others
        events = beside.submit(_write_events, engine, batch, parsed, resolved)
        report.cast_to_null = write_identity(engine, batch, parsed, resolved)
        with step("merge"):
            report.tables |= _raw_counts(resolved) | materialized_views.merge(engine.lake, batch, resolved)
        written = events.result()
    report.tables |= event_tables.rows_written(written)
    for one in written:
        if one.cast_to_null:
            report.cast_to_null[one.table] = report.cast_to_null.get(one.table, 0) + one.cast_to_null
    _quarantine(engine.lake, batch, parsed)


def read(engine: Engine, batch: Batch) -> Reading:
    """Its files, or what is staged of them."""
    engine.say(f"batch {batch.number}: reading {sum(not is_mark(file.path) for file in batch.files)} file(s)")
    with step("read") as done:
        reading = read_files(engine.lake, engine.settings, batch, engine.run)
        done.rows = sum(one.lines for one in reading.parsed)
    return reading


def land_nothing(lake: Lake, reading: Reading) -> Report:
    """A batch none of whose files could be opened: they are for a later one."""
    batch = reading.batch
    batches.land(lake, batch, batch.before, {})
    staging.clear(lake.path(f"_staging/{batch.number}"))
    return Report(batch=batch.number, warnings=reading.warnings)


def resolve(engine: Engine, batch: Batch, parsed: Sequence[Parsed], by: Resolve) -> Resolved:
    """Who did what in it; from here on its tables are being written."""
    engine.say("resolving identities")
    with step("resolve") as done:
        resolved = identity.resolve_batch(engine.lake, batch, parsed, engine.settings.rules, by)
        done.rows = resolved.events
    staging.mark(_begun(engine.lake, batch))
    return resolved


def write_identity(engine: Engine, batch: Batch, parsed: Sequence[Parsed], resolved: Resolved) -> dict[str, int]:
    """The profile raw tables, and the logs that later batches look up; how many values could not be cast, by table."""
    declared = {source.slug: source for source in engine.settings.declared_sources}
    with step("write identity"), Threads(1) as beside:
        logs = beside.submit(identity.remember, engine.lake, batch, resolved)
        lost = raw_tables.append(engine.lake, batch, resolved, [declared[one.source] for one in parsed])
        logs.result()
    return lost


def is_half_written(lake: Lake, batch: Batch) -> bool:
    """Whether tables may have some rows of an open batch and lack others."""
    return staging.is_marked(_begun(lake, batch))


def kept_in(lake: Lake, batch: Batch) -> str:
    """Where the answer of identity resolution is staged."""
    return lake.path(f"_staging/{batch.number}/resolved")


def _begun(lake: Lake, batch: Batch) -> str:
    return lake.path(f"_staging/{batch.number}/writing")


def lines_of(batch: Batch, parsed: Sequence[Parsed]) -> Report:
    """How many lines were read, and how many of them are in quarantine."""
    report = Report(batch=batch.number, read=sum(one.lines for one in parsed))
    for one in parsed:
        for reason, count in one.quarantined.items():
            report.quarantined[reason] = report.quarantined.get(reason, 0) + count
    return report


def counted(batch: Batch, parsed: Sequence[Parsed], resolved: Resolved) -> Report:
    """Count, and hold the run to it: every line read is an event, a duplicate or in quarantine."""
    report = lines_of(batch, parsed)
    report.events = resolved.events
    report.nul_characters = sum(one.nul_characters for one in parsed)
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
    with step("write events") as done:
        todo = event_tables.plan(engine.lake, batch, parsed, resolved, uuid.uuid4().hex)
        written = [Written.from_json(text) for text in engine.run(event_tables.write, todo, batch.weight)]
        event_tables.commit(engine.lake, batch, todo, written)
        done.rows = sum(one.rows for one in written)
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
