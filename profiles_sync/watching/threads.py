"""Threads that keep no process from ending, and whose work is done as from where it was submitted.

What hangs in one of them is left behind with it; the standard library's own pool waits for its threads when the process
ends, however long they take.
"""

import threading
from collections.abc import Callable
from concurrent.futures import Executor, Future
from functools import partial
from queue import Empty, SimpleQueue
from typing import Any, ParamSpec, TypeVar

from profiles_sync.watching.here import beside_it

P = ParamSpec("P")
R = TypeVar("R")
_Task = tuple["Future[Any]", Callable[[], Any]]


class Threads(Executor):
    """As `ThreadPoolExecutor`, but for what is said above; `most` are at work at once."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._waiting: SimpleQueue[_Task | None] = SimpleQueue()
        self._threads: list[threading.Thread] = []

    def submit(self, fn: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> "Future[R]":
        """See `concurrent.futures.Executor`."""
        future: Future[R] = Future()
        self._waiting.put((future, beside_it(partial(fn, *args, **kwargs))))
        if len(self._threads) < self._most:
            self._threads.append(threading.Thread(target=self._work, daemon=True))
            self._threads[-1].start()
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """See `concurrent.futures.Executor`."""
        if cancel_futures:
            self._cancel()
        for _ in self._threads:
            self._waiting.put(None)
        for thread in self._threads if wait else ():
            thread.join()

    def _cancel(self) -> None:
        while True:
            try:
                task = self._waiting.get_nowait()
            except Empty:
                return
            if task is not None:
                task[0].cancel()

    def _work(self) -> None:
        while (task := self._waiting.get()) is not None:
            future, do = task
            if not future.set_running_or_notify_cancel():
                continue
            try:
                done = do()
            except BaseException as error:  # is whoever waits for it to deal with
                future.set_exception(error)
            else:
                future.set_result(done)
