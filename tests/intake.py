"""Files as a test puts them into a space's source, and what a run makes of them."""

import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

from profiles_sync.lake.tables import scan
from profiles_sync.pipeline.engine import Engine
from profiles_sync.pipeline.run import take_new_events
from profiles_sync.settings import load

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)


def put(twin, name, content, modified_at=None):
    path = twin.folder / "events" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    if modified_at:
        os.utime(path, (modified_at.timestamp(),) * 2)
    return path


def take(twin):
    report = take_new_events(twin.engine)
    assert report.read == report.events + report.duplicates + sum(report.quarantined.values())
    return report


def page(message_id, **call):
    return line({"type": "page", "userId": "u1", "messageId": message_id, "receivedAt": at(0)} | call)


def line(call):
    return json.dumps({key: value for key, value in call.items() if value is not ...}).encode()


def at(seconds):
    return (NOON + timedelta(seconds=seconds)).isoformat()


def rows(twin, name):
    return scan(twin.lake.open(name)).to_pylist()


def ids(twin, name="pages"):
    return sorted(row["id"] for row in rows(twin, name))


def quarantined(twin):
    """File name, line number, reason and raw text of what is in quarantine."""
    found = rows(twin, "quarantine")
    return sorted((Path(row["file"]).name, row["line_number"], row["reason"], row["raw"]) for row in found)


def settled(twin, sources):
    """The space with other sources."""
    path = twin.folder / "acme.yml"
    declared = {slug: {"id": f"id of {slug}", "name": slug.title(), "path": str(at)} for slug, at in sources.items()}
    one = "{website: {id: source_1, name: Website, path: ./events}}"
    path.write_text(path.read_text().replace(one, json.dumps(declared)))
    twin.settings = load(path)
    twin.engine = Engine(twin.settings, twin.lake, twin.engine.spark)


def many(start, count):
    return b"".join(page(f"m{number:04}") + b"\n" for number in range(start, start + count))
