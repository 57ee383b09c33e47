"""The servers that the Data Graph's tests share with those of warehouses."""

from tests.warehouses.conftest import bigquery_server, snowflake_server

__all__ = ["bigquery_server", "snowflake_server"]
