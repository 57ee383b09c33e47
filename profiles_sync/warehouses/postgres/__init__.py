"""Postgres 15 and newer.

Rows and statements go over one ADBC connection: rows by COPY into a temporary table, which leaves nothing behind when
the sync is killed, and is applied in the transaction that made it. Source: PostgreSQL documentation, "SQL Key Words",
"System Columns", "Error Codes", "Advisory Locks", "Database Connection Control Functions".
"""

from profiles_sync.warehouses.postgres.connection import PostgresConnection
from profiles_sync.warehouses.postgres.dialect import CAPABILITIES, DIALECT
from profiles_sync.warehouses.postgres.settings import PostgresSettings
from profiles_sync.warehouses.postgres.warehouse import PostgresWarehouse

__all__ = ["CAPABILITIES", "DIALECT", "PostgresConnection", "PostgresSettings", "PostgresWarehouse"]
