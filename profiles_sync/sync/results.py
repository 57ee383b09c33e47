"""What a sync of a warehouse came to."""

from dataclasses import dataclass, field

SUCCESS, PARTIAL, FAILED = "Success", "Partial success", "Failed"


@dataclass
class TableResult:
    """One table of a sync.

    Attributes:
        staged: Rows that were sent.
        rows: Rows that changed something.
        duplicates: Rows with an `id` that the warehouse has already.
        cast_to_null: Values that do not fit their column.
        cut: Texts that were cut to the longest that fits.
        error: Why it was not synced.
    """

    staged: int = 0
    rows: int = 0
    duplicates: int = 0
    cast_to_null: int = 0
    cut: int = 0
    error: str | None = None


@dataclass
class WarehouseResult:
    """One warehouse of a sync."""

    name: str
    tables: dict[str, TableResult] = field(default_factory=dict)
    error: str | None = None

    @property
    def rows(self) -> int:
        """Synced rows."""
        return sum(table.rows for table in self.tables.values())

    @property
    def odd_rows(self) -> dict[str, int]:
        """Rows with an `id` that the warehouse has already, and values that did not fit their column whole."""
        tables = self.tables.values()
        return {
            "duplicates": sum(table.duplicates for table in tables),
            "cast_to_null": sum(table.cast_to_null for table in tables),
            "cut": sum(table.cut for table in tables),
        }

    @property
    def status(self) -> str:
        """Success: all synced correctly, also when there was nothing; Failed: nothing did."""
        failed = [table for table in self.tables.values() if table.error]
        if not self.error and not failed:
            return SUCCESS
        return FAILED if len(failed) == len(self.tables) else PARTIAL
