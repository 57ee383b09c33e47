"""DuckDB needs no set-up."""

from profiles_sync.warehouses.setup.script import Script


def script() -> Script:
    """Says so."""
    return Script("DuckDB: nothing to do. The first sync makes the file that `path` names.", "--")
