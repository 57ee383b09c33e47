"""Figures to a file, to a Pushgateway, or served over HTTP; what goes wrong is a line, and never a secret."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import unquote, urlsplit, urlunsplit

from profiles_sync.watching.figures import METRICS, PREFIX, Figures

if TYPE_CHECKING:
    from prometheus_client import Metric

_JOB = "profiles-sync"
_SECONDS = 10.0  # that a Pushgateway may take
_STANDING = {PREFIX + metric.name for metric in METRICS if metric.stands}
_SERVED: ContextVar[Path | None] = ContextVar("profiles_sync_served", default=None)


@contextmanager
def served_from(path: Path | None) -> Iterator[None]:
    """Figures are written there too, for a process that serves them."""
    before = _SERVED.set(path)
    try:
        yield
    finally:
        _SERVED.reset(before)


def is_served() -> bool:
    """Whether another process waits for the figures."""
    return _SERVED.get() is not None


def deliver(figures: Figures, file: str | None, push: str | None) -> list[str]:
    """Bring figures wherever they are wanted; never raises.

    Args:
        figures: Of a run.
        file: A file, or a folder that ends in `/`.
        push: The URL of a Pushgateway.

    Returns:
        A line for each place that they could not be brought to.
    """
    places: dict[str, Callable[[], None]] = {}
    if file:
        path = Path(file) / f"profiles_sync_{figures.space}.prom" if file.endswith("/") else Path(file)
        places["file"] = partial(write, figures, path)
    if push:
        places["push"] = partial(_push, figures, push)
    if served := _SERVED.get():
        places["listen"] = partial(write, figures, served)
    return list(filter(None, (_tried(name, bring) for name, bring in places.items())))


def _tried(name: str, bring: Callable[[], None]) -> str | None:
    try:
        bring()
    except Exception as error:  # its text may quote the URL, or the file
        why = getattr(error, "strerror", None) or getattr(error, "reason", None)
        why = why if isinstance(why, str) else getattr(why, "strerror", None) or type(error).__name__
        return f"metrics.{name}: the figures were not delivered ({why}); see whether it is right and may be written"
    return None


def write(figures: Figures, path: Path) -> None:
    """Figures to a file, whole or not at all; what stands there and still holds is kept."""
    from prometheus_client import CollectorRegistry, write_to_textfile

    registry, new = CollectorRegistry(), list(figures.registry().collect())
    families = _Families([*_kept(path, figures, {family.name for family in new}), *new])
    registry.register(cast("Any", families))
    write_to_textfile(str(path), registry)
    path.chmod(0o644)  # it is for another user's process


def _kept(path: Path, figures: Figures, new: set[str]) -> "Iterator[Metric]":
    if figures.is_whole and new >= _STANDING:
        return
    for family in _families(path):
        if family.name not in new and (family.name in _STANDING or not figures.is_whole):
            family.samples = [one for one in family.samples if one.labels.get("space") == figures.space]
            yield family


def _families(path: Path) -> "list[Metric]":
    from prometheus_client.parser import text_string_to_metric_families

    try:
        return list(text_string_to_metric_families(path.read_text(encoding="utf-8")))
    except (FileNotFoundError, ValueError):  # there is none yet, or somebody else's text
        return []


class _Families:
    """Families as the client library collects them."""

    def __init__(self, families: "Iterable[Metric]") -> None:
        self._families = list(families)

    def collect(self) -> "Iterator[Metric]":
        yield from self._families


class _File:
    """Those of a file, each time as they are then."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def collect(self) -> "Iterator[Metric]":
        yield from _families(self._path)


def _push(figures: Figures, url: str) -> None:
    """A run that knows it all replaces what the gateway has of the space."""
    from prometheus_client import exposition

    parts = urlsplit(url)
    bare = urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))
    handler: Callable[..., Callable[[], None]] = exposition.default_handler
    if parts.username is not None:
        user, password = unquote(parts.username), unquote(parts.password or "")
        handler = partial(exposition.basic_auth_handler, username=user, password=password)
    push = exposition.push_to_gateway if figures.is_whole else exposition.pushadd_to_gateway
    push(bare, _JOB, figures.registry(), {"space": figures.space}, _SECONDS, handler)


def serve(path: Path, host: str, port: int) -> Callable[[], None]:
    """Serve the figures of a file, in a thread of their own; what ends that.

    Raises:
        OSError: The address cannot be listened at.
    """
    from prometheus_client import CollectorRegistry, start_http_server

    registry = CollectorRegistry()
    registry.register(cast("Any", _File(path)))
    server, thread = start_http_server(port, host, registry)

    def end() -> None:
        server.shutdown()
        server.server_close()
        thread.join()

    return end
