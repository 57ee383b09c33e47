"""A driver that is killed leaves workers behind; what they still do must not reach a table."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from profiles_sync.lake.listing import public_tables
from profiles_sync.sync.hourly import run
from tests.lakes import Twin, random_events, rows_of

RUN = [str(Path(sys.executable).with_name("profiles-sync")), "run", "--settings"]


def descendants(pid):
    """Every process below `pid`, with its command line."""
    parents, found = {}, {}
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit():
                parents[int(entry.name)] = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
        except OSError:  # it ended meanwhile
            continue
    below = {pid}
    while more := {one for one, parent in parents.items() if parent in below} - below:
        below |= more
    for one in below - {pid}:
        try:
            found[one] = Path(f"/proc/{one}/cmdline").read_bytes().decode()
        except OSError:
            continue
    return found


def wait_for(condition, seconds=90):
    until = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < until, "it never came to this"
        time.sleep(0.005)
    return found


def told(pids, what):
    for pid in pids:
        try:
            os.kill(pid, what)
        except ProcessLookupError:
            continue


@pytest.mark.slow
@pytest.mark.parametrize("phase", ["parsed", "stamps"])
def test_workers_that_outlive_their_driver_change_nothing(tmp_path, phase):
    events = random_events(5, 3000)
    clean = Twin(tmp_path / "clean")
    clean.land(events, files=6)
    wanted = {name: rows_of(clean.lake, name) for name in public_tables(clean.lake)}
    twin = Twin(tmp_path / "space", executor="spark")
    twin.write(events, files=6)
    driver = subprocess.Popen([*RUN, str(tmp_path / "space" / "acme.yml")], stdout=subprocess.DEVNULL)
    wait_for((Path(twin.lake.path("_staging/1")) / phase).is_dir)
    orphans = descendants(driver.pid)
    assert any("pyspark" in command for command in orphans.values())
    told(orphans, signal.SIGSTOP)  # they stay as they are until the next run is through
    driver.kill()
    driver.wait()
    try:
        settings = twin.settings.model_copy(
            update={"engine": twin.settings.engine.model_copy(update={"executor": "driver"})}
        )
        assert run(settings, lambda: None).status == "Success"
        assert {name: rows_of(twin.lake, name) for name in public_tables(twin.lake)} == wanted
    finally:
        told(orphans, signal.SIGCONT)
    wait_for(lambda: not {pid for pid in orphans if Path(f"/proc/{pid}/cmdline").exists()})
    assert {name: rows_of(twin.lake, name) for name in public_tables(twin.lake)} == wanted
    assert run(settings, lambda: None).report.read == 0
