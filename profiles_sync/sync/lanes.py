"""Warehouses beside each other: a thread for each, and none waits for one that is silent for too long.

What shares something that only one may hold, such as a file, shares a thread.
"""

import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from typing import Generic, TypeVar

from profiles_sync.errors import LockLost
from profiles_sync.watching.here import beside_it

Outcome = TypeVar("Outcome")
_LOOK = 1.0  # seconds from one look for silent ones to the next


@dataclass(eq=False)
class Lane(Generic[Outcome]):
    """What one thread does, one task after the other; a task is called with its lane, and tells it that it is alive.

    Attributes:
        tasks: By name.
        left: Names of those that are not done.
    """

    tasks: Mapping[str, Callable[["Lane[Outcome]"], Outcome]]
    left: list[str] = field(init=False)
    _heard: float = 0
    _is_left_behind: bool = False

    def __post_init__(self) -> None:
        self.left = list(self.tasks)

    def alive(self) -> None:
        """A sign of life."""
        self._heard = time.monotonic()

    @property
    def silence(self) -> float:
        """Seconds since the last one."""
        return time.monotonic() - self._heard

    def leave_behind(self) -> None:
        """Wait for it no more; a thread cannot be ended, but what this one does from now on may not count."""
        self._is_left_behind = True

    def check(self) -> None:
        """Asked before anything is recorded.

        Raises:
            LockLost: The run went on without it.
        """
        if self._is_left_behind:
            raise LockLost("nothing was heard of this warehouse for too long, and the run went on without it")

    def guarded(self, guard: Callable[[], None]) -> Callable[[], None]:
        """Another guard, after this one's own."""

        def both() -> None:
            self.check()
            guard()

        return both

    def begin(self, ended: "SimpleQueue[Ended[Outcome]]") -> None:
        """In a thread that does not keep the process from ending."""
        self.alive()
        threading.Thread(target=beside_it(self._run), args=[ended], name=f"sync-{self.left[0]}", daemon=True).start()

    def _run(self, ended: "SimpleQueue[Ended[Outcome]]") -> None:
        for name, task in self.tasks.items():
            if self._is_left_behind:
                return
            self.alive()
            try:
                ended.put(Ended(self, name, task(self)))
            except BaseException as error:  # is whoever waits for it to deal with
                ended.put(Ended(self, name, error=error))
                return


@dataclass(frozen=True)
class Ended(Generic[Outcome]):
    """A task that came to its end, or to an error that it did not expect."""

    lane: Lane[Outcome]
    name: str
    outcome: Outcome | None = None
    error: BaseException | None = None


def lanes_of(
    tasks: Mapping[str, Callable[[Lane[Outcome]], Outcome]], held_alone: Callable[[str], str | None]
) -> list[Lane[Outcome]]:
    """A lane for each task; one for all tasks whose `held_alone` is the same, which is what only one may hold."""
    together: dict[tuple[bool, str], dict[str, Callable[[Lane[Outcome]], Outcome]]] = {}
    for name, task in tasks.items():
        shared = held_alone(name)
        together.setdefault((shared is None, name if shared is None else shared), {})[name] = task
    return [Lane(some) for some in together.values()]


def done(lanes: Iterable[Lane[Outcome]], at_once: int, silent_seconds: float) -> Iterator[tuple[str, Outcome | None]]:
    """The outcome of each task as soon as it is there, None for one that is left behind.

    Args:
        lanes: Begun in their order.
        at_once: How many are under way at most; one that is left behind does not count.
        silent_seconds: After which nobody waits for one that says nothing.
    """
    waiting, under_way, ended = deque(lanes), list[Lane[Outcome]](), SimpleQueue[Ended[Outcome]]()
    try:
        while waiting or under_way:
            while waiting and len(under_way) < at_once:
                under_way.append(waiting.popleft())
                under_way[-1].begin(ended)
            yield from _ended(under_way, ended)
            for lane in [one for one in under_way if one.silence > silent_seconds]:
                lane.leave_behind()
                under_way.remove(lane)
                yield from ((name, None) for name in lane.left)
    finally:
        for lane in under_way:
            lane.leave_behind()


def _ended(
    under_way: list[Lane[Outcome]], ended: "SimpleQueue[Ended[Outcome]]"
) -> Iterator[tuple[str, Outcome | None]]:
    """The next task that ended, where one does soon."""
    try:
        one = ended.get(timeout=_LOOK)
    except Empty:
        return
    if one.lane not in under_way:  # it was left behind
        return
    if one.error is not None:
        raise one.error
    one.lane.left.remove(one.name)
    if not one.lane.left:
        under_way.remove(one.lane)
    yield one.name, one.outcome
