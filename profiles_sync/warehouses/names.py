"""A lake name as a warehouse can spell it: stateless, so that the same name comes out on every sync."""

import hashlib

from profiles_sync.spec.tables import BY_NAME, TRACK_TABLE
from profiles_sync.warehouses.base import Capabilities

_DECLARED = {column for table in (*BY_NAME.values(), TRACK_TABLE) for column in table.types} | BY_NAME.keys()


def physical(name: str, capabilities: Capabilities) -> str:
    """The warehouse's name for a lake table or column.

    A reserved word gets `_` in front, and so does a leading digit where the warehouse takes none. A name that is too
    long is cut and told apart by 8 hex digits of its SHA-1. The names that `spec.tables` declares stay as they are.
    """
    if name in _DECLARED:
        return name
    made = (
        f"_{name}" if name in capabilities.reserved or (name[0].isdigit() and not capabilities.leading_digit) else name
    )
    if len(made.encode()) <= capabilities.max_identifier:
        return made
    digest = hashlib.sha1(name.encode(), usedforsecurity=False).hexdigest()[:8]
    return made.encode()[: capabilities.max_identifier - 9].decode(errors="ignore") + "_" + digest
