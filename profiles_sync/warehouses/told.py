"""Errors that every kind of warehouse tells in the same words."""

from profiles_sync.errors import MissingExtra, WarehouseBusy, WarehouseSlow, WarehouseUnreachable


def busy(schema: str) -> WarehouseBusy:
    """Another sync has the schema."""
    return WarehouseBusy(f"another sync of schema {schema} is under way; let one run at a time sync it")


def went_away(kind: str, what: str) -> WarehouseUnreachable:
    """The connection was lost, or the server went down, during a statement."""
    return WarehouseUnreachable(
        f"{kind} went away during {what}; what was not committed is not there, the next run repeats it"
    )


def not_installed(name: str, what: str, extra: str) -> MissingExtra:
    """A package that a warehouse needs, and the extra that brings it."""
    return MissingExtra(f"warehouse {name}: {what} is not installed; pip install 'profiles-sync[{extra}]'")


def not_reached(where: str, said: str) -> WarehouseUnreachable:
    """Nobody answers there, or nobody who lets anybody in now."""
    return WarehouseUnreachable(f"{where} cannot be reached: {said}; nothing was written, the next run tries again")


def conflict(what: str) -> WarehouseBusy:
    """A statement met a transaction of somebody else's."""
    return WarehouseBusy(f"another transaction is writing the same tables, seen during {what}; the next run repeats it")


def lost(schema: str) -> WarehouseBusy:
    """Another sync has taken the schema, for the session that held it is gone."""
    return WarehouseBusy(
        f"another sync of schema {schema} has taken the place of this one, whose lock was lost with its session; what "
        "was not committed is not there, the next run repeats it"
    )


def late(kind: str, what: str) -> WarehouseSlow:
    """A statement was cancelled, for it took too long."""
    return WarehouseSlow(
        f"{kind} took longer than it may for {what}, and cancelled it; it changed nothing, the next run repeats it"
    )
