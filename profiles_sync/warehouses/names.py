"""A lake name as a warehouse can spell it: stateless, so that the same name comes out on every sync."""

import hashlib
import re

from profiles_sync.spec.tables import BY_NAME, TRACK_TABLE
from profiles_sync.warehouses.base import Capabilities

_DECLARED = {column for table in (*BY_NAME.values(), TRACK_TABLE) for column in table.types} | BY_NAME.keys()
_DIGEST = re.compile(r"(?s)(.+)_[0-9a-f]{8}")


def physical(name: str, capabilities: Capabilities) -> str:
    """The warehouse's name for a lake table or column.

    A reserved word gets `_` in front, and so does a leading digit where the warehouse takes none. A name that is too
    long is cut. It is told apart by 8 hex digits of its SHA-1, and so is a name that another one may come out as: two
    names never become one, whichever comes first. The names that `spec.tables` declares stay as they are.
    """
    if name in _DECLARED:
        return name
    made = f"_{name}" if _is_refused(name, capabilities) else name
    if len(made.encode()) > capabilities.max_identifier or _may_be_anothers(name, made, capabilities):
        return _told_apart(made, name, capabilities)
    return made


def physical_schema(name: str, capabilities: Capabilities) -> str:
    """The warehouse's name for a schema: as it is given, in small letters where capitals do not matter.

    Each statement quotes it, so it may be a reserved word or begin with a digit. A name of the warehouse's own gets
    `_` in front, and one that is too long is cut. Two names may become one: whoever sets them is told which schema it
    is. A schema's name stays as it is made.
    """
    made = name.lower() if capabilities.folds_case and capabilities.schemas_fold else name
    if re.fullmatch(capabilities.schemas_taken, made.lower()):
        made = f"_{made}"
    return made if len(made.encode()) <= capabilities.max_identifier else _told_apart(made, made, capabilities)


def record(schema: str, capabilities: Capabilities) -> str:
    """The name of a schema's sync record, which no staging table has."""
    made = f"cursors_{schema}"
    is_plain = "__" not in made and not _DIGEST.fullmatch(made)
    if is_plain and len(made.encode()) <= capabilities.max_identifier:
        return made
    return f"cursors_{hashlib.sha1(schema.encode(), usedforsecurity=False).hexdigest()}"


def staging(schema: str, table: str, capabilities: Capabilities) -> str:
    """The name of a table's staging table, among those of all schemas."""
    made = f"{schema}__{table}"
    is_plain = made.partition("__") == (schema, "__", table) and not table.startswith("_")
    if is_plain and len(made.encode()) <= capabilities.max_identifier:
        return made
    return _told_apart(made, f"{schema}.{table}", capabilities)


def beside(column: str, what: str, capabilities: Capabilities) -> str:
    """The name of a further column that belongs to one."""
    made = f"{column}__{re.sub(r'[^a-z0-9]+', '_', what.lower()).strip('_')}"
    return made if len(made.encode()) <= capabilities.max_identifier else _told_apart(made, made, capabilities)


def _is_refused(name: str, capabilities: Capabilities) -> bool:
    if name.lower() in capabilities.reserved or name.lower().startswith(capabilities.reserved_prefixes):
        return True
    return name[0].isdigit() and not capabilities.leading_digit


def _may_be_anothers(name: str, made: str, capabilities: Capabilities) -> bool:
    if capabilities.folds_case and made != made.lower():
        return True
    return (made == name and _is_escape(made, capabilities)) or _is_told_apart(made, capabilities)


def _is_escape(made: str, capabilities: Capabilities) -> bool:
    return made.startswith("_") and len(made) > 1 and _is_refused(made[1:], capabilities)


def _is_told_apart(made: str, capabilities: Capabilities) -> bool:
    """Whether another name, cut or not, may end up as this one once it is told apart."""
    found = _DIGEST.fullmatch(made)
    if found is None:
        return False
    is_cut = len(made.encode()) > capabilities.max_identifier - 4  # a cut may fall within a letter of several bytes
    return is_cut or _is_escape(found[1], capabilities) or _is_told_apart(found[1], capabilities)


def _told_apart(made: str, name: str, capabilities: Capabilities) -> str:
    digest = hashlib.sha1(name.encode(), usedforsecurity=False).hexdigest()[:8]
    return made.encode()[: capabilities.max_identifier - 9].decode(errors="ignore") + "_" + digest
