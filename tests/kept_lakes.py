"""Spaces that versions of this project made, for later ones to open. `python -m tests.kept_lakes` makes this version's.

One is made once, when its version is released, and then stays as it is. It has something of everything that lasts: rows
in each table, what only large tables have, quarantined lines, what operators changed, syncs, and the warehouse.
"""

import json
import shutil
import tarfile
import tempfile
from contextlib import ExitStack, contextmanager
from pathlib import Path
from unittest import mock

from profiles_sync import __version__
from profiles_sync.lake import indexes, merging
from profiles_sync.settings import load
from profiles_sync.sync.hourly import run
from profiles_sync.sync.upkeep import upkeep
from tests.commands import in_process
from tests.sync.steps import stream

LAKES = Path(__file__).parent / "data" / "lakes"
SETTINGS = """\
space: {name: Acme, slug: acme}
lake: ./lake
sources: {website: {id: source_1, name: Website, path: ./events}}
warehouses: {local: {type: duckdb, path: ./acme.duckdb}}
identity: {rules: {anonymous_id: {limit: 2, frequency: Weekly}, email: {limit: 2}}}
"""
BATCHES = (stream(1, 60), stream(2, 60, day=5))


def write_batch(space, number, events):
    """The file of one batch."""
    (space / "events").mkdir(exist_ok=True)
    lines = [event if isinstance(event, str) else json.dumps(event) for event in events]
    (space / "events" / f"{number}.jsonl").write_text("\n".join(lines) + "\n")


def make(kept):
    """A space with two batches, synced, kept up and operated between them: lake, warehouse, settings, events."""
    with tempfile.TemporaryDirectory() as folder, as_if_large():
        space = Path(folder)
        (space / "acme.yml").write_text(SETTINGS)
        settings = load(space / "acme.yml")
        for number, events in enumerate(BATCHES):
            write_batch(space, number, [*events, "{broken"])
            assert run(settings, lambda: None).status == "Success"
            if not number:
                upkeep(settings)
                for change in ("disable", "enable"):
                    assert in_process("warehouse", change, "local", "--settings", space / "acme.yml")[0] == 0
        shutil.rmtree(kept, ignore_errors=True)
        kept.mkdir(parents=True)
        with tarfile.open(kept / "space.tar.xz", "w:xz") as packed:
            for name in ("lake", "acme.duckdb"):
                packed.add(space / name, name)
        shutil.copy(space / "acme.yml", kept)
    (kept / "batches.json").write_text(json.dumps(BATCHES))


@contextmanager
def as_if_large():
    """Tables have deletion vectors and indexes, however small they are."""
    with ExitStack() as stack:
        for module, name in ((merging, "LARGE"), (indexes, "SMALL"), (indexes, "_MANY")):
            stack.enter_context(mock.patch.object(module, name, 0))
        yield


def unpack(kept, space):
    """The space as it was; the events' files are not there any more."""
    space.mkdir()
    with tarfile.open(kept / "space.tar.xz") as packed:
        packed.extractall(space, filter="data")
    shutil.copy(kept / "acme.yml", space)
    return json.loads((kept / "batches.json").read_text())


if __name__ == "__main__":
    make(LAKES / __version__)
