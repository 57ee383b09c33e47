"""Which files of the vault the control log makes use of; every other one is of a command that broke off."""

from collections.abc import Mapping

from profiles_sync.control import linked
from profiles_sync.control.credentials import file_of
from profiles_sync.control.linked import kept_as
from profiles_sync.control.log import Log
from profiles_sync.control.warehouses import ABOUT, Status


def files_in_use(log: Log) -> set[str]:
    """The names of those files."""
    secrets: dict[str, Mapping[str, str]] = {}
    for change in log.changes:
        if (change.about, change.action) == (ABOUT, Status.DELETED):
            for name in (change.name, kept_as(change.name)):
                secrets.pop(name, None)
        elif change.about in (ABOUT, linked.ABOUT) and "secrets" in change.details:
            name = change.name if change.about == ABOUT else kept_as(change.name)
            secrets[name] = change.details["secrets"]
    return {file for name, some in secrets.items() for where in some.values() if (file := file_of(name, where))}
