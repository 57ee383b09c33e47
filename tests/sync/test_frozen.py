"""A run that is frozen past its lease, while another one takes over, commits nothing when it wakes up."""

import os
import signal
import subprocess
import sys
import time
import uuid

import pytest

from profiles_sync.control import history
from profiles_sync.errors import LakeBusy
from profiles_sync.lake.listing import public_tables
from profiles_sync.lake.opening import lake_of
from tests.commands import environment
from tests.lakes import Twin, rows_of
from tests.stores import make_bucket, s3_server
from tests.sync.steps import assert_same, job, stream

FROZEN = """
import os, signal, sys
from functools import partial
from pathlib import Path
from profiles_sync.lake import log, tables
from profiles_sync.settings import load
from profiles_sync.sync import hourly

left = int(sys.argv[2])

def counted(do):
    def step(*args, **options):
        global left
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGSTOP)
        return do(*args, **options)
    return step

def in_the_log(store, path, *args, **options):
    return (late if path.startswith("_delta_log") else put)(store, path, *args, **options)

if sys.argv[3] == "before":
    log.commit = counted(log.commit)
    tables.Lake.append_files = counted(tables.Lake.append_files)
else:
    put = log.obstore.put
    late = counted(put)
    log.obstore.put = in_the_log
hourly.only_run = partial(hourly.only_run, seconds=2)
result = hourly.run(load(Path(sys.argv[1])), lambda: None)
print(result.error)
"""


@pytest.fixture(scope="module")
def store():
    with s3_server() as variables:
        yield variables


@pytest.fixture
def twin(tmp_path, store, monkeypatch):
    """A space in S3 that another machine runs too, which it looks like when processes do not know each other."""
    for name, value in store.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("profiles_sync.control.process._machine", lambda: "another machine")
    bucket = f"lake-{uuid.uuid4().hex}"
    make_bucket(store, bucket)
    twin = Twin(tmp_path / "space", lake=f"s3://{bucket}/lake")
    twin.write(stream(1, 30))
    assert job(twin).status == "Success"
    twin.write(stream(2, 30, day=3))
    return twin


@pytest.mark.slow
@pytest.mark.parametrize(("step", "where"), [(2, "before"), (9, "before"), (5, "in a commit")])
def test_a_run_that_wakes_up_after_another_one_took_over_changes_nothing(tmp_path, twin, step, where):
    command = [sys.executable, "-c", FROZEN, str(twin.folder / "acme.yml"), str(step), where]
    with subprocess.Popen(command, env=environment(), stdout=subprocess.PIPE, text=True) as process:
        try:
            assert os.WIFSTOPPED(os.waitpid(process.pid, os.WUNTRACED)[1])
            took_over = soon(twin)
            assert (took_over.status, took_over.error) == ("Success", None), took_over.error
            versions = {name: twin.lake.open(name).version() for name in public_tables(twin.lake)}
            process.send_signal(signal.SIGCONT)
            said, _ = process.communicate(timeout=300)
        finally:
            process.kill()
    assert "this run could not renew its lock for 2 s" in said
    assert {name: twin.lake.open(name).version() for name in public_tables(twin.lake)} == versions
    assert [one.status for one in history.syncs(twin.lake)] == ["Success"] * 2
    assert_same(twin)
    clean = Twin(tmp_path / "clean")
    for hour in ((1, 0), (2, 3)):
        clean.write(stream(hour[0], 30, day=hour[1]))
        job(clean)
    clean.lake = lake_of(clean.settings)
    assert {name: rows_of(twin.lake, name) for name in public_tables(twin.lake)} == {
        name: rows_of(clean.lake, name) for name in public_tables(clean.lake)
    }


def soon(twin):
    """The job, once the lease of the other one has run out."""
    until = time.monotonic() + 300
    while True:
        try:
            return job(twin)
        except LakeBusy:
            assert time.monotonic() < until
            time.sleep(0.5)
