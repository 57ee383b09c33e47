"""The lake that the settings name."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from profiles_sync.errors import LakeError
from profiles_sync.lake import storage
from profiles_sync.lake.base import Lake
from profiles_sync.lake.catalog import CatalogLake
from profiles_sync.lake.paths import PathLake
from profiles_sync.session import session_of
from profiles_sync.settings import Settings

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


def lake_of(settings: Settings, spark: "Callable[[], SparkSession] | None" = None) -> Lake:
    """The lake of the settings' space; `spark` gives the session where that is in a catalog."""
    storage.use(settings.lake if isinstance(settings.lake, str) else settings.lake.staging, settings.storage_options)
    if isinstance(settings.lake, str):
        return PathLake(settings.lake, settings.space.slug, settings.storage_options)
    return CatalogLake(settings.lake, settings.space.slug, spark or session_of(settings))


def readable_lake_of(settings: Settings) -> Lake:
    """The lake, for whoever only looks: one that cannot be read is not an empty one.

    Raises:
        LakeError: There is something in its place, or this user may not look into it.
    """
    lake = lake_of(settings)
    if lake.lock_folder is None or not isinstance(settings.lake, str):
        return lake
    for path in (Path(lake.root), Path(lake.path("")), lake.lock_folder):
        try:
            there = path.exists()
        except PermissionError:
            there = True
        if there and not (path.is_dir() and os.access(path, os.R_OK | os.X_OK)):
            raise LakeError(
                f"space {lake.slug}: cannot read {path}; `lake` in the settings has to be a folder that this user may "
                "read"
            )
    return lake
