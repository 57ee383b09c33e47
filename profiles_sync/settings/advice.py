"""What is allowed in the settings and still worth a word."""

import os
from collections.abc import Iterable, Iterator
from itertools import combinations
from pathlib import Path
from urllib.parse import unquote

from profiles_sync.settings.effective import MASK
from profiles_sync.settings.environment import unknown_variables
from profiles_sync.settings.models import Settings
from profiles_sync.warehouses import open_warehouse

_TWO_NAMES = {"gcs": "gs", "abfss": "abfs"}  # of one kind of store


def warnings_of(settings: Settings, rows: Iterable[tuple[str, object, str]]) -> list[str]:
    """One line for each; `rows` are those of `origins`."""
    secrets = [
        f"{key}: a secret stands in the file; the environment is a safer place"
        for key, value, origin in rows
        if value == MASK and origin == "file"
    ]
    unknown = [f"environment {name}: no such key, so it changes nothing" for name in unknown_variables(os.environ)]
    told = (_of_lake, _of_sources, _of_paths, _of_warehouses)
    return [*secrets, *unknown, *(line for part in told for line in part(settings))]


def _of_lake(settings: Settings) -> Iterator[str]:
    if isinstance(settings.lake, str) and settings.lake.startswith("/Volumes/"):
        yield (
            "lake: a volume of Unity Catalog has no locks, and no file there can be made only if it is missing, which "
            "commits to a lake at a path need; give lake: a catalog, a schema and a staging folder in the volume"
        )


def _of_sources(settings: Settings) -> Iterator[str]:
    if not settings.sources:
        yield "sources: none declared, so a run has nothing to read"
    for source_id, slugs in _shared((one.slug, one.id) for one in settings.declared_sources):
        yield (
            f"sources {slugs} have the same id, {source_id}: their events cannot be told apart, and equal lines "
            "without messageId are one event; give each an id of its own"
        )


def _of_paths(settings: Settings) -> Iterator[str]:
    places = {slug: _place(source.path) for slug, source in settings.sources.items()}
    for one, other in combinations(places, 2):
        inner, outer = (one, other) if len(places[one]) > len(places[other]) else (other, one)
        if _has(places[outer], places[inner]):
            same = places[outer] == places[inner]
            what = f"sources {one} and {other} have the same path" if same else f"source {inner} lies inside {outer}"
            yield (
                f"{what}: each file there is read once for each of the two, and its events may land twice; "
                "let each file have one source"
            )


def _of_warehouses(settings: Settings) -> Iterator[str]:
    enabled = {name: one for name, one in settings.warehouses.items() if one.enabled}
    if not enabled:
        yield "warehouses: none enabled, so only the lake is built"
    opened = [open_warehouse(name, one, settings.schema_name) for name, one in enabled.items()]
    for place, names in _shared((one.name, one.place) for one in opened):
        yield (
            f"warehouses {names} write the same tables, in {place}: what one has sent, the others find there and do "
            "not send; disable all but one, or give each a schema of its own"
        )


def _shared(pairs: Iterable[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    """What several names have in common, and those names as one would say them."""
    names: dict[str, list[str]] = {}
    for name, what in pairs:
        names.setdefault(what, []).append(name)
    for what, (*most, last) in names.items():
        if most:
            yield what, f"{', '.join(most)} and {last}"


def _place(path: str) -> tuple[str, ...]:
    """The steps to a path or URL, the same for the same place."""
    scheme, is_url, rest = path.partition("://")
    if not is_url:
        return Path(path).parts
    host, _, inner = rest.partition("/")
    if scheme == "file":
        return Path(f"/{unquote(inner)}").resolve().parts
    return (_TWO_NAMES.get(scheme, scheme), host, *filter(None, unquote(inner).split("/")))


def _has(outer: tuple[str, ...], inner: tuple[str, ...]) -> bool:
    """Whether a source at `outer` reads what is at `inner`: hidden folders are passed over."""
    below = inner[len(outer) :]
    return inner[: len(outer)] == outer and not any(step.startswith((".", "_")) for step in below)
