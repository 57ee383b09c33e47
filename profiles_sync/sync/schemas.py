"""A warehouse's schema is settled with its first sync. Source: Segment, "Settings and maintenance"."""

from collections.abc import Mapping

from profiles_sync.warehouses.protocol import Warehouse


def refused(warehouse: Warehouse, first: Mapping[str, str]) -> str | None:
    """Why a warehouse is not synced to the schema that it is declared with; None where it is.

    Args:
        warehouse: As the settings declare it now.
        first: The schema of each warehouse's first sync, by name.
    """
    was = first.get(warehouse.name, warehouse.schema)
    if was == warehouse.schema:
        return None
    return (
        f"warehouse {warehouse.name}: its schema is {was} since its first sync and cannot become {warehouse.schema}; "
        f"set schema: {was} for it, or declare a warehouse with another name"
    )
