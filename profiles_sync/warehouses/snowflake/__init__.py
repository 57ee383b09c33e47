"""Snowflake: rows as Parquet files through a stage of the session's own, all else by Snowflake's Python connector.

`settings` is what a settings file says, `dialect` the SQL, `driver` what opens a session and reads its errors, `files`
the rows on their way, `lease` what keeps another sync out, `connection` and `warehouse` the two halves of the protocol.
"""

from profiles_sync.warehouses.snowflake.settings import SnowflakeSettings
from profiles_sync.warehouses.snowflake.warehouse import SnowflakeWarehouse

__all__ = ["SnowflakeSettings", "SnowflakeWarehouse"]
