"""State that one version wrote is read by the next: every lake that is kept goes on, and comes to the reference."""

import json

import pytest

from profiles_sync import __version__
from profiles_sync.control import history
from profiles_sync.control.log import Log
from profiles_sync.lake.opening import lake_of
from profiles_sync.lake.tables import scan
from profiles_sync.pipeline import batches as recorded
from profiles_sync.settings import load
from profiles_sync.spec.events import read_line
from profiles_sync.spec.space import Space
from profiles_sync.spec.tables import BY_NAME, QUARANTINE
from profiles_sync.sync.hourly import run
from profiles_sync.sync.upkeep import upkeep
from tests.commands import query
from tests.kept_lakes import LAKES, unpack, write_batch
from tests.lakes import Twin
from tests.sync.steps import assert_same, stream

VERSIONS = sorted(one.name for one in LAKES.iterdir())


class Opened(Twin):
    """A kept space, with the reference that has taken the same batches."""

    def __init__(self, version, folder):
        self.batches = unpack(LAKES / version, folder)
        self.folder, self.settings = folder, load(folder / "acme.yml")
        self.lake, self.spark = lake_of(self.settings), lambda: None
        self.reference = Space("acme", self.settings.rules)
        for events in self.batches:
            self.take(events)

    def take(self, events):
        source = self.settings.declared_sources[0]
        self.reference.land([read_line(json.dumps(event).encode(), source, 0) for event in events])


def test_this_version_has_a_lake():
    assert __version__ in VERSIONS


@pytest.mark.parametrize("version", VERSIONS)
def test_every_table_of_a_kept_lake_is_read_and_what_lasts_is_in_it(tmp_path, version):
    lake = Opened(version, tmp_path / "space").lake
    public = [*lake.public_tables(), QUARANTINE.name]
    read = {name: scan(lake.open(name)).num_rows for name in (*public, *lake.control_tables())}
    assert set(BY_NAME) <= set(read)
    assert [name for name in public if not read[name]] == []
    changes = [(one.action, one.name) for one in Log.read(lake).changes]
    assert changes[-2:] == [("disabled", "local"), ("enabled", "local")]
    files = list((tmp_path / "space" / "lake").rglob("*"))
    assert any('"deletionVector"' in file.read_text() for file in files if file.match("_delta_log/*.json"))
    assert any(file.suffix == ".by_digest" for file in files)


@pytest.mark.parametrize("version", VERSIONS)
def test_a_kept_lake_is_read_and_goes_on(tmp_path, version):
    kept = Opened(version, tmp_path / "space")
    kept.assert_equal()
    assert_same(kept)
    assert [one.status for one in history.syncs(kept.lake)] == ["Success"] * len(kept.batches)
    for number in (2, 3):  # people, identifiers and messages that it knows among them
        events = stream(10 + number, 60, day=number * 4) + ([] if number == 3 else kept.batches[1][:1])
        write_batch(kept.folder, number, events)
        kept.take(events)
        result = run(kept.settings, kept.spark)
        assert result.warehouses["local"].rows  # what is new, in the warehouse that is there
        assert (result.status, result.report.duplicates) == ("Success", int(number == 2)), result.shown()
        kept.assert_equal()
        if number == 2:
            upkeep(kept.settings)
    assert_same(kept)
    assert recorded.last_landed(kept.lake) == 4
    assert len(history.syncs(kept.lake)) == 4


@pytest.mark.parametrize("version", VERSIONS)
def test_a_warehouse_that_is_new_gets_the_history_of_a_kept_lake(tmp_path, version):
    kept = Opened(version, tmp_path / "space")
    text = (
        (kept.folder / "acme.yml").read_text().replace("local: {", "second: {").replace("acme.duckdb", "second.duckdb")
    )
    (kept.folder / "acme.yml").write_text(text)
    kept.settings = load(kept.folder / "acme.yml")
    write_batch(kept.folder, 2, stream(7, 20, day=8))
    result = run(kept.settings, kept.spark)
    assert result.status == "Success"
    assert query(kept.folder, "SELECT count(*) > 20 FROM acme.id_graph", "second.duckdb") == [(True,)]
