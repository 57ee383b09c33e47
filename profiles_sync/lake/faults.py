"""Errors from below the lake, told in words: a full disk or a silent object store is nobody's internal error."""

import re

from profiles_sync.errors import ProfilesSyncError, problem_in, unexpected
from profiles_sync.problems import ErrorClass, Problem

_SILENT = "its storage does not answer; check the endpoint and the network", ErrorClass.CONNECTIVITY
_DENIED = "its storage denied access; check the credentials and what they may do", ErrorClass.PERMISSION
_STORAGE = {
    "no space left": ("no space is left on its device; make room", ErrorClass.CAPACITY),
    "disk quota exceeded": ("the quota of its device is used up; make room", ErrorClass.CAPACITY),
    "read-only file system": ("its file system is read-only; mount it for writing", ErrorClass.PERMISSION),
    "connection refused": (
        "its storage refused the connection; check the endpoint and whether it is up",
        ErrorClass.CONNECTIVITY,
    ),
    "error sending request": _SILENT,
    "network_connection": _SILENT,
    "dns error": ("the name of its storage cannot be found; check the endpoint", ErrorClass.CONNECTIVITY),
    "permission denied": ("this user may not read or write there; grant it", ErrorClass.PERMISSION),
    "accessdenied": _DENIED,
    "access_denied": _DENIED,
    "401 unauthorized": _DENIED,
    "403 forbidden": _DENIED,
    "nosuchbucket": ("there is no such bucket; create it or mend the name", ErrorClass.SCHEMA),
    "input/output error": ("its device fails; see the system's log", ErrorClass.INTERNAL),
}
_PLACE = re.compile(r"(?:file|directory|path) ['\"]?(/[^'\"#:]*)")


def explained(error: Exception) -> str:
    """What a person is told of an error that nobody raised on purpose.

    The libraries below have no classes for what went wrong, so it is told by their words; these are never repeated,
    because they may quote people's data. Only the folder is, where they name one.
    """
    known = _known(error)
    if known is None:
        return unexpected(error)
    return (
        f"the lake cannot be used: {known[0]}{_where(error)}. Nothing is lost: the next run goes on from here, any "
        "other command has to be given again"
    )


def problem(error: Exception) -> Problem:
    """The class of any error, and advice."""
    known = None if isinstance(error, ProfilesSyncError) else _known(error)
    return problem_in(error) if known is None else Problem(known[1], "see to the storage under lake: in the settings")


def _known(error: Exception) -> tuple[str, ErrorClass] | None:
    text = str(error).lower()
    return next((what for words, what in _STORAGE.items() if words in text), None)


def _where(error: Exception) -> str:
    found = getattr(error, "filename", None) or ((match := _PLACE.search(str(error))) and match[1])
    return f". It was in {found.rpartition('/')[0]}" if isinstance(found, str) and found.startswith("/") else ""
