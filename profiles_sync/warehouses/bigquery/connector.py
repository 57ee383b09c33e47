"""Rows by Spark's BigQuery connector: `load: connector`.

Its streams of the Storage Write API are committed together when every task is done (`direct`), or it writes files to a
bucket that one load job takes up (`indirect`). Source: the README of GoogleCloudDataproc/spark-bigquery-connector;
Google Cloud documentation, "Introduction to the BigQuery Storage Write API".
"""

import secrets
from collections.abc import Mapping
from typing import Any

from profiles_sync.warehouses.base import Batch, Staged
from profiles_sync.warehouses.bigquery.client import Calls
from profiles_sync.warehouses.bigquery.labels import labels_of, where
from profiles_sync.warehouses.bigquery.loading import Loads, kinds_of
from profiles_sync.warehouses.bigquery.settings import BigQuerySettings
from profiles_sync.warehouses.frames import carried, framed

JAR = "com.google.cloud.spark:spark-3.5-bigquery:0.42.1"


class Carried(Loads):
    """Loads by Spark, one after the other: each takes the whole session."""

    def __init__(self, calls: Calls, session: Any) -> None:  # noqa: ANN401 a SparkSession
        super().__init__(calls)
        self._session = session

    def begin(self, batch: Batch, staging: str, names: Mapping[str, str]) -> Staged:
        """See `Loads`. No table had this name before: streams may not find one that was made anew for minutes."""
        fresh = f"{staging[:-1]}__{self._schema}_{secrets.token_hex(8)}`"
        table = self._table(fresh)
        rows = framed(batch, self._session, names)
        self._make(table, kinds_of(batch, names, rows.columns), batch.table.name)
        with carried("bigquery", JAR):
            writer = rows.write.format("bigquery").mode("append")
            writer = writer.options(**options(self._calls.settings, batch.table.name))
            writer.save(f"{table.project}.{table.dataset_id}.{table.table_id}")
        ((count,),) = self._calls.rows(f"SELECT count(*) FROM {fresh}")
        return Staged(fresh, int(count))


def options(settings: BigQuerySettings, name: str) -> dict[str, str]:
    """What the connector is told.

    Args:
        settings: The connection fields. The path of a key has to be there on each executor.
        name: Of the lake's table, for labels.
    """
    given = {
        "writeMethod": settings.write_method,
        "parentProject": settings.project,
        "temporaryGcsBucket": settings.temporary_bucket,
        "credentialsFile": settings.credentials,
        "gcpAccessToken": "anonymous" if settings.is_anonymous else None,
        "bigQueryHttpEndpoint": settings.endpoint,
        "bigQueryStorageGrpcEndpoint": settings.storage_endpoint,
        "location": settings.location,
        "httpConnectTimeout": str(1000 * settings.timeout),
        "httpReadTimeout": str(1000 * settings.timeout),
    }
    labels = labels_of(settings.labels, **where() | {"table": name})
    return {key: value for key, value in given.items() if value is not None} | {
        f"bigQueryJobLabel.{key}": value for key, value in labels.items()
    }
