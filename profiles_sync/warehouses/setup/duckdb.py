"""DuckDB needs no set-up."""

import shlex
from collections.abc import Mapping
from pathlib import Path

from profiles_sync.warehouses.setup.rights import Right
from profiles_sync.warehouses.setup.script import Script


def script() -> Script:
    """Says so."""
    return Script("DuckDB: nothing to do. The first sync makes the file that `path` names.", "--")


def grants(*, path: str) -> Mapping[Right, str]:
    """What the owner of the file runs in a shell: who may write file and folder may do all."""
    return dict.fromkeys(Right, f"chmod u+rw {shlex.quote(path)}; chmod u+rwx {shlex.quote(str(Path(path).parent))}")
