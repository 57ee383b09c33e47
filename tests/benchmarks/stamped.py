"""Which profile each event of a space shows, by the reference: what others cannot say who only read the events.

Memory holds of each event no more than its identifiers, so that millions can be asked for.
"""

import os
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import pyarrow as pa

from profiles_sync.settings import Settings
from profiles_sync.spec import ids
from profiles_sync.spec.events import Event, Rejected, Source, read_line
from profiles_sync.spec.identifiers import Identifier, carried
from profiles_sync.spec.resolver import Resolver
from profiles_sync.spec.rules import IdentityRules

_LARGE = 50_000_000  # bytes, from which reading is worth a process for each core
_SCHEMA = pa.schema([("id", pa.string()), ("segment_id", pa.string()), ("received_at", pa.int64())])
#: When an event was received, its messageId, and what it carries: an alias nothing.
Carrier = tuple[int, str, tuple[Identifier, ...]]


def stamped(settings: Settings) -> pa.Table:
    """`id`, `segment_id` and `received_at`, in microseconds, of each event that stays of all that the sources have.

    They are taken as one batch, in the order in which they were received, and of a messageId the first one stays. So it
    is not for events that came with a later batch than others received after them, nor for a messageId that comes again
    after a week.
    """
    resolver, segment_ids, rows = Resolver(settings.rules), list[str](), dict[str, tuple[str | None, int]]()
    for received_at, message_id, identifiers in sorted(_carriers(settings)):
        if message_id in rows:
            continue
        done = resolver.resolve(identifiers, received_at)
        if done.created:
            segment_ids.append(ids.segment_id(settings.space.slug, received_at, message_id))
        rows[message_id] = None if done.stamp is None else segment_ids[done.stamp], received_at
    columns = [list(rows), [one for one, _ in rows.values()], [at for _, at in rows.values()]]
    return pa.table([pa.array(column, kind.type) for column, kind in zip(columns, _SCHEMA, strict=True)], _SCHEMA)


def events_of(settings: Settings) -> Iterator[Event]:
    """What the reference makes of every line that is one."""
    for source, path in _files(settings):
        yield from _read(source, path)


def _carriers(settings: Settings) -> Iterator[Carrier]:
    files, read = list(_files(settings)), partial(_carried, settings.rules)
    if sum(path.stat().st_size for _, path in files) < _LARGE:
        for one in files:
            yield from read(one)
        return
    with ProcessPoolExecutor(os.cpu_count(), mp_context=get_context("spawn")) as pool:
        for found in pool.map(read, files):
            yield from found


def _carried(rules: IdentityRules, file: tuple[Source, Path]) -> list[Carrier]:
    return [(event.received_at, event.message_id, carried(event, rules).identifiers) for event in _read(*file)]


def _files(settings: Settings) -> Iterator[tuple[Source, Path]]:
    for source in settings.declared_sources:
        yield from ((source, path) for path in sorted(Path(settings.sources[source.slug].path).iterdir()))


def _read(source: Source, path: Path) -> Iterator[Event]:
    for line in path.read_bytes().splitlines():
        try:
            yield read_line(line, source, 0)
        except Rejected:
            continue
