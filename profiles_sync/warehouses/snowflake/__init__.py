"""Snowflake: rows as Parquet files through a stage of the session's own, all else by Snowflake's Python connector.

`settings` is what a settings file says, `capabilities` and `dialect` are names, types and SQL, `driver` opens a session
and reads its errors, `inline` and `files` carry rows, `lease` keeps another sync out, `connection` and `warehouse` are
the two halves of the protocol.
"""

from profiles_sync.warehouses.snowflake.settings import SnowflakeSettings
from profiles_sync.warehouses.snowflake.warehouse import SnowflakeWarehouse

__all__ = ["SnowflakeSettings", "SnowflakeWarehouse"]
