"""How an alert gets there: a line in a file, or Apprise, which knows webhooks, e-mail and many services.

The places are secrets: a webhook's URL is its password. Nothing here repeats one, and what the libraries below log
meanwhile is heard here and goes nowhere else.
"""

import logging
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, quote, urlencode, urlsplit, urlunsplit

import orjson

from profiles_sync.errors import AlertUndelivered, MissingExtra
from profiles_sync.lake.storage import storage_of

if TYPE_CHECKING:
    from apprise import NotifyBase

_TALKATIVE = ("apprise", "urllib3", "requests")
_WEBHOOK = {"http": "json", "https": "jsons"}
# Apprise's names for what it sends, and ours: Slack's webhooks, and those that are like them, take a `text`.
_SLACK = {":message": "text", ":title": "", ":version": "", ":type": "", ":attachments": ""}


def deliver(to: str, title: str, body: str, event: Mapping[str, Any]) -> None:
    """Send one alert; each try to connect, to send and to be answered takes some seconds at most.

    Args:
        to: A file, a webhook, or a URL that Apprise knows.
        title: What happened where, for a person.
        body: More of it.
        event: All of it, for a program: what a file gets.

    Raises:
        AlertUndelivered: It did not get there.
        MissingExtra: Apprise is needed and not installed.
    """
    if "://" not in to or to.startswith("file://"):
        _write(to, event)
        return
    with _heard() as said:
        known = _known(to)
        place = known or _webhook(to)
        if place is None:
            raise AlertUndelivered("expected `to` to be a file, a webhook or a URL that Apprise knows; see there")
        done = place.notify(body=body or title, title=title) if known else place.notify(body=f"{title}\n{body}".strip())
    if not done:
        raise AlertUndelivered(_why(" ".join(said)))


def _write(to: str, event: Mapping[str, Any]) -> None:
    """One line, whole also where several processes write."""
    try:
        file = os.open(storage_of(to)[1], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o640)
        with os.fdopen(file, "ab", buffering=0) as out:
            out.write(orjson.dumps(event) + b"\n")
    except OSError as error:
        raise AlertUndelivered(f"its file cannot be written: {error.strerror}") from None


def _known(to: str) -> "NotifyBase | None":
    """A service that the URL names."""
    try:
        from apprise import Apprise
    except ImportError:
        raise MissingExtra(
            "to send alerts, apprise is needed and not installed; pip install 'profiles-sync[alerts]', or let them go "
            "to a file"
        ) from None
    return Apprise.instantiate(to)  # type: ignore[no-any-return]


def _webhook(to: str) -> "NotifyBase | None":
    """Any other address on the web: it gets Slack's JSON."""
    parts = urlsplit(to)
    if parts.scheme not in _WEBHOOK:
        return None
    query = {f"-{name}": value for name, value in parse_qsl(parts.query, keep_blank_values=True)}
    return _known(
        urlunsplit((_WEBHOOK[parts.scheme], parts.netloc, parts.path, urlencode(query | _SLACK, quote_via=quote), ""))
    )


@contextmanager
def _heard() -> Iterator[list[str]]:
    """What the libraries log meanwhile, in place of everybody who would hear it else."""
    said: list[str] = []
    ears = logging.Handler(logging.WARNING)
    ears.emit = lambda record: said.append(record.getMessage())  # type: ignore[method-assign]
    with ExitStack() as after:
        for name in _TALKATIVE:
            logger = logging.getLogger(name)
            handlers = logger.handlers[:]
            after.callback(setattr, logger, "propagate", logger.propagate)
            after.callback(setattr, logger, "handlers", handlers)
            logger.propagate, logger.handlers = False, [ears]
        yield said


def _why(said: str) -> str:
    """What is wrong, as far as it can be told without the libraries' words, which may quote the URL."""
    if code := re.search(r"error[= ](\d{3})\b", said):
        return f"the other side answered {code[1]}; see whether `to` is right and still valid"
    if "onnection error" in said or "Timeout" in said:
        return "nobody answers there; see whether `to` is right and this machine may reach it"
    return "the other side did not take it; see whether `to` is right and still valid"
