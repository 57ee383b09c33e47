"""What the sync tests do over and over: calls, the job, the sync, and the comparison of lake and warehouse."""

import datetime as dt
import re

from profiles_sync.lake.tables import scan
from profiles_sync.settings import load
from profiles_sync.spec.tables import RAW_TABLES
from profiles_sync.sync.hourly import run
from profiles_sync.sync.run import sync_warehouse
from profiles_sync.warehouses import open_warehouse
from tests.commands import query
from tests.lakes import Twin, random_events
from tests.servers import PASSWORD

RAW = [table.name for table in RAW_TABLES]


def bought(message, day=5, user="u1", event="Bought", **properties):
    """One Track call."""
    return {
        "type": "track",
        "event": event,
        "userId": user,
        "messageId": message,
        "receivedAt": f"2026-01-{day:02d}T00:00:00Z",
        "properties": properties,
    }


def call(kind, message, day=5, **fields):
    return {"type": kind, "messageId": message, "receivedAt": f"2026-01-{day:02d}T00:00:00Z"} | fields


def stream(seed, count, day=0):
    """A dense stream whose messageIds are all different, so that lake and warehouse hold the same rows."""
    return [event | {"messageId": f"{seed}-{n}"} for n, event in enumerate(random_events(seed, count, day))]


def job(twin):
    """The main job, as the command runs it."""
    return run(twin.settings, twin.spark)


def synced(twin, **changed):
    """Only the sync of the warehouse, with settings changed; nothing new is taken into the lake."""
    declared = twin.settings.warehouses["local"].model_copy(update=changed)
    return sync_warehouse(open_warehouse("local", declared, twin.settings.schema_name), twin.lake, "1")


def in_lake(twin, name):
    rows = scan(twin.lake.open(name)).to_pylist()
    return sorted(
        repr([cell.replace(tzinfo=None) if isinstance(cell, dt.datetime) else cell for cell in row.values()])
        for row in rows
    )


def in_warehouse(twin, name, schema="acme"):
    listed = ", ".join(f'"{column}"' for column in twin.lake.types(name))
    return sorted(repr(list(row)) for row in query(twin.folder, f'SELECT {listed} FROM {schema}."{name}"'))


def assert_same(twin, but=()):
    """Every table of the warehouse holds the rows of the lake's, no more and no fewer."""
    for name in twin.lake.public_tables():
        if name not in but:
            assert in_warehouse(twin, name) == in_lake(twin, name), name


def recent(days_ago=1):
    return (dt.datetime.now(dt.UTC) - dt.timedelta(days=days_ago)).isoformat(timespec="seconds")


def added_late(tmp_path, *batches, settings=""):
    """A lake that took batches before the warehouse was declared; the settings have it now."""
    twin = Twin(tmp_path)
    declared = (tmp_path / "acme.yml").read_text()
    (tmp_path / "acme.yml").write_text(re.sub(r"warehouses: .*\n", "", declared))
    twin.settings = load(tmp_path / "acme.yml")
    for batch in batches:
        twin.write(batch)
        assert job(twin).status == "Success"
    (tmp_path / "acme.yml").write_text(declared + settings)
    twin.settings = load(tmp_path / "acme.yml")
    return twin


def people():
    """Two profiles that merge, with traits, and a purchase."""
    when = recent()
    return [
        call("page", "h1", anonymousId="a1") | {"receivedAt": when},
        call("identify", "h2", userId="u1", traits={"plan": "pro"}) | {"receivedAt": when},
        call("identify", "h3", anonymousId="a1", userId="u1", traits={"age": 30}) | {"receivedAt": when},
        bought("h4", total=5) | {"receivedAt": when},
    ]


def new(message="n1", user="u2"):
    return [bought(message, user=user, total=7) | {"receivedAt": recent(0)}]


_FIELDS = {
    "duckdb": ("type", "path"),
    "postgres": ("type", "host", "port", "database", "username", "password"),
}


def declared_at(folder, place, more=""):
    """The settings file of a space with its warehouse at another place; the settings in it now."""
    fields = place.settings.model_dump(exclude={"password"}) | {"password": PASSWORD}
    given = ", ".join(f"{name}: {fields[name]}" for name in _FIELDS[place.kind])
    written = (folder / "acme.yml").read_text()
    (folder / "acme.yml").write_text(
        re.sub(r"warehouses: .*\n", f"warehouses: {{local: {{{given}}}}}\n", written) + more
    )
    return load(folder / "acme.yml")
