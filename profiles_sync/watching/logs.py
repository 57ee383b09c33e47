"""Logs for machines: one JSON object on each line of the standard error; or, asked for, lines for people.

Of what other libraries log and of errors that nobody raised on purpose no text is told: it may quote people's data.
"""

import logging
import os
import sys
import time
import traceback
from pathlib import Path
from typing import Any, Literal

import orjson

from profiles_sync.errors import ProfilesSyncError
from profiles_sync.watching.here import here

Format = Literal["text", "json"]
Level = Literal["debug", "info", "warning", "error"]
_OURS = "profiles_sync"
_FRAMES = 6  # of an error, the innermost
_handlers: list[tuple[logging.Logger, logging.Handler, int]] = []


def set_up(form: Format, level: Level | None = None) -> None:
    """Have logs written in a form, in place of what was set up before.

    Args:
        form: Text without a level is what people get who ask for nothing: no log.
        level: The least that is told; else info.
    """
    take_down()
    if form == "text" and level is None:
        return
    formatter = Json() if form == "json" else Text()
    _listen(logging.getLogger(_OURS), _Stderr(formatter), (level or "info").upper())
    if form == "json":
        others = _Stderr(formatter)
        others.setLevel(logging.WARNING)
        others.addFilter(lambda record: not _is_ours(record))
        _listen(logging.getLogger(), others)


def take_down() -> None:
    """Have none written."""
    while _handlers:
        logger, handler, level = _handlers.pop()
        logger.removeHandler(handler)
        logger.setLevel(level)
        handler.close()


def is_json() -> bool:
    """Whether the standard error belongs to machines."""
    return any(isinstance(handler.formatter, Json) for _, handler, _ in _handlers)


def _listen(logger: logging.Logger, handler: logging.Handler, level: str | None = None) -> None:
    _handlers.append((logger, handler, logger.level))
    logger.addHandler(handler)
    if level:
        logger.setLevel(level)


def _is_ours(record: logging.LogRecord) -> bool:
    return record.name.partition(".")[0] == _OURS


class _Stderr(logging.Handler):
    """The process's standard error as it is now, for while a JVM starts it is Spark's log; or a notebook's."""

    def __init__(self, formatter: logging.Formatter) -> None:
        super().__init__()
        self.setFormatter(formatter)
        self._own = os.dup(2) if sys.stderr is sys.__stderr__ else None

    def emit(self, record: logging.LogRecord) -> None:
        """Write a line; one that cannot be written stops nothing."""
        try:
            line = self.format(record) + "\n"
            if self._own is None:
                sys.stderr.write(line)
            else:
                os.write(self._own, line.encode("utf-8", "backslashreplace"))
        except Exception:
            self.handleError(record)

    def handleError(self, record: logging.LogRecord) -> None:
        """Say nothing: logging would print what was to be told."""

    def close(self) -> None:
        """See `logging.Handler`."""
        super().close()
        if self._own is not None:
            os.close(self._own)
            self._own = None


class Json(logging.Formatter):
    """One object: time, level, message; space, sync, warehouse, table and step; and what else is told."""

    def format(self, record: logging.LogRecord) -> str:
        """See `logging.Formatter`."""
        told = {"time": _iso(record.created), "level": record.levelname.lower(), "logger": record.name}
        return orjson.dumps(told | _told(record), option=orjson.OPT_NON_STR_KEYS, default=str).decode()


class Text(logging.Formatter):
    """The same as a line."""

    def format(self, record: logging.LogRecord) -> str:
        """See `logging.Formatter`."""
        told = _told(record)
        message = told.pop("message")
        fields = " ".join(f"{name}={value}" for name, value in told.items())
        return f"{_iso(record.created)} {record.levelname.lower()}: {message}" + (f" ({fields})" if fields else "")


def _told(record: logging.LogRecord) -> dict[str, Any]:
    if not _is_ours(record):
        return {"message": "a library's own; its text is not told"}
    told = {"message": record.getMessage(), **here().parts(), **getattr(record, "fields", {})}
    error = record.exc_info[1] if record.exc_info else None
    return told | ({"error": _named(error), "at": _places(error)} if error else {})


def _named(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}" if isinstance(error, ProfilesSyncError) else type(error).__name__


def _places(error: BaseException) -> list[str]:
    """Where it was raised, the innermost last; without the lines' text."""
    frames = traceback.extract_tb(error.__traceback__)[-_FRAMES:]
    return [f"{Path(frame.filename).name}:{frame.lineno} {frame.name}" for frame in frames]


def _iso(seconds: float) -> str:
    moment = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds))
    return f"{moment}.{int(seconds % 1 * 1000):03d}Z"
