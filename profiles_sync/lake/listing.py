"""What tables a lake has."""

from collections.abc import Iterable

from pyarrow import fs

from profiles_sync.lake.storage import storage_of
from profiles_sync.lake.tables import Lake
from profiles_sync.spec.tables import QUARANTINE, table


def public_tables(lake: Lake) -> list[str]:
    """The tables that a warehouse gets, those that are always there first."""
    return public(folders(lake))


def public(names: Iterable[str]) -> list[str]:
    """Those of a space's tables and folders that a warehouse gets, in that order."""
    wanted = set(names) - {QUARANTINE.name, "_control", "_staging"}
    return sorted(wanted, key=lambda name: (table(name).group == "track event table", name))


def folders(lake: Lake, below: str = "") -> list[str]:
    """The folders of the space, or of one of its folders."""
    filesystem, root = storage_of(f"{lake.root.rstrip('/')}/{lake.slug}/{below}", lake.options)
    listed = filesystem.get_file_info(fs.FileSelector(root, allow_not_found=True))
    return sorted(info.base_name for info in listed if info.type == fs.FileType.Directory)
