"""What BigQuery and the way to it say when something goes wrong, as the product's errors."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

from profiles_sync.errors import ProfilesSyncError, WarehouseBusy, WarehouseRefused
from profiles_sync.warehouses.told import went_away

_CONFLICT = re.compile(r"(?i)aborted due to concurrent update|could not serialize access")
SESSION_ENDED = re.compile(r"(?i)session\b.*\b(terminated|expired|not exist|not found|invalid)|invalid .*session id")
_NAMES = ("accessDenied", "notFound", "duplicate")  # reasons whose messages quote names only
_VALUE = re.compile(r"(?i)(values?: ?).*")
_QUOTED = re.compile("\"[^\"]*\"|'[^']*'")
_CALL = re.compile(r"^(GET|POST|PUT|PATCH|DELETE) \S+: ")


@contextmanager
def told(what: str) -> Iterator[None]:
    """Turn the client's errors into ours.

    Args:
        what: What was asked for, in a few words.

    Raises:
        WarehouseUnreachable: Nobody answers, or the service says to come again.
        WarehouseBusy: Another sync changes the same tables, or has ended this one's session.
        WarehouseRefused: It said no.
    """
    from google.api_core.exceptions import GoogleAPIError
    from google.auth.exceptions import GoogleAuthError
    from requests.exceptions import RequestException

    try:
        yield
    except (GoogleAPIError, GoogleAuthError, RequestException, ConnectionError, TimeoutError) as error:
        raise _ours(what, error) from None


def _ours(what: str, error: Exception) -> ProfilesSyncError:
    if is_gone(error):
        return went_away("bigquery", what)
    text = said(error)
    if _CONFLICT.search(text) or SESSION_ENDED.search(text):
        return WarehouseBusy(
            "another sync is under way: it has changed the same tables; let one run at a time sync them"
        )
    return WarehouseRefused(f"bigquery refused {what}: {text}")


def is_gone(error: Exception) -> bool:
    """Whether the same call may succeed later."""
    from google.api_core.exceptions import GoogleAPICallError, RetryError, ServerError, TooManyRequests
    from google.auth.exceptions import GoogleAuthError, TransportError

    if isinstance(error, RetryError):
        cause = error.cause
        return cause is None or is_gone(cause) or isinstance(cause, GoogleAPICallError)
    if isinstance(error, GoogleAuthError):
        return isinstance(error, TransportError) or bool(getattr(error, "retryable", False))
    return isinstance(error, ServerError | TooManyRequests) or not isinstance(error, GoogleAPICallError)


def said(error: Exception) -> str:
    """What went wrong, without people's data: the first line, and its quotes only where they are of names."""
    details = getattr(error, "errors", None) or []
    first = details[0] if details and isinstance(details[0], dict) else {}
    text = str(first.get("message") or getattr(error, "message", None) or (error.args[0] if error.args else ""))
    line = _CALL.sub("", text.splitlines()[0] if text else type(error).__name__)
    reason = first.get("reason")
    if reason not in _NAMES:
        line = _VALUE.sub(r"\1…", _QUOTED.sub("…", line))
    return f"{line} ({reason})" if reason else line
