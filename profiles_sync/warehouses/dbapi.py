"""A session of a driver that keeps to Python's Database API; what drivers do not agree on are their errors."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from typing import Any

from profiles_sync.errors import ProfilesSyncError
from profiles_sync.watching import tags


@contextmanager
def one_transaction(
    run: Callable[[str], object],
    confirm: Callable[[], None] = lambda: None,
    words: tuple[str, str, str] = ("BEGIN", "COMMIT", "ROLLBACK"),
) -> Iterator[None]:
    """What is done within is committed together, or not at all.

    Args:
        run: Runs a statement.
        confirm: Raises where the transaction may not commit; asked last, within it.
        words: That begin it, commit it and take it back.
    """
    begin, commit, take_back = words
    run(begin)
    try:
        yield
        confirm()
    except BaseException:
        with suppress(ProfilesSyncError):  # where the connection is gone, so is the transaction
            run(take_back)
        raise
    run(commit)


class DBAPISession:
    """An open session. Each statement goes alone, outside a transaction until one is begun."""

    def __init__(self, opened: Any) -> None:  # noqa: ANN401 the drivers have no types
        self._opened = opened

    def run(self, statement: str) -> int:
        """Run one statement; returns the rows that it changed, -1 where nothing is told."""
        with self._telling(statement), self._cursor() as cursor:
            cursor.execute(self._tagged(statement))
            return int(cursor.rowcount)

    def query(self, statement: str) -> Sequence[Sequence[Any]]:
        """Run one query."""
        with self._telling(statement), self._cursor() as cursor:
            cursor.execute(self._tagged(statement))
            return [tuple(row) for row in cursor.fetchall()]

    def close(self) -> None:
        """End the session; what it holds is let go of."""
        with suppress(Exception):
            self._opened.close()

    @contextmanager
    def _cursor(self) -> Iterator[Any]:
        cursor = self._opened.cursor()
        try:
            yield cursor
        finally:
            with suppress(Exception):
                cursor.close()

    def _tagged(self, statement: str) -> str:
        """The statement as the warehouse's history is to show it."""
        return tags.commented(statement)

    def _telling(self, statement: str) -> AbstractContextManager[None]:
        """The driver's errors as ours."""
        raise NotImplementedError
