"""Lakes that versions of this project made, for later ones to open. `python -m tests.kept_lakes` makes this version's.

One is made once, when its version is released, and then stays as it is.
"""

import json
import shutil
import tarfile
import tempfile
from pathlib import Path

from profiles_sync import __version__
from profiles_sync.settings import load
from profiles_sync.sync.hourly import run
from profiles_sync.sync.upkeep import upkeep
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
    (space / "events" / f"{number}.jsonl").write_text("\n".join(map(json.dumps, events)) + "\n")


def make(kept):
    """A space with two batches, synced, kept up between them: its lake, settings and events."""
    with tempfile.TemporaryDirectory() as folder:
        space = Path(folder)
        (space / "acme.yml").write_text(SETTINGS)
        settings = load(space / "acme.yml")
        for number, events in enumerate(BATCHES):
            write_batch(space, number, events)
            assert run(settings, lambda: None).status == "Success"
            if not number:
                upkeep(settings)
        kept.mkdir(parents=True)
        with tarfile.open(kept / "lake.tar.xz", "w:xz") as packed:
            packed.add(space / "lake", "lake")
        shutil.copy(space / "acme.yml", kept)
    (kept / "batches.json").write_text(json.dumps(BATCHES))


def unpack(kept, space):
    """The space as it was; the events' files are not there any more."""
    space.mkdir()
    with tarfile.open(kept / "lake.tar.xz") as packed:
        packed.extractall(space, filter="data")
    shutil.copy(kept / "acme.yml", space)
    return json.loads((kept / "batches.json").read_text())


if __name__ == "__main__":
    make(LAKES / __version__)
