"""Test Connection: each right that a sync needs, tried on a scratch table that is gone afterwards.

Source: Segment, "Profiles Sync Setup", section "Connect your warehouse", step "Test Connection".
"""

import logging
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from profiles_sync.errors import MissingExtra, ProfilesSyncError, WarehouseRefused, WarehouseUnreachable
from profiles_sync.lake.faults import explained
from profiles_sync.problems import ErrorClass
from profiles_sync.sync.scratch import Scratch
from profiles_sync.warehouses import setup
from profiles_sync.warehouses.protocol import Connection, Warehouse
from profiles_sync.warehouses.setup.rights import Right

_log = logging.getLogger(__name__)
_MENDS = (ErrorClass.PERMISSION, ErrorClass.INTERNAL)  # what nobody knows may well be a right that is missing
#: What has to go well before a right can be tried at all.
_AFTER = {
    Right.CREATE_SCHEMA: Right.CONNECT,
    Right.CREATE_TABLE: Right.CREATE_SCHEMA,
    Right.ADD_COLUMN: Right.CREATE_TABLE,
    Right.LOAD_STAGING: Right.CREATE_SCHEMA,
    Right.INSERT: Right.CREATE_TABLE,
    Right.UPDATE: Right.CREATE_TABLE,
    Right.DELETE: Right.CREATE_TABLE,
    Right.DROP_STAGING: Right.LOAD_STAGING,
    Right.LOCK: Right.CREATE_TABLE,
}
_LOADS = (Right.INSERT, Right.UPDATE, Right.DELETE, Right.LOCK)  # the lock comes with a look at what is staged


@dataclass(frozen=True)
class Check:
    """One right: there, missing, or not tried (None), and then why; `grant` is what gives it."""

    check: str
    ok: bool | None
    error: str | None = None
    error_class: str | None = None
    advice: str | None = None
    grant: str | None = None


@dataclass
class Trial:
    """What came out for a warehouse."""

    warehouse: str
    checks: list[Check] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Whether a sync may do all that it needs to."""
        return all(check.ok for check in self.checks)

    def shown(self) -> dict[str, Any]:
        """As `--json` prints it."""
        return {"warehouse": self.warehouse, "ok": self.ok, "checks": [asdict(check) for check in self.checks]}


def try_out(warehouse: Warehouse, known: Mapping[str, object]) -> Trial:
    """Try a warehouse.

    Args:
        warehouse: It is connected to as for a sync, and holds afterwards what it held before.
        known: What the settings say of user, database and so on, for the grants.

    Raises:
        MissingExtra: Its driver is not installed.
    """
    trial = Trial(warehouse.name)
    try:
        with warehouse.connect() as connection:
            trial.checks.append(Check(Right.CONNECT, True))
            _try_rights(connection, warehouse, known, trial)
    except MissingExtra:
        raise
    except Exception as error:
        if not trial.checks:
            trial.checks.append(_failed(Right.CONNECT, error, warehouse, known))
    tried = {check.check for check in trial.checks}
    trial.checks += [_not_tried(right, _AFTER[right]) for right in Right if right not in tried]
    return trial


def _try_rights(connection: Connection, warehouse: Warehouse, known: Mapping[str, object], trial: Trial) -> None:
    scratch = Scratch(connection, warehouse)
    steps = _steps(scratch)
    try:
        for right, step in steps.items():
            if missing := _missing(right, trial):
                trial.checks.append(_not_tried(right, missing))
                continue
            try:
                step()
            except Exception as error:
                trial.checks.append(_failed(right, error, warehouse, known))
                if isinstance(error, WarehouseUnreachable):
                    return
            else:
                trial.checks.append(Check(right, True))
    finally:
        _clean_up(scratch, trial)


def _steps(scratch: Scratch) -> dict[Right, Callable[[], None]]:
    return {
        Right.CREATE_SCHEMA: scratch.create_schema,
        Right.CREATE_TABLE: scratch.create_table,
        Right.ADD_COLUMN: scratch.add_column,
        Right.LOAD_STAGING: scratch.load_staging,
        Right.INSERT: scratch.insert,
        Right.UPDATE: scratch.update,
        Right.DELETE: scratch.delete,
        Right.DROP_STAGING: scratch.drop_staging,
        Right.LOCK: scratch.lock,
    }


def _missing(right: Right, trial: Trial) -> Right | None:
    """What a right needs and did not go well."""
    well = {check.check for check in trial.checks if check.ok}
    needs = [_AFTER[right], *([Right.LOAD_STAGING] if right in _LOADS else [])]
    return next((one for one in needs if one not in well), None)


def _not_tried(right: Right, missing: Right) -> Check:
    return Check(right, None, f"not tried, for it comes after {missing}")


def _failed(right: Right, error: Exception, warehouse: Warehouse, known: Mapping[str, object]) -> Check:
    _log.debug("%s", right, exc_info=error)
    if not isinstance(error, WarehouseRefused | WarehouseUnreachable):
        said = str(error) if isinstance(error, ProfilesSyncError) else explained(error)
        return Check(right, False, said, ErrorClass.INTERNAL)
    problem = error.problem
    mends = problem.error_class in (_MENDS[:1] if right is Right.CONNECT else _MENDS)
    grant = error.grant if isinstance(error, WarehouseRefused) else None
    if mends and grant is None:
        grant = setup.grant_of(warehouse.kind, right, {**known, "schema": warehouse.schema})
    return Check(right, False, str(error), problem.error_class, problem.advice, grant or None)


def _clean_up(scratch: Scratch, trial: Trial) -> None:
    """What could not be removed is told."""
    left: list[str] = []
    for statement in scratch.removal():
        try:
            scratch.connection.execute(statement)
        except Exception:
            _log.debug("clean up", exc_info=True)
            left.append(statement)
    scratch.remove_internal()
    if left:
        told = f"the scratch table could not be removed; run {'; '.join(left)}"
        trial.checks.append(Check("clean up", False, told, ErrorClass.INTERNAL))
