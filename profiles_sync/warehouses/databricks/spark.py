"""Databricks by the job's own Spark. No pyspark is imported here: the session is handed in."""

import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from profiles_sync.warehouses.base import Staged
from profiles_sync.warehouses.databricks.connection import DatabricksConnection
from profiles_sync.warehouses.databricks.dialect import DatabricksDialect
from profiles_sync.watching import tags

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

_SIZED = "__CHAR_VARCHAR_TYPE_STRING"  # where Spark keeps the type of a text with a length; to its own it is a string


class SparkConnection(DatabricksConnection):
    """See `protocol.Connection`. Volumes are folders to a job on Databricks."""

    def __init__(
        self,
        session: "SparkSession",
        dialect: DatabricksDialect,
        volume: str | None,
        schema: str,
        patience: float,
    ) -> None:
        super().__init__(dialect, volume, schema, patience)
        self._session = session

    def _rows(self, statement: str) -> Sequence[Sequence[Any]]:
        return [tuple(row) for row in tags.named(self._session).sql(statement).collect()]

    def columns(self, schema: str) -> dict[str, dict[str, str]]:
        """See `protocol.Connection`. A catalog other than Unity Catalog's has no tables that tell of tables."""
        catalog = self._session.catalog
        if catalog.tableExists(self.dialect.quote("information_schema", "columns")):
            return super().columns(schema)
        if not catalog.databaseExists(self.dialect.in_catalog(schema)):
            return {}
        listed = self._session.sql(f"SHOW TABLES IN {self.dialect.in_catalog(schema)}").where("not isTemporary")
        return {name: self._types(schema, name) for name in sorted(row["tableName"] for row in listed.collect())}

    def _types(self, schema: str, table: str) -> dict[str, str]:
        fields = self._session.table(self.dialect.quote(schema, table)).schema.fields
        return {field.name: field.metadata.get(_SIZED, field.dataType.simpleString()) for field in fields}

    def _put(self, path: str, contents: bytes) -> None:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        Path(path).write_bytes(contents)

    def _remove(self, path: str) -> None:
        Path(path).unlink(missing_ok=True)

    def _left(self, folder: str) -> Sequence[str]:
        return [str(path) for path in Path(folder).glob("*.parquet")]

    def _source(self, paths: Sequence[str], types: Mapping[str, str]) -> str:
        view = f"profiles_sync_{uuid.uuid4().hex}"
        listed = ", ".join(f"{self.dialect.quote(name)} {kind}" for name, kind in types.items())
        reader = self._session.read.schema(listed).option("datetimeRebaseMode", "CORRECTED")
        reader.parquet(*paths).createOrReplaceTempView(view)
        return self.dialect.quote(view)

    def unload(self, staged: Staged) -> None:
        """See `protocol.Connection`."""
        if staged.source:
            self._session.catalog.dropTempView(staged.source.strip("`"))
        super().unload(staged)
