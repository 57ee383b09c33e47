"""What the settings say of checks, made ready for a sync."""

from collections.abc import Iterable

from profiles_sync.lake.base import Lake
from profiles_sync.quality import gx
from profiles_sync.quality.gate import Gate, Quality
from profiles_sync.quality.graph import Graph
from profiles_sync.settings import Settings
from profiles_sync.settings.expectations import expectations_in


def quality_of(settings: Settings, lake: Lake) -> Quality | None:
    """The checks of a space; None where they are off.

    Raises:
        SettingsError: A file of expectations is wrong.
        MissingExtra: Great Expectations is not installed.
    """
    if not settings.quality.enabled:
        return None
    gx.refuse_missing()
    return Quality(Graph(lake), expectations_in(settings.quality.expectations))


def gate_of(settings: Settings, lake: Lake, name: str, released: Iterable[str] = ()) -> Gate | None:
    """The gate of one warehouse, when it is synced alone; see `quality_of`."""
    quality = quality_of(settings, lake)
    return None if quality is None else quality.gate(name, released)
