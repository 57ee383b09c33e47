"""Errors from below the lake, told in words: a full disk or a silent object store is nobody's internal error."""

from profiles_sync.errors import unexpected

_STORAGE = {
    "no space left": "no space is left on its device; make room",
    "disk quota exceeded": "the quota of its device is used up; make room",
    "read-only file system": "its file system is read-only; mount it for writing",
    "connection refused": "its storage refused the connection; check the endpoint and whether it is up",
    "error sending request": "its storage does not answer; check the endpoint and the network",
    "network_connection": "its storage does not answer; check the endpoint and the network",
    "dns error": "the name of its storage cannot be found; check the endpoint",
    "permission denied": "this user may not read or write there; grant it",
    "accessdenied": "its storage denied access; check the credentials and what they may do",
    "access_denied": "its storage denied access; check the credentials and what they may do",
    "nosuchbucket": "there is no such bucket; create it or mend the name",
    "input/output error": "its device fails; see the system's log",
}


def explained(error: Exception) -> str:
    """What a person is told of an error that nobody raised on purpose.

    The libraries below have no classes for what went wrong, so it is told by their words; these are never repeated,
    because they may quote people's data.
    """
    text = str(error).lower()
    for words, what in _STORAGE.items():
        if words in text:
            return f"the lake cannot be used: {what}. Nothing is lost, the next run goes on from here"
    return unexpected(error)
