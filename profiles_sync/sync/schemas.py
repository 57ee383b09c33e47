"""A warehouse's schema is settled with its first sync, and is not that of a source.

Source: Segment, "Profiles Sync Setup", section "Settings and maintenance".
"""

from collections.abc import Mapping

from profiles_sync.problems import ErrorClass, Problem
from profiles_sync.settings import Settings
from profiles_sync.warehouses.names import physical_schema
from profiles_sync.warehouses.protocol import Warehouse

#: What a refused schema is told as in the history.
PROBLEM = Problem(
    ErrorClass.SCHEMA, "nothing was sent; give the warehouse the schema that the error names, or another name"
)


def refused(warehouse: Warehouse, first: Mapping[str, str], settings: Settings) -> str | None:
    """Why a warehouse is not synced to the schema that it is declared with; None where it is.

    Args:
        warehouse: As it is declared now.
        first: The schema of each warehouse's first sync, by name.
        settings: Of the space, with its sources.
    """
    was = first.get(warehouse.name, warehouse.schema)
    if was != warehouse.schema:
        return (
            f"warehouse {warehouse.name}: its schema is {was} since its first sync and cannot become "
            f"{warehouse.schema}; set schema: {was} for it, or declare a warehouse with another name"
        )
    slugs = {_compared(slug, warehouse): slug for slug in settings.sources}
    if (slug := slugs.get(_compared(warehouse.schema, warehouse))) is None or warehouse.name in first:
        return None
    return (
        f"warehouse {warehouse.name}: its schema {warehouse.schema} is called like the source {slug}, whose own events "
        "a warehouse would have there; set another schema: for it"
    )


def _compared(name: str, warehouse: Warehouse) -> str:
    """A slug or schema as the schema that the warehouse would have for it, whatever its capitals."""
    return physical_schema(name.replace("-", "_"), warehouse.capabilities).lower()
