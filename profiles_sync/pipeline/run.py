"""What is new into the lake, as batches; and a lake anew from the batches that another one recorded."""

from profiles_sync.lake.base import Lake
from profiles_sync.pipeline import batches
from profiles_sync.pipeline.batches import Batch, SourceFile
from profiles_sync.pipeline.discover import Found, new_files
from profiles_sync.pipeline.engine import Engine, Report
from profiles_sync.pipeline.waiting import in_batches, without_gaps
from profiles_sync.pipeline.whole_batch import carry_out
from profiles_sync.settings import Settings
from profiles_sync.spec import tables


def take_new_events(engine: Engine, report: Report | None = None) -> Report:
    """Finish what a crash left, then take every new file, as one batch or, where they are many bytes, as several.

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
        report.add(carry_out(engine, left))
    if (last := open_last(engine, report)) is not None:
        report.add(carry_out(engine, last))
    return report


def open_last(engine: Engine, report: Report) -> Batch | None:
    """Take every new file but those of the last batch, which is opened; None where nothing waits.

    Each batch lands before the next one is opened. So a run that is killed between two is run again, and goes on.
    """
    found = find_new_files(engine.settings, engine.lake)
    report.warnings += found.warnings
    report.unread += found.errors
    several = in_batches(found.files, engine.settings.engine.batch_bytes)
    if len(several) > 1:
        engine.say(f"taking {len(several)} batches, one after the other")
    earlier: list[SourceFile] = []
    opened = None
    for files in several:
        if opened is not None:
            report.add(carry_out(engine, opened))
        opened = batches.open_batch(engine.lake, without_gaps(engine.lake, files, earlier))
        earlier += files
    return opened


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
            report.add(carry_out(engine, again))
    return report


def prepare(lake: Lake) -> None:
    """Create the tables that are always there."""
    for table in (*tables.FIXED_TABLES, tables.QUARANTINE):
        lake.create(table)
