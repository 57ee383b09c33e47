"""Threads do what a pool of the standard library does, and what hangs in one keeps no process from ending."""

import subprocess
import sys
import threading
import time
from concurrent.futures import CancelledError

import pytest

from profiles_sync.watching.threads import Threads
from tests.commands import environment

HANGS = """
import threading, time
from profiles_sync.watching.threads import Threads
def lane():
    with Threads(2) as pool:
        pool.submit(time.sleep, 600).result()
threading.Thread(target=lane, daemon=True).start()
time.sleep(0.2)
print("done", flush=True)
"""


def test_results_come_in_order_and_no_more_are_at_work_than_may_be():
    at_work, most, lock = set(), [0], threading.Lock()

    def one(number):
        with lock:
            at_work.add(number)
            most[0] = max(most[0], len(at_work))
        time.sleep(0.01)
        with lock:
            at_work.discard(number)
        return number * 2

    with Threads(3) as pool:
        assert list(pool.map(one, range(20))) == [number * 2 for number in range(20)]
    assert 1 < most[0] <= 3


def test_an_error_is_for_who_waits_and_stops_no_other():
    with Threads(1) as pool:
        wrong, right = pool.submit(int, "x"), pool.submit(int, "1")
        with pytest.raises(ValueError, match="invalid literal"):
            wrong.result()
        assert right.result() == 1


def test_what_has_not_begun_is_cancelled():
    begun, may_end = threading.Event(), threading.Event()

    def one():
        begun.set()
        return may_end.wait(10)

    pool = Threads(1)
    first, second = pool.submit(one), pool.submit(one)
    assert begun.wait(10)
    pool.shutdown(wait=False, cancel_futures=True)
    may_end.set()
    assert first.result(10) is True
    with pytest.raises(CancelledError):
        second.result(10)


def test_what_hangs_keeps_no_process_from_ending():
    done = subprocess.run(
        [sys.executable, "-c", HANGS], env=environment(), timeout=20, capture_output=True, text=True, check=True
    )
    assert done.stdout == "done\n"
