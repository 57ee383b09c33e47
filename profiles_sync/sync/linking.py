"""Connect the Data Graph to a warehouse and validate it: what its linked user can do, and nothing else, is tried.

Source: Segment, "Data Graph", and its set-up guides, step "Validate the permissions".
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from profiles_sync import data_graph
from profiles_sync.control import credentials, vault
from profiles_sync.control.linked import Linked, asked_for, keep, linked
from profiles_sync.control.log import Log
from profiles_sync.control.policy import Right, ask
from profiles_sync.control.warehouses import Managed, there
from profiles_sync.data_graph.prerequisite import Lacking
from profiles_sync.data_graph.reads import reads
from profiles_sync.data_graph.validation import Answer, Check
from profiles_sync.errors import ChangeRefused, SettingsError, WarehouseRefused, WarehouseUnreachable
from profiles_sync.lake.opening import lake_of
from profiles_sync.problems import ErrorClass
from profiles_sync.session import session_of
from profiles_sync.settings import Settings
from profiles_sync.sync import trial
from profiles_sync.sync.prerequisites import prerequisites_of
from profiles_sync.sync.trial import Trial
from profiles_sync.warehouses import open_warehouse
from profiles_sync.warehouses.protocol import Connection, Warehouse

_ROWS = ("SELECT", "SHOW")
_ADVICE = "run what `profiles-sync data-graph setup-sql` prints, which may be run again"


@dataclass(frozen=True)
class Validated:
    """What the checks found, and what the Data Graph lacks; None where that was not looked at."""

    trial: Trial
    lacking: Lacking | None

    @property
    def ok(self) -> bool:
        """Whether the Data Graph can be used."""
        return self.trial.ok and not self.lacking

    def shown(self) -> dict[str, Any]:
        """As `--json` prints it."""
        told = [] if self.lacking is None else list(self.lacking.told)
        return self.trial.shown() | {"ok": self.ok, "lacking": told}


class _TakenBack(Exception):
    """Ends a transaction that is not to be kept."""


def connect(
    settings: Settings, name: str, fields: Mapping[str, str], typed: str | None = None, who: str | None = None
) -> Trial:
    """Test a connection of the Data Graph's, and keep it where that goes well.

    Args:
        settings: Of the space.
        name: Of a warehouse.
        fields: What differs from the sync's connection; a secret only as `env:NAME`, `file:PATH` and so on.
        typed: Its password, which is kept encrypted.
        who: Connects it; else whoever runs this.

    Raises:
        SettingsError: A field is wrong, or the kind of warehouse has no Data Graph.
        Denied: That takes an Admin.
        CredentialsMissing: There is no key to keep what was typed.
    """
    lake = lake_of(settings)
    who = ask(settings, lake, Right.CHANGE, f"data-graph connect {name}", who)
    log = Log.read(lake)
    one = asked_for(_sync(settings, log, name), settings.schema_name, fields, typed is not None)
    if typed is not None:
        vault.check_key()
    found = _tried(settings, name, one, credentials.complete(one.opened_by(name, typed), lake))
    if found.ok:
        keep(lake, log, name, one, who, typed)
    return found


def validate(settings: Settings, name: str, who: str | None = None) -> Validated:
    """Try the connection that is kept, and tell what the Data Graph lacks.

    Raises:
        Denied: That takes an Admin.
        ChangeRefused: The Data Graph is not connected.
    """
    lake = lake_of(settings)
    who = ask(settings, lake, Right.CHANGE, f"data-graph validate {name}", who)
    log = Log.read(lake)
    _sync(settings, log, name)
    one = linked(log, name)
    if one is None:
        raise ChangeRefused(f"the Data Graph is not connected to {name}; `profiles-sync data-graph connect {name}`")
    found = _tried(settings, name, one, credentials.complete(one.opened_by(name), lake))
    return Validated(found, prerequisites_of(settings, name, who))


def _sync(settings: Settings, log: Log, name: str) -> Managed:
    one = there(settings, log, name)
    if one.settings is not None and one.settings.type not in data_graph.CHECKS:
        kinds = ", ".join(data_graph.CHECKS)
        raise SettingsError(f"warehouse {name} is of type {one.settings.type}; the Data Graph is for {kinds}")
    return one


def _tried(settings: Settings, name: str, one: Linked, managed: Managed) -> Trial:
    assert managed.settings is not None, name
    kind, found = managed.settings.type, Trial(name)
    field = data_graph.DATABASES[kind]
    checks = data_graph.CHECKS[kind](
        managed.settings.model_dump(), one.profiles_database, reads(one.profiles_schema, (), ())
    )
    for database, same in groupby(checks, lambda check: check.database):
        elsewhere = managed.settings.model_copy(update={field: database})
        opened = open_warehouse(name, elsewhere, one.profiles_schema, session_of(settings))
        found.checks += _in_database(list(same), opened)
    return found


def _in_database(checks: Sequence[Check], warehouse: Warehouse) -> list[trial.Check]:
    """The checks of one connection; where there is none, that is what failed of each."""
    found: list[trial.Check] = []
    try:
        with warehouse.connect() as connection:
            for check in checks:
                found.append(_checked(check, connection, warehouse.kind))
    except (WarehouseRefused, WarehouseUnreachable) as error:
        found += [_failed(check, error) for check in checks[len(found) :]]
    return found


def _checked(check: Check, connection: Connection, kind: str) -> trial.Check:
    """What a query comes to; where the connection is gone, that is raised."""
    try:
        names = _taken_back(check.query, connection)
    except WarehouseRefused as error:
        # A table that is not there would be refused too, and says nothing of a right.
        is_right = check.answer is Answer.REFUSED and error.problem.error_class is ErrorClass.PERMISSION
        return trial.Check(_told(check), True) if is_right else _failed(check, error)
    if check.answer is Answer.REFUSED:
        return _wrong(check, "it was done, so the linked user may do more than read; take that right away")
    if missing := [one for one in check.names if data_graph.written(kind, one) not in names]:
        return _wrong(check, f"not among them: {', '.join(missing)}")
    return trial.Check(_told(check), True)


def _taken_back(query: str, connection: Connection) -> set[object]:
    """Run a query in a transaction that is rolled back; all that its rows hold."""
    found: set[object] = set()
    with suppress(_TakenBack), connection.transaction():
        if query.startswith(_ROWS):
            found = {value for row in connection.query(query) for value in row if isinstance(value, str)}
        else:
            connection.execute(query)
        raise _TakenBack
    return found


def _told(check: Check) -> str:
    return f"in {check.database} this {check.told}: {check.query}"


def _wrong(check: Check, error: str) -> trial.Check:
    return trial.Check(_told(check), False, error, ErrorClass.PERMISSION, _ADVICE)


def _failed(check: Check, error: WarehouseRefused | WarehouseUnreachable) -> trial.Check:
    problem = error.problem
    advice = _ADVICE if problem.error_class is ErrorClass.PERMISSION else problem.advice
    return trial.Check(_told(check), False, str(error), problem.error_class, advice)
