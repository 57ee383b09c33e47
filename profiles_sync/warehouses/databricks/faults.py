"""What Databricks or Spark says of a statement, without people's data."""

import re

_SAID = re.compile(r"\[([A-Z][A-Z0-9_.]*)\] (.*)")
_STATE = re.compile(r"SQLSTATE: ?(\w{5})")
_QUOTED = re.compile(r"(?<!\w)'.*'|\".*\"")
_CONFLICT = re.compile(
    r"DELTA_CONCURRENT_|DELTA_METADATA_CHANGED|DELTA_PROTOCOL_CHANGED|Concurrent\w+Exception|MetadataChangedException"
)
_GONE = re.compile(
    r"stopped SparkContext|SparkContext was (?:stopped|shut down)|Py4JNetworkError|SESSION_CLOSED|"
    r"INVALID_HANDLE|StatusCode\.UNAVAILABLE|Connection refused|Connection reset"
)


def is_conflict(error: Exception) -> bool:
    """Whether another writer changed the table meanwhile, so that the statement changed nothing."""
    return bool(_CONFLICT.search(f"{type(error).__name__} {error}"))


def is_gone(error: Exception) -> bool:
    """Whether there is nobody left to talk to."""
    return bool(_GONE.search(f"{type(error).__name__} {error}"))


def kind(error: Exception) -> str:
    """The condition and its first line; what an error of data or an unknown one says beyond that is left out."""
    text = str(error)
    line = next(filter(None, text.splitlines()), "")
    state = _STATE.search(text)
    told = f" (SQLSTATE {state[1]})" if state else ""
    found = _SAID.search(line)
    if found is None:
        return f"{type(error).__name__}{told}"
    if state is None or state[1].startswith(("22", "23", "XX")):  # data, what constrains it, and faults
        return f"{found[1]}{told}"
    said = _STATE.sub("", found[2]).rstrip(" ;.")
    return f"{found[1]}: {_QUOTED.sub('…', said)}{told}"
