"""A space on disk and the same space in the reference: what the pipeline tests compare."""

import datetime as dt
import json
import random
from pathlib import Path

from profiles_sync.lake.tables import scan
from profiles_sync.pipeline.engine import Engine
from profiles_sync.pipeline.run import take_new_events
from profiles_sync.settings import load
from profiles_sync.spec import tables
from profiles_sync.spec.events import Rejected, read_line
from profiles_sync.spec.space import Space
from profiles_sync.sync.hourly import lake_of

EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


class Twin:
    """Lands the same lines in a lake and in the reference."""

    def __init__(
        self,
        folder: Path,
        rules: str = "{}",
        identity_path: str = "driver",
        executor: str = "driver",
        spark=None,
        lake: str = "./lake",
    ):
        self.folder = folder
        (folder / "events").mkdir(parents=True)
        (folder / "acme.yml").write_text(
            "space: {name: Acme, slug: acme}\n"
            f"lake: {lake}\n"
            "sources: {website: {id: source_1, name: Website, path: ./events}}\n"
            "warehouses: {local: {type: duckdb, path: ./acme.duckdb}}\n"
            f"identity: {{path: {identity_path}, rules: {rules}}}\n"
            f"engine: {{executor: {executor}}}\n"
        )
        self.settings = load(folder / "acme.yml")
        self.spark = lambda: spark
        self.lake = lake_of(self.settings, self.spark)
        self.engine = Engine(self.settings, self.lake, self.spark)
        self.reference = Space("acme", self.settings.rules)
        self.files = 0

    def land(self, events, files=2):
        """One batch: the events spread over some files."""
        lines = self.write(events, files)
        self.reference.land(list(self._taken(lines)))
        return take_new_events(self.engine)

    def write(self, events, files=2):
        """The files alone; returns their lines."""
        lines = [event if isinstance(event, bytes) else json.dumps(event).encode() for event in events]
        for part in range(files):
            name = f"{self.files:04d}-{part}.jsonl"
            (self.folder / "events" / name).write_bytes(b"\n".join(lines[part::files]) + b"\n")
        self.files += 1
        return lines

    def _taken(self, lines):
        for line in lines:
            try:
                yield read_line(line, self.settings.declared_sources[0], 0)
            except Rejected:
                continue

    def assert_equal(self):
        """Every table of the lake has the reference's columns, types and rows."""
        names = {*self.lake.public_tables(), *self.reference.tables.rows}
        for name in sorted(names):
            types = tables.table(name).types | self.reference.tables.added.get(name, {})
            assert list(self.lake.types(name).items()) == list(types.items()), name
            assert rows_of(self.lake, name) == expected(self.reference, name, types), name


def rows_of(lake, name):
    found = scan(lake.open(name)).to_pylist()
    return sorted(json.dumps({k: _plain(v) for k, v in row.items() if k != "uuid_ts"}, sort_keys=True) for row in found)


def expected(reference, name, types):
    rows = reference.tables.rows.get(name, [])
    return sorted(json.dumps({c: row.get(c) for c in types if c != "uuid_ts"}, sort_keys=True) for row in rows)


def _plain(value):
    return (value - EPOCH) // dt.timedelta(microseconds=1) if isinstance(value, dt.datetime) else value


def random_events(seed, count, day=0):
    """A dense stream: few people, many shared identifiers, every call, conflicting types, repeats, blocked values."""
    rnd = random.Random(seed)
    events = []
    for _ in range(count):
        at = dt.datetime(2026, 1, 5, tzinfo=dt.UTC) + dt.timedelta(
            days=day, milliseconds=rnd.randrange(20 * 86_400_000)
        )
        event = {
            "type": rnd.choice(["page", "track", "identify", "identify", "screen", "group", "alias"]),
            "messageId": f"m{rnd.randrange(count * 3)}",
            "receivedAt": at.isoformat(timespec="milliseconds"),
        }
        if rnd.random() < 0.7:
            event["anonymousId"] = f"a{rnd.randrange(count // 2 + 1)}"
        if rnd.random() < 0.4:
            event["userId"] = rnd.choice([f"u{rnd.randrange(count // 3 + 1)}", "null", "-1", 5])
        email = f"e{rnd.randrange(count // 3 + 1)}"
        if event["type"] == "track":
            event["event"] = rnd.choice(["Order Completed", "order-completed", "Signed Up", "tracks"])
            event["properties"] = {"v": rnd.choice([1, 2.5, "x", None, True]), "id": "q", "nested": {"a": [1, "b"]}}
        if event["type"] == "identify":
            values = [1, 2, "pro", "free", None, 3.5, "2020-01-01T00:00:00Z"]
            event["traits"] = {k: rnd.choice(values) for k in rnd.sample(["plan", "age", "Name"], rnd.randrange(4))}
            event["traits"] |= {"email": email} if rnd.random() < 0.5 else {}
        if rnd.random() < 0.3:
            event["context"] = {"traits": {"email": email}, "page": {"url": "x"}}
        events.append(event)
    return events
