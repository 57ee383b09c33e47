"""A space's lake as SQL, for notebooks: asked by the Spark session that is there, else by DuckDB in this process."""

import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from profiles_sync.errors import MissingExtra
from profiles_sync.lake.base import Lake
from profiles_sync.lake.catalog import CatalogLake
from profiles_sync.lake.opening import readable_lake_of
from profiles_sync.lake.tables import scan
from profiles_sync.session import active_session
from profiles_sync.settings import Settings, load

if TYPE_CHECKING:
    import pandas as pd
    from pyspark.sql import DataFrame, SparkSession


@dataclass(frozen=True)
class Explored:
    """A space to look at; nothing is written.

    Attributes:
        settings: The space's.
        lake: Its tables.
        spark: Who answers; None is DuckDB, which reads the tables of a query whole.
    """

    settings: Settings
    lake: Lake
    spark: "SparkSession | None"

    @cached_property
    def tables(self) -> list[str]:
        """The names that a query may use: those of the tables that a warehouse gets."""
        return self.lake.public_tables()

    def sql(self, query: str) -> "pd.DataFrame":
        """The rows that a query gives, in words that Spark and DuckDB both know.

        Times have no zone. DuckDB's are UTC, and so are its days; Spark's are those of its session's time zone.

        Raises:
            MissingExtra: There is no Spark session, and duckdb is not installed.
        """
        named = set(re.findall(r"\w+", query)).intersection(self.tables)
        return self._by_duckdb(query, named) if self.spark is None else self._by_spark(self.spark, query, named)

    def _by_spark(self, spark: "SparkSession", query: str, named: set[str]) -> "pd.DataFrame":
        for name in named:
            self._frame(spark, name).createOrReplaceTempView(name)
        try:
            return spark.sql(query).toPandas()
        finally:
            for name in named:
                spark.catalog.dropTempView(name)

    def _frame(self, spark: "SparkSession", name: str) -> "DataFrame":
        if isinstance(self.lake, CatalogLake):
            return spark.table(self.lake.named(name))
        return spark.read.format("delta").load(self.lake.path(name))

    def _by_duckdb(self, query: str, named: set[str]) -> "pd.DataFrame":
        with _duckdb().connect() as connection:
            for name in named:
                connection.register(name, self._rows(name))
            return connection.sql(query).to_arrow_table().to_pandas()

    def _rows(self, name: str) -> pa.Table:
        """A table without time zones, for which DuckDB would have to fetch an extension."""
        table = self.lake.open(name)
        assert table is not None, name
        rows = scan(table)
        kinds = [pa.timestamp("us") if pa.types.is_timestamp(one.type) else one.type for one in rows.schema]
        return rows.cast(pa.schema(list(zip(rows.column_names, kinds, strict=True))))


def explore(settings: str | Path) -> Explored:
    """Open the space of a settings file.

    Raises:
        SettingsError: The file is not what it should be.
        LakeError: The lake cannot be read.
    """
    loaded = load(Path(settings))
    return Explored(loaded, readable_lake_of(loaded), active_session())


def _duckdb() -> Any:  # noqa: ANN401 a module
    try:
        import duckdb
    except ImportError:
        raise MissingExtra(
            "there is no Spark session to ask, and duckdb is not installed; pip install 'profiles-sync[duckdb,local]'"
        ) from None
    return duckdb
