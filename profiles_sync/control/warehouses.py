"""The warehouses of a space and where each stands: what the settings declare, and what operators changed since.

A warehouse of the settings file counts as enabled unless the file says otherwise. One that is added by command is
created, tested, requested and only then enabled. What an operator switched holds until the file says something else.
Source: Segment, "Profiles Sync Setup", step 2 and "Settings and maintenance".
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from profiles_sync.control.log import Change, Log
from profiles_sync.errors import ChangeRefused, SettingsError
from profiles_sync.lake.base import Lake
from profiles_sync.settings import Settings, declared
from profiles_sync.warehouses import WarehouseSettings, open_warehouse
from profiles_sync.warehouses.protocol import Warehouse

ABOUT = "warehouse"
MODIFIED = "modified"  # connected to in another way; where the warehouse stands does not change


class Status(StrEnum):
    """Where a warehouse stands; only an enabled one is synced."""

    CREATED = "created"
    TESTED = "tested"
    REQUESTED = "requested"
    ENABLED = "enabled"
    DISABLED = "disabled"
    DELETED = "deleted"


_ANY = frozenset(Status)
#: Status to those that it may follow; a warehouse that nobody knows may only be created.
AFTER: Mapping[Status, frozenset[Status]] = {
    Status.CREATED: _ANY - {Status.ENABLED, Status.DISABLED},
    Status.TESTED: frozenset({Status.CREATED}),
    Status.REQUESTED: frozenset({Status.TESTED}),
    Status.ENABLED: frozenset({Status.REQUESTED, Status.DISABLED}),
    Status.DISABLED: frozenset({Status.ENABLED}),
    Status.DELETED: _ANY - {Status.ENABLED, Status.DELETED},
}
_ADVICE = {
    Status.CREATED: "let `profiles-sync warehouse test` go well first",
    Status.TESTED: "test it again to request it",
    Status.REQUESTED: "an Admin may enable it",
    Status.ENABLED: "disable it first",
    Status.DISABLED: "enable it, or delete it to add it anew",
    Status.DELETED: "add it again first",
}


@dataclass(frozen=True)
class Managed:
    """One warehouse.

    Attributes:
        name: Of the warehouse.
        status: Where it stands.
        settings: Its connection, without what is kept as credentials; None where nobody knows it any more.
        in_file: What the settings file says: whether it is enabled there, None where it is not in the file.
        secrets: Field to where its value is, see `credentials`; of one that was added by command.
    """

    name: str
    status: Status
    settings: WarehouseSettings | None
    in_file: bool | None = None
    secrets: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_enabled(self) -> bool:
        """Whether it is synced."""
        return self.status is Status.ENABLED

    @property
    def held_alone(self) -> str | None:
        """What only one connection may have open, such as a file."""
        return self.settings.held_alone if self.settings else None

    def may_become(self, status: Status) -> None:
        """Whether a change fits.

        Raises:
            ChangeRefused: It does not, and why.
        """
        if self.status not in AFTER[status]:
            raise ChangeRefused(
                f"warehouse {self.name} is {status} already"
                if self.status is status
                else f"warehouse {self.name} is {self.status} and cannot become {status}; {_ADVICE[self.status]}"
            )

    def with_settings(self, settings: WarehouseSettings) -> "Managed":
        """The same, connected to in another way."""
        return replace(self, settings=settings)

    def opened(self, schema: str, spark: Callable[[], Any] | None = None) -> Warehouse:
        """Ready to connect, as far as its credentials are known here; the arguments are those of `open_warehouse`."""
        assert self.settings is not None, self.name
        return open_warehouse(self.name, self.settings, schema, spark)


def warehouses(settings: Settings, lake: Lake) -> dict[str, Managed]:
    """Every warehouse by name, also those that were deleted; those of the file first."""
    return managed(settings, Log.read(lake))


def enabled(settings: Settings, lake: Lake) -> list[Managed]:
    """Those that are synced."""
    return [one for one in warehouses(settings, lake).values() if one.is_enabled]


def managed(settings: Settings, log: Log) -> dict[str, Managed]:
    """The same for a log that is read already."""
    found = {
        name: Managed(name, Status.ENABLED if one.enabled else Status.DISABLED, one, one.enabled)
        for name, one in settings.warehouses.items()
    }
    for name, changes in _by_name(log.changes).items():
        found[name] = _folded(found.get(name), name, changes)
    return {name: one for name, one in found.items() if one.settings or one.status is Status.DELETED}


def known(settings: Settings, log: Log, name: str) -> Managed:
    """One of them.

    Raises:
        SettingsError: There is no warehouse of that name.
    """
    there = managed(settings, log)
    if name not in there:
        raise SettingsError(f"no warehouse {name!r} in the settings; declared there: {', '.join(there) or 'none'}")
    return there[name]


def there(settings: Settings, log: Log, name: str) -> Managed:
    """One of them that was not deleted.

    Raises:
        SettingsError: There is no warehouse of that name.
        ChangeRefused: It was deleted.
    """
    one = known(settings, log, name)
    if one.status is Status.DELETED:
        raise ChangeRefused(f"warehouse {name} is deleted; {_ADVICE[Status.DELETED]}")
    return one


def _by_name(changes: Iterable[Change]) -> dict[str, list[Change]]:
    found: dict[str, list[Change]] = {}
    for change in changes:
        if change.about == ABOUT and change.action in (*Status, MODIFIED):
            found.setdefault(change.name, []).append(change)
    return found


def _folded(in_file: Managed | None, name: str, changes: Iterable[Change]) -> Managed:
    """A warehouse after its changes."""
    now = in_file or Managed(name, Status.DELETED, None)
    for change in changes:
        if _is_outdated(change, in_file):
            now = replace(now, status=in_file.status if in_file else now.status)
        else:
            status = now.status if change.action == MODIFIED else Status(change.action)
            now = replace(now, status=status, **_connection(change, in_file))
    return now


def _is_outdated(change: Change, in_file: Managed | None) -> bool:
    """Whether the file says something else than it did when the change was made; what was deleted stays so."""
    stays = in_file is None or change.action == Status.DELETED
    return not stays and in_file is not None and change.details.get("in_file") != in_file.in_file


def _connection(change: Change, in_file: Managed | None) -> dict[str, Any]:
    """How a warehouse that is not in the file is connected to: as it was added, until it is deleted."""
    if in_file is not None:
        return {}
    if change.action == Status.DELETED:
        return {"settings": None, "secrets": {}}
    if "fields" not in change.details:
        return {}
    fields, secrets = change.details["fields"], change.details["secrets"]
    return {"settings": declared(change.name, fields | secrets), "secrets": secrets}  # `credentials` puts in the values
