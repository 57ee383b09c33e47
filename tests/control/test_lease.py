"""The lock of a lake in an object store: a lease, over which real processes are killed and frozen."""

import signal
import socket
import subprocess
import sys
import threading
import time
import uuid
from contextlib import ExitStack
from urllib.parse import urlsplit

import obstore
import orjson
import pytest

from profiles_sync.control import lease
from profiles_sync.control.lock import only_run
from profiles_sync.control.log import Log
from profiles_sync.control.process import Process
from profiles_sync.errors import LakeBusy, LockLost
from profiles_sync.lake.tables import Lake, scan
from tests.commands import environment
from tests.stores import make_bucket, s3_server

SHORT = 2.0  # seconds that a lease of these tests holds
PASSED = SHORT + 4  # after which anybody may take it: the store tells whole seconds
HOLDER = """
import sys
import pyarrow as pa
from profiles_sync.control.lock import only_run
from profiles_sync.control.process import Process
from profiles_sync.lake.tables import Lake

if sys.argv[2] == "elsewhere":
    Process.this = classmethod(lambda cls: cls("another machine", 1, "1"))
with only_run(Lake(sys.argv[1], "acme"), float(sys.argv[3])) as lake:
    print("held", flush=True)
    for number, _ in enumerate(sys.stdin):
        try:
            lake.append("_control/t", pa.table({"batch": [number]}), number + 1)
            print("wrote", flush=True)
        except Exception as error:
            print(type(error).__name__, flush=True)
"""


@pytest.fixture(scope="module")
def store():
    with s3_server() as variables:
        yield variables


@pytest.fixture
def lake(store, monkeypatch):
    for name, value in store.items():
        monkeypatch.setenv(name, value)
    bucket = f"lake-{uuid.uuid4().hex}"
    make_bucket(store, bucket)
    return Lake(f"s3://{bucket}/lake", "acme")


@pytest.fixture
def holder(lake, store):
    """Starts another process that holds the lock, of this machine or as if of another one."""
    with ExitStack() as ended:

        def start(where="here", seconds=SHORT):
            command = [sys.executable, "-c", HOLDER, lake.root, where, str(seconds)]
            process = ended.enter_context(
                subprocess.Popen(
                    command, env=environment(**store), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
                )
            )
            ended.callback(process.kill)
            assert process.stdout.readline() == "held\n"
            return process

        yield start


def asked_to_write(process):
    process.stdin.write("write\n")
    process.stdin.flush()
    return process.stdout.readline().strip()


def taken(lake, within):
    """Take the lock as soon as it can be had; returns after how many seconds that was."""
    began = time.monotonic()
    while True:
        try:
            with only_run(lake, SHORT):
                return time.monotonic() - began
        except LakeBusy:
            if time.monotonic() - began > within:
                raise
            time.sleep(0.1)


@pytest.mark.slow
def test_a_second_run_is_told_that_one_is_under_way_for_as_long_as_it_is(holder, lake):
    process = holder("elsewhere")
    with pytest.raises(LakeBusy, match=f"space acme on {lake.root}: another run is under way"), only_run(lake):
        pass
    time.sleep(PASSED)  # it renews its lease
    with pytest.raises(LakeBusy), only_run(lake):
        pass
    assert asked_to_write(process) == "wrote"


def test_a_killed_owner_of_the_same_machine_is_noticed_at_once(holder, lake):
    process = holder(seconds=600)
    process.send_signal(signal.SIGKILL)
    # It is not waited for: until its parent does, there still is a process of that number.
    assert taken(lake, 5) < 5
    assert process.wait() == -signal.SIGKILL


@pytest.mark.slow
def test_a_killed_owner_of_another_machine_is_noticed_after_its_lease(holder, lake):
    process = holder("elsewhere")
    process.send_signal(signal.SIGKILL)
    assert SHORT / 2 < taken(lake, 2 * PASSED) < 2 * PASSED


@pytest.mark.slow
def test_a_frozen_owner_that_wakes_up_after_its_lease_commits_nothing(holder, lake):
    process = holder("elsewhere")
    assert asked_to_write(process) == "wrote"
    process.send_signal(signal.SIGSTOP)
    assert taken(lake, 2 * PASSED) > SHORT / 2
    process.send_signal(signal.SIGCONT)
    assert [asked_to_write(process), asked_to_write(process)] == ["LockLost", "LockLost"]
    assert scan(lake.open("_control/t"))["batch"].to_pylist() == [0]


@pytest.mark.slow
def test_a_frozen_owner_commits_nothing_also_where_nobody_came_meanwhile(holder, lake):
    process = holder()
    process.send_signal(signal.SIGSTOP)
    time.sleep(SHORT + 0.2)
    process.send_signal(signal.SIGCONT)
    time.sleep(SHORT / 2)  # its renewals wake up too
    assert asked_to_write(process) == "LockLost"
    assert lake.open("_control/t") is None


@pytest.mark.slow
def test_an_owner_that_was_frozen_does_not_let_go_of_what_is_another_s_now(holder, lake):
    process = holder("elsewhere")
    process.send_signal(signal.SIGSTOP)
    taken(lake, 2 * PASSED)
    with only_run(lake, 600):
        process.send_signal(signal.SIGCONT)
        process.stdin.close()
        assert process.wait() == 0
        with pytest.raises(LakeBusy), only_run(lake):
            pass


def test_a_run_that_ends_lets_go_at_once(holder, lake):
    process = holder("elsewhere", seconds=600)
    process.stdin.close()
    assert process.wait() == 0
    assert taken(lake, 1) < 1


def test_of_many_that_begin_at_once_one_holds_it(lake):
    def begin():
        start.wait()
        try:
            with only_run(lake):
                held.append(1)
                done.wait(100)
        except LakeBusy:
            refused.append(1)
        if len(held) + len(refused) == 8:
            done.set()

    held, refused, start, done = [], [], threading.Barrier(8), threading.Event()
    threads = [threading.Thread(target=begin, daemon=True) for _ in range(8)]
    for one in threads:
        one.start()
    for one in threads:
        one.join(120)
    assert (len(held), len(refused)) == (1, 7)


def test_an_answer_that_got_lost_is_no_loss(lake):
    """The client repeats what the store has done already, and the store says no to it."""
    with only_run(lake, 600) as held:
        mine = held.guard.__self__
        again = mine._held
        obstore.put(mine._store, lease._LEASE, again.text(), mode=mine._version)
        mine._version = {"e_tag": '"of-before"'}
        mine._put(again)
        held.guard()


@pytest.mark.slow
def test_a_store_that_is_gone_ends_the_run_when_its_lease_does(store, monkeypatch):
    with s3_server() as other:
        for name, value in other.items():
            monkeypatch.setenv(name, value)
        make_bucket(other, "lake-of-acme")
        held = only_run(Lake("s3://lake-of-acme", "acme"), SHORT)
        guarded = held.__enter__()
        guarded.guard()
    time.sleep(SHORT)
    with pytest.raises(LockLost, match="could not renew its lock for 2 s"):
        guarded.guard()
    held.__exit__(None, None, None)


def test_what_the_object_says_holds_no_secret_and_no_name(lake):
    with only_run(lake) as held:
        said = orjson.loads(bytes(obstore.get(held.guard.__self__._store, lease._LEASE).bytes()))
    assert said.keys() == {"token", "owner", "seconds", "renewed"}
    assert said["owner"].keys() == {"machine", "pid", "started"}


def test_a_process_of_another_machine_is_never_known_to_be_gone():
    with subprocess.Popen([sys.executable, "-c", ""]) as ended:
        pass
    this = Process.this()
    assert Process(this.machine, ended.pid, this.started).is_gone()
    assert not Process("another", ended.pid, this.started).is_gone()
    assert not Process(None, ended.pid, this.started).is_gone()
    assert not this.is_gone()
    assert not Process(this.machine, 1, None).is_gone()


def test_a_number_that_was_given_again_is_another_process():
    this = Process.this()
    assert Process(this.machine, this.pid, "1").is_gone()
    assert not Process(this.machine, this.pid, None).is_gone()


@pytest.mark.parametrize("head", [b"Content-Length: 10", b"Transfer-Encoding: chunked"])
def test_the_store_of_these_tests_answers_while_a_frozen_client_is_in_the_middle_of_a_request(store, lake, head):
    """As a real one does. Who takes over from a frozen owner would fail else, now and then."""
    where = urlsplit(store["AWS_ENDPOINT_URL"])
    with socket.create_connection((where.hostname, where.port)) as frozen:
        frozen.sendall(b"PUT /bucket/x HTTP/1.1\r\nHost: here\r\n" + head + b"\r\n\r\n3\r\n")
        time.sleep(0.3)
        answered = threading.Event()
        threading.Thread(target=lambda: (Log.read(lake), answered.set()), daemon=True).start()
        assert answered.wait(10)
