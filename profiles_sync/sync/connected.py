"""Connect the warehouses of a run: write down where the lake stands for each one that is new to it."""

import time
from collections.abc import Iterable
from dataclasses import replace

from profiles_sync.control import connections, history
from profiles_sync.control.connections import Connection
from profiles_sync.control.log import Log
from profiles_sync.control.warehouses import Managed
from profiles_sync.lake.base import Lake
from profiles_sync.pipeline.batches import last_uuid_ts


def connect(lake: Lake, enabled: Iterable[Managed]) -> dict[str, Connection]:
    """Those of the enabled warehouses by name; new ones are written down. It goes before new events are taken."""
    there, new = connected(lake, enabled)
    connections.add(lake, new.values())
    return there | new


def connected(lake: Lake, enabled: Iterable[Managed]) -> tuple[dict[str, Connection], dict[str, Connection]]:
    """The connections of warehouses as they are known, and what those of the others would be now."""
    there = connections.connections(lake)
    missing = [one.name for one in enabled if one.name not in there]
    return there, _made(lake, missing) if missing else {}


def take_over(lake: Lake, former: Lake) -> None:
    """A lake that takes the place of another one: whoever follows that one gets its rows whole, and no history."""
    known, added = connections.connections(lake), connections.added_by(Log.read(former))
    followers = {**connections.connections(former), **history.schemas(former)}.keys() - known.keys()
    connections.add(lake, [Connection(name, added.get(name, 0)) for name in sorted(followers)])


def _made(lake: Lake, names: Iterable[str]) -> dict[str, Connection]:
    """Whoever was synced before there were connections has the lake whole."""
    added, synced, now = connections.added_by(Log.read(lake)), history.schemas(lake), _now(lake)
    return {
        name: Connection(name, added.get(name, 0)) if name in synced and name not in added else _of(now, name, added)
        for name in names
    }


def _of(now: Connection, name: str, added: dict[str, int]) -> Connection:
    return replace(now, warehouse=name, added=added.get(name, 0))


def _now(lake: Lake) -> Connection:
    """Where the lake stands."""
    stands = {name: lake.cursor(name) for name in lake.public_tables()}
    return Connection(
        "", 0, {name: at for name, at in stands.items() if at is not None}, last_uuid_ts(lake), time.time_ns() // 1000
    )
