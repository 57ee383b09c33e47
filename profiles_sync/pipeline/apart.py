"""The steps of a batch apart, for schedulers that start each of them by itself.

Each does its part of the batch that is open, is done again without harm, and does nothing where there is no such part.
A step that was left out is done by the next one: what builds the tables finishes a batch from wherever it stands.
"""

from profiles_sync.errors import LakeError
from profiles_sync.lake.base import Lake
from profiles_sync.pipeline import batches, resolved_once
from profiles_sync.pipeline.engine import Engine, Report
from profiles_sync.pipeline.reading import Reading
from profiles_sync.pipeline.run import open_last, prepare
from profiles_sync.pipeline.whole_batch import (
    carry_out,
    counted,
    is_half_written,
    kept_in,
    land_nothing,
    lines_of,
    read,
    resolve,
    write_identity,
)


def ingest(engine: Engine, report: Report) -> None:
    """Open a batch of every new file and stage its lines; a batch that is open stays the only one.

    Where the files are more bytes than a batch may have, all but the last batch are taken here, from lines to tables.
    Duplicates are found with the identities: until then they count as events.
    """
    prepare(engine.lake)
    if batch := batches.unfinished(engine.lake) or open_last(engine, report):
        reading = read(engine, batch)
        report.add(_staged(reading) if reading.parsed else land_nothing(engine.lake, reading))


def resolve_identities(engine: Engine, report: Report) -> None:
    """Resolve the open batch and write the profile raw tables; the answer is staged for what builds the others."""
    if not (batch := batches.unfinished(engine.lake)):
        return
    reading = read(engine, batch)
    if not reading.parsed:
        report.add(land_nothing(engine.lake, reading))
        return
    batch = reading.batch
    resolved = resolve(engine, batch, reading.parsed, resolved_once.kept(kept_in(engine.lake, batch), engine.resolve))
    done = counted(batch, reading.parsed, resolved)
    done.cast_to_null = write_identity(engine, batch, reading.parsed, resolved)
    done.warnings += reading.warnings
    report.add(done)


def build_tables(engine: Engine, report: Report) -> None:
    """Write the tables of the open batch, and land it."""
    if batch := batches.unfinished(engine.lake):
        report.add(carry_out(engine, batch))


def refuse_half_a_batch(lake: Lake) -> None:
    """Warehouses get whole batches.

    Raises:
        LakeError: One is in the lake in part.
    """
    if (batch := batches.unfinished(lake)) and is_half_written(lake, batch):
        raise LakeError(
            f"batch {batch.number} is in the lake in part; run jobs/build_tables.py, or profiles-sync run, which "
            "finishes it"
        )


def _staged(reading: Reading) -> Report:
    report = lines_of(reading.batch, reading.parsed)
    report.warnings += reading.warnings
    report.events = report.read - sum(report.quarantined.values())
    return report
