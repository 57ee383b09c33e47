"""Databricks: tables of Unity Catalog, by the job's own Spark or by a SQL warehouse.

Both ways run the same statements on rows that lie in Parquet files of a volume. A Delta table takes one statement at a
time and no more, so every statement here can be repeated, and the record of a sync is one statement.
Source: Segment, "Databricks for Profiles Sync"; Databricks documentation, "MERGE INTO", "Names", "Isolation levels and
write conflicts on Databricks", "read_files table-valued function".
"""

from profiles_sync.warehouses.databricks.dialect import CAPABILITIES, DatabricksDialect
from profiles_sync.warehouses.databricks.settings import DatabricksSettings
from profiles_sync.warehouses.databricks.warehouse import DatabricksWarehouse

__all__ = ["CAPABILITIES", "DatabricksDialect", "DatabricksSettings", "DatabricksWarehouse"]
