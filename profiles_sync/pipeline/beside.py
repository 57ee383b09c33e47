"""Several things at once in this process: who writes a file or works on arrays lets the other threads run."""

from collections.abc import Callable
from typing import TypeVar

from profiles_sync.watching.threads import Threads

_AT_ONCE = 4
Result = TypeVar("Result")


def beside(*work: Callable[[], Result]) -> list[Result]:
    """Do the work in threads, and wait for all of it; the results in its order.

    Raises:
        Exception: What the first of them that failed raised; the others were done.
    """
    with Threads(_AT_ONCE) as threads:
        begun = [threads.submit(one) for one in work]
    return [one.result() for one in begun]
