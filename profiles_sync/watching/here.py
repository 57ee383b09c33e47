"""Where the work is: the space, the sync, and as far as there are some the warehouse, the table and the step.

It belongs to the thread, and a thread that is begun by way of `threads` or `beside_it` begins where its parent was.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar, copy_context
from dataclasses import asdict, dataclass, replace
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


@dataclass(frozen=True)
class Where:
    """Each part is None where there is none; `sync` is the id in the history."""

    space: str | None = None
    sync: str | None = None
    warehouse: str | None = None
    table: str | None = None
    step: str | None = None

    def parts(self) -> dict[str, str]:
        """Those that there are, from the largest."""
        return {name: value for name, value in asdict(self).items() if value is not None}


_HERE: ContextVar[Where] = ContextVar("profiles_sync_where", default=Where())  # noqa: B039 it is frozen


def here() -> Where:
    """Where this thread is."""
    return _HERE.get()


@contextmanager
def at(**parts: str | None) -> Iterator[None]:
    """Be there meanwhile; parts that are not given stay as they are."""
    before = _HERE.set(replace(_HERE.get(), **parts))
    try:
        yield
    finally:
        _HERE.reset(before)


def beside_it(work: Callable[P, T]) -> Callable[P, T]:
    """The same work for another thread, where it is done as from here."""
    context = copy_context()

    def do(*args: P.args, **named: P.kwargs) -> T:
        return context.run(work, *args, **named)

    return do
