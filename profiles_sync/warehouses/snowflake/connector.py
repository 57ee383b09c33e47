"""Rows by Snowflake's connector for Spark: `load: connector`.

The executors write files to a stage that the connector makes, and its own session loads them into our staging table.
Source: Snowflake documentation, "Using the Spark connector"; snowflakedb/spark-snowflake, `Parameters.scala`,
`StageWriter.scala` and `Conversions.scala` of version 3.0.0.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from profiles_sync.errors import WarehouseRefused
from profiles_sync.spec.tables import Type
from profiles_sync.warehouses.base import INTERNAL, OPERATION, Batch, Staged
from profiles_sync.warehouses.frames import carried, framed
from profiles_sync.warehouses.snowflake.capabilities import CAPABILITIES, folded
from profiles_sync.warehouses.snowflake.connection import SnowflakeConnection
from profiles_sync.warehouses.snowflake.dialect import DIALECT
from profiles_sync.warehouses.snowflake.settings import SnowflakeSettings

JAR = "net.snowflake:spark-snowflake_2.12:3.0.0"
_FORMAT = "net.snowflake.spark.snowflake"
_NAIVE = CAPABILITIES.types[Type.TIMESTAMP]
# The connector writes a time with the offset of its JVM's zone; a time without a zone would lose that.
_INSTANT = "TIMESTAMP_LTZ"


class CarriedConnection(SnowflakeConnection):
    """A session whose rows Spark carries; everything else it does itself.

    Args:
        session: That of Spark.
        settings: The connection fields.
        given: See `SnowflakeConnection`.
    """

    def __init__(self, session: Any, settings: SnowflakeSettings, *given: Any) -> None:  # noqa: ANN401 a SparkSession
        super().__init__(*given)
        self._spark, self._settings, self._tables = session, settings, dict[str, str]()

    def load(self, batch: Batch, staging: str, names: Mapping[str, str]) -> Staged:
        """See `protocol.Connection`. The table is made here, so that its types are ours."""
        kinds = {names[column]: CAPABILITIES.staged[Type(kept)] for column, kept in batch.types.items()}
        rows = framed(batch, self._spark, {column: folded(name) for column, name in names.items()})
        if OPERATION.upper() in rows.columns or OPERATION in rows.columns:
            rows, kinds = rows.withColumnRenamed(OPERATION, folded(OPERATION)), kinds | {OPERATION: "VARCHAR"}
        staging = self.own_staging(staging)
        self.execute(*DIALECT.create_staging(staging, {name: _written(kind) for name, kind in kinds.items()}))
        with carried("snowflake", JAR):
            writer = rows.write.format(_FORMAT).mode("append").options(**options(self._settings))
            writer.option("dbtable", staging).save()
        ((count,),) = self.query(f"SELECT count(*) FROM {staging}")
        source = read_as(kinds, staging)
        self._tables[source] = staging
        return Staged(source, int(count))

    def unload(self, staged: Staged) -> None:
        """See `protocol.Connection`."""
        if table := self._tables.pop(staged.source, None):
            self.execute(*DIALECT.drop_staging(table))


def _written(kind: str) -> str:
    return _INSTANT if kind == _NAIVE else kind


def read_as(kinds: Mapping[str, str], staging: str) -> str:
    """What stands behind FROM: times without a zone, in that of the session, which is UTC."""
    columns = {DIALECT.quote(name): kind for name, kind in kinds.items()}
    listed = (f"CAST({name} AS {_NAIVE}) AS {name}" if kind == _NAIVE else name for name, kind in columns.items())
    return f"(SELECT {', '.join(listed)} FROM {staging})"


def options(settings: SnowflakeSettings) -> dict[str, str]:
    """What the connector is told; passwords and keys are among it, see `frames.session_for`.

    Raises:
        WarehouseRefused: The private key cannot be read.
    """
    host = settings.host or f"{settings.account}.snowflakecomputing.com"
    given: dict[str, str | None] = {
        "sfURL": f"{host}:{settings.port}",
        "sfAccount": settings.account,
        "sfUser": settings.username,
        "sfPassword": settings.password.get_secret_value() if settings.password else None,
        "pem_private_key": None if settings.password else _key(settings),
        "sfDatabase": settings.database,
        "sfSchema": folded(INTERNAL),
        "sfWarehouse": settings.warehouse,
        "sfRole": settings.role,
        "sfSSL": "off" if settings.protocol == "http" else "on",
        "sfTimezone": "UTC",
        "column_mapping": "name",
        "keep_column_case": "on",
        "usestagingtable": "off",
        "truncate_columns": "on",
    }
    return {name: value for name, value in given.items() if value is not None}


def _key(settings: SnowflakeSettings) -> str:
    """The key as the connector takes it: PKCS #8 without a passphrase, its lines joined, no first and last one."""
    from cryptography.hazmat.primitives import serialization as form

    phrase = settings.private_key_passphrase and settings.private_key_passphrase.get_secret_value().encode()
    try:
        key = form.load_pem_private_key(Path(str(settings.private_key_path)).read_bytes(), phrase or None)
    except (OSError, ValueError, TypeError) as error:
        raise WarehouseRefused(
            f"the key at {settings.private_key_path} cannot be read: {type(error).__name__}; see private_key_path and "
            "private_key_passphrase"
        ) from None
    made = key.private_bytes(form.Encoding.PEM, form.PrivateFormat.PKCS8, form.NoEncryption()).decode()
    return "".join(made.splitlines()[1:-1])
