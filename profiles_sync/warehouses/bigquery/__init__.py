"""BigQuery: datasets of a project.

Rows go in by load jobs of Parquet files, statements as query jobs; those of a transaction share a session. Nothing is
streamed. Source: Google Cloud documentation, "Multi-statement transactions", "Work with sessions", "Data manipulation
language", "Loading Parquet data", "Introduction to partitioned tables", "Quotas and limits"; Segment, "BigQuery
Destination".
"""

from profiles_sync.warehouses.bigquery.connection import BigQueryConnection
from profiles_sync.warehouses.bigquery.dialect import CAPABILITIES, BigQueryDialect
from profiles_sync.warehouses.bigquery.settings import BigQuerySettings
from profiles_sync.warehouses.bigquery.warehouse import BigQueryWarehouse

__all__ = ["CAPABILITIES", "BigQueryConnection", "BigQueryDialect", "BigQuerySettings", "BigQueryWarehouse"]
