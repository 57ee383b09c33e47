"""What stands between a staged batch and its warehouse: rows that are not as expected do not get past it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from threading import Lock
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from profiles_sync.errors import HeldBack
from profiles_sync.lake.fetched import handed
from profiles_sync.quality import gx
from profiles_sync.quality.graph import Graph
from profiles_sync.quality.keys import Keys
from profiles_sync.quality.outcomes import Checked
from profiles_sync.quality.screen import profiles_of, screen
from profiles_sync.spec.expectations import Expectation, suite_of, unfit
from profiles_sync.spec.tables import Table, Type
from profiles_sync.warehouses.base import OPERATION, Batch, Cursor

_IN_MEMORY = 32_000_000  # bytes of a batch that are kept for who loads it; a larger one is read again


@dataclass(frozen=True)
class Look:
    """A batch that was read to be checked: `rows` are those that stand after it; `all_rows` if they are few."""

    batch: Batch
    suite: Sequence[Expectation]
    unasked: Sequence[str]
    rows: pa.Table
    all_rows: pa.Table | None
    keys: Keys


@dataclass
class Quality:
    """The suites of a space, for all warehouses of a run: those of the declaration and a person's own, by table."""

    graph: Graph
    own: Mapping[str, Sequence[Expectation]] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock, repr=False)

    def gate(self, name: str, released: Iterable[str] = ()) -> "Gate":
        """For a sync of a warehouse; the batches of some tables go whatever comes out."""
        return Gate(self, name, frozenset(released))

    def learn(self, looks: Iterable[Look]) -> None:
        """Look up every profile that the batches name, all at once."""
        ids = [found for look in looks for found in profiles_of(look.rows, look.suite)]
        if ids:
            with self._lock:
                self.graph.learn(pc.unique(pa.chunked_array(ids, pa.string())))


@dataclass
class Gate:
    """A warehouse's; `checked` has each table that came to it."""

    quality: Quality
    warehouse: str
    released: frozenset[str] = frozenset()
    checked: dict[str, Checked] = field(default_factory=dict)

    def look(self, batch: Batch) -> Look:
        """Read what has to be known of a batch."""
        about, types = batch.table, batch.types
        own = self.quality.own.get(about.name, ())
        wrong = [unfit(one, types) for one in own]
        suite = [one for one in suite_of(about) if set(one.columns) <= types.keys()]
        suite += [one for one, why in zip(own, wrong, strict=True) if why is None]
        needed = dict.fromkeys(column for one in suite for column in one.columns)
        some, all_rows = _read(batch, list(needed))
        rows = _standing(some)
        unasked = [f"could not be asked of {about.name}: {why}" for why in wrong if why]
        return Look(batch, suite, unasked, rows, all_rows, Keys.of(rows, about.key))

    def judge(self, look: Look) -> Batch:
        """The batch, to be loaded, where it may go; its profiles have been learnt.

        Raises:
            HeldBack: Something critical is not as expected.
        """
        name, graph = look.batch.table.name, self.quality.graph
        distinct = look.batch.table.key if look.keys.count == look.rows.num_rows else ()
        outcomes, asked = screen(look.rows, look.batch.types, look.suite, graph, distinct)
        if not all(one.is_met for one in outcomes):
            outcomes = gx.judge(look.rows, asked, graph)
        found = self.checked[name] = Checked(outcomes, look.rows.num_rows, look.unasked, name in self.released)
        if found.held:
            raise HeldBack(
                f"held back, none of its rows was sent: {'; '.join(map(str, found.held))}; put it right and the next "
                f"run sends them, or let an admin run `profiles-sync quality release {self.warehouse} --tables {name}`"
            )
        return look.batch if look.all_rows is None else AtHand.of(look.batch, look.all_rows)


@dataclass
class AtHand:
    """A `warehouses.base.Batch` whose rows were read already."""

    table: Table
    types: Mapping[str, Type]
    cursor: Cursor
    full: bool
    bytes: int
    rows: pa.Table

    @classmethod
    def of(cls, batch: Batch, rows: pa.Table) -> "AtHand":
        """The rows of a batch."""
        return cls(batch.table, batch.types, batch.cursor, batch.full, batch.bytes, rows)

    @property
    def is_empty(self) -> bool:
        """See `warehouses.base.Batch`."""
        return not self.rows.num_rows

    def arrow(self) -> pa.RecordBatchReader:
        """See `warehouses.base.Batch`."""
        return self.rows.to_reader()

    def spark(self, session: Any) -> Any:  # noqa: ANN401 a DataFrame, where pyspark is
        """See `warehouses.base.Batch`."""
        return handed(session, self.rows)


def _read(batch: Batch, columns: Sequence[str]) -> tuple[pa.Table, pa.Table | None]:
    """Some columns of a batch; and all of them, if they are not large."""
    reader = batch.arrow()
    wanted = [name for name in reader.schema.names if name in {*columns, OPERATION}]
    some, every, size = [], list[pa.RecordBatch](), 0
    for part in reader:
        some.append(part.select(wanted))
        size += part.nbytes
        if size <= _IN_MEMORY:
            every.append(part)
    schema = pa.schema([reader.schema.field(name) for name in wanted])
    whole = pa.Table.from_batches(every, reader.schema) if size <= _IN_MEMORY else None
    return pa.Table.from_batches(some, schema), whole


def _standing(rows: pa.Table) -> pa.Table:
    """The rows that are there afterwards: those that are deleted have nothing to be asked."""
    if OPERATION not in rows.column_names:
        return rows
    return rows.filter(pc.equal(rows[OPERATION], "U")).drop_columns([OPERATION])
