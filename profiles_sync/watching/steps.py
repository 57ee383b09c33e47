"""Steps: each is told when it begins and when it ends, with its seconds and rows, and errors with their class.

Records go to one logger. It is silent until somebody listens: see `logs`, or logging's own handlers in a notebook.
"""

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from profiles_sync.errors import ProfilesSyncError, Terminal, Transient, problem_in, unexpected
from profiles_sync.watching.here import at, here
from profiles_sync.watching.tally import tally

_log = logging.getLogger("profiles_sync.watching")
_log.addHandler(logging.NullHandler())  # else logging itself would print warnings to people
_LEVELS = {"Failed": logging.ERROR, "Partial success": logging.WARNING}


@dataclass
class Done:
    """What a step came to, told by whoever does it; `status` is that of a sync, where it is one."""

    rows: int | None = None
    status: str | None = None


@contextmanager
def step(name: str, warehouse: str | None = None) -> Iterator[Done]:
    """Do a step of a run.

    Args:
        name: One of a few words: figures are told apart by it.
        warehouse: That it is for, if it is for one.
    """
    done, began = Done(), time.monotonic()
    with at(step=name, warehouse=warehouse or here().warehouse):
        _log.info("%s begins", name)
        try:
            yield done
        except BaseException as error:
            seconds = time.monotonic() - began
            _log.warning("%s broke off", name, extra=_fields(seconds=_short(seconds), **_about(error)))
            raise
        finally:
            tally().took(name, here().warehouse, time.monotonic() - began)
        ended(done, name, time.monotonic() - began)


def ended(done: Done, name: str, seconds: float) -> None:
    """Tell what a step came to."""
    level = _LEVELS.get(done.status or "", logging.INFO)
    _log.log(level, "%s ended", name, extra=_fields(seconds=_short(seconds), rows=done.rows, status=done.status))


def table_done(name: str, seconds: float, rows: int) -> None:
    """A table was synced."""
    with at(table=name):
        _log.info("table synced", extra=_fields(seconds=_short(seconds), rows=rows))


def failed(what: str, error: Exception, said: str | None = None) -> None:
    """Tell of an error that is dealt with here; one that may pass is a warning.

    Args:
        what: Failed.
        error: Tells the class.
        said: In place of the error's own text, which is told only of those that we raise.
    """
    level = logging.WARNING if isinstance(error, Transient) else logging.ERROR
    _log.log(level, "%s failed", what, extra=_fields(**_about(error, said)))


def warned(what: str, **figures: int | str | None) -> None:
    """Tell of something that fails nothing."""
    _log.warning("%s", what, extra=_fields(**figures))


def _about(error: BaseException, said: str | None = None) -> dict[str, str]:
    if not isinstance(error, Exception):
        return {"error": type(error).__name__, "class": "Internal"}
    ours = isinstance(error, ProfilesSyncError)
    return {
        "error": said or (str(error) if ours else unexpected(error)),
        "class": next((kind.__name__ for kind in (Terminal, Transient) if isinstance(error, kind)), "Internal"),
        "problem": str(problem_in(error).error_class),
    }


def _short(seconds: float) -> float:
    return round(seconds, 3)


def _fields(**figures: float | str | None) -> dict[str, dict[str, float | str]]:
    return {"fields": {name: value for name, value in figures.items() if value is not None}}
