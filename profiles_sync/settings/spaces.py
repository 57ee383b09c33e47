"""The spaces of several settings files, and what keeps them apart.

Spaces are completely separate: each has a graph, a lake and schemas of its own. Source: Segment, "Identity Resolution
Onboarding".
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from profiles_sync.errors import SettingsError
from profiles_sync.settings.loading import load
from profiles_sync.settings.models import Settings
from profiles_sync.warehouses import open_warehouse

_SUFFIXES = {".yml", ".yaml"}


@dataclass(frozen=True)
class Declared:
    """A space as its file declares it.

    Attributes:
        path: Of the file.
        settings: What it says; None where it cannot be used.
        error: Why it cannot be used.
    """

    path: Path
    settings: Settings | None
    error: str | None = None


def files_of(given: Sequence[Path]) -> list[Path]:
    """The settings files, each once: those that are given, and every `.yml` and `.yaml` in given folders, by name.

    Raises:
        SettingsError: A folder has none.
    """
    found: dict[Path, Path] = {}
    for path in given:
        files = _inside(path) if path.is_dir() else [path]
        found |= {one.resolve(): one for one in files if one.resolve() not in found}
    return list(found.values())


def spaces_of(given: Sequence[Path]) -> Iterator[Declared]:
    """The spaces of the files, in their order. One that would get into another's tables is not used; the others are.

    Raises:
        SettingsError: See `files_of`.
    """
    taken: dict[str, Path] = {}
    for path in files_of(given):
        try:
            settings = load(path)
            wanted = dict.fromkeys(_places(settings), path)
            for place in filter(taken.get, wanted):
                raise SettingsError(
                    f"settings {path}: {place} is taken by the space of {taken[place]}; give each space a slug, or a "
                    "lake and schemas, of its own"
                )
        except SettingsError as error:
            yield Declared(path, None, str(error))
        else:
            taken |= wanted
            yield Declared(path, settings)


def _inside(folder: Path) -> list[Path]:
    files = sorted(one for one in folder.iterdir() if one.suffix in _SUFFIXES and not one.name.startswith("."))
    if not files:
        raise SettingsError(f"settings: no file at {folder} ends in .yml or .yaml; give one with --settings FILE")
    return files


def _places(settings: Settings) -> Iterator[str]:
    """Where the space's tables are: in the lake, and in each warehouse that is enabled; and its figures."""
    lake = settings.lake
    root = lake if isinstance(lake, str) else lake.staging
    yield f"lake {root.rstrip('/')}/{settings.space.slug}"
    if not isinstance(lake, str):  # a catalog's schema has no folder for the slug, and Spark has no case
        for schema in (lake.schema_name, f"{lake.schema_name}_control"):
            yield f"lake {lake.catalog}.{schema}".lower()
    for name, one in settings.warehouses.items():
        if one.enabled:
            yield f"warehouse {open_warehouse(name, one, settings.schema_name).place}"
    if settings.metrics.file and not settings.metrics.file.endswith("/"):
        yield f"metrics.file {settings.metrics.file}"
