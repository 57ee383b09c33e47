"""What has to be in the warehouse before the Data Graph can be used.

Source: Segment, "Redshift Data Graph Setup", prerequisite.
"""

from collections.abc import Collection
from dataclasses import dataclass

from profiles_sync.spec.tables import MATERIALIZED_TABLES, RAW_TABLES

#: The profile raw tables and the profile materialized tables.
NEEDED = tuple(table.name for table in (*RAW_TABLES, *MATERIALIZED_TABLES))


@dataclass(frozen=True)
class Lacking:
    """What is missing. Tables to come are only synced where every track event table is selected."""

    not_selected: tuple[str, ...]
    not_synced: tuple[str, ...]
    every_track_table: bool

    def __bool__(self) -> bool:
        return bool(self.not_selected or self.not_synced or not self.every_track_table)

    @property
    def told(self) -> tuple[str, ...]:
        """One line for each thing to do."""
        lines = []
        if self.not_selected:
            lines.append(f"select in Selective Sync: {', '.join(self.not_selected)}")
        if not self.every_track_table:
            lines.append("select all track event tables in Selective Sync, so that tables to come are synced too")
        if self.not_synced:
            lines.append(f"wait for the sync of: {', '.join(self.not_synced)}")
        return tuple(lines)


def lacking(
    selected: Collection[str], synced: Collection[str], track_tables: Collection[str], every_track_table: bool
) -> Lacking:
    """What the Data Graph lacks.

    Args:
        selected: Tables that Selective Sync sends to the warehouse.
        synced: Tables that the warehouse has.
        track_tables: Every track event table of the lake.
        every_track_table: Whether all track event tables are selected, also those to come.
    """
    wanted = (*NEEDED, *sorted(track_tables))
    chosen = {*selected, *(track_tables if every_track_table else ())}
    return Lacking(
        tuple(table for table in wanted if table not in chosen),
        tuple(table for table in wanted if table in chosen and table not in synced),
        every_track_table,
    )
