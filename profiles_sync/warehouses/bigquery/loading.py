"""A batch's rows into a staging table, by a load job of a Parquet file."""

import hashlib
import secrets
import tempfile
from collections.abc import Collection, Mapping
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import IO, TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq

from profiles_sync.spec.tables import Type
from profiles_sync.warehouses.base import INTERNAL, OPERATION, Batch, Staged
from profiles_sync.warehouses.bigquery.client import Calls
from profiles_sync.warehouses.bigquery.dialect import CAPABILITIES
from profiles_sync.warehouses.bigquery.labels import PRODUCT, where
from profiles_sync.warehouses.rows import renamed

if TYPE_CHECKING:
    from google.cloud import bigquery

_KEPT = timedelta(days=1)  # BigQuery removes a staging table that a killed sync left
_TRIES = 3  # of an upload


class Loads:
    """The load jobs of a connection. They run side by side until somebody wants what they load.

    A job goes on where the process is killed that sent it. So staging tables are called otherwise by each connection,
    and a job makes no table: one that comes late finds none, for the next sync has cleared what was left.
    """

    def __init__(self, calls: Calls) -> None:
        self._calls = calls
        self._run, self._numbers, self._schema = secrets.token_hex(8), count(), _digest("")
        self._running: list[bigquery.LoadJob] = []

    def begin(self, batch: Batch, staging: str, names: Mapping[str, str]) -> Staged:
        """Upload the rows; see `protocol.Connection.load`."""
        staging = f"{staging[:-1]}__{self._schema}_{self._run}{staging[-1]}"
        table = self._table(staging)
        rows = renamed(batch.arrow(), names)
        kinds = kinds_of(batch, names, rows.schema.names)
        self._make(table, kinds, batch.table.name)
        with tempfile.TemporaryFile() as file:
            written = _written(rows, file)
            if written:
                self._running.append(self._upload(file, table, kinds, batch.table.name))
        return Staged(staging, written)

    def settle(self) -> None:
        """Wait until every row is there."""
        while self._running:
            self._running.pop().result(retry=self._calls.retry)

    def remove(self, staging: str) -> None:
        """The staging table, and what is on its way there."""
        self.settle()
        self._calls.client.delete_table(self._table(staging), not_found_ok=True, **self._calls.bounds)

    def clear(self, schema: str) -> None:
        """Remove the staging tables that syncs of a schema left that were killed; no other sync may be under way."""
        from google.cloud import bigquery

        self._schema = _digest(schema)
        dataset = bigquery.DatasetReference(self._calls.settings.project, INTERNAL)
        for table in self._calls.client.list_tables(dataset, **self._calls.bounds):
            if table.table_id.rpartition("_")[0].endswith(f"__{self._schema}"):
                self._calls.client.delete_table(table.reference, not_found_ok=True, **self._calls.bounds)

    def _table(self, staging: str) -> "bigquery.TableReference":
        from google.cloud import bigquery

        dataset, table = staging.replace("`", "").split(".")
        return bigquery.DatasetReference(self._calls.settings.project, dataset).table(table)

    def _make(self, reference: "bigquery.TableReference", kinds: Mapping[str, str], name: str) -> None:
        from google.cloud import bigquery

        table = bigquery.Table(reference, schema=_fields(kinds))
        table.expires = datetime.now(UTC) + _KEPT
        table.labels = self._calls.labels(table=name)
        self._calls.client.delete_table(reference, not_found_ok=True, **self._calls.bounds)
        self._calls.client.create_table(table, exists_ok=True, **self._calls.bounds)

    def _upload(
        self, file: IO[bytes], table: "bigquery.TableReference", kinds: Mapping[str, str], name: str
    ) -> "bigquery.LoadJob":
        """The job has a name of ours: where the answer to it was lost, it is found by that and not sent twice."""
        from google.api_core.exceptions import Conflict
        from google.cloud import bigquery

        config = bigquery.LoadJobConfig(
            source_format=bigquery.SourceFormat.PARQUET,
            schema=_fields(kinds),
            create_disposition=bigquery.CreateDisposition.CREATE_NEVER,
            write_disposition=bigquery.WriteDisposition.WRITE_TRUNCATE,
            labels=self._calls.labels(**where() | {"table": name}),
        )
        client, job_id = self._calls.client, f"{PRODUCT}_{self._run}_{next(self._numbers)}"
        told = {"num_retries": _TRIES, "timeout": self._calls.settings.timeout}
        try:
            return client.load_table_from_file(file, table, rewind=True, job_config=config, job_id=job_id, **told)
        except Conflict:
            return client.get_job(job_id, location=self._calls.settings.location, **self._calls.bounds)


def _digest(schema: str) -> str:
    return hashlib.sha1(schema.encode(), usedforsecurity=False).hexdigest()[:8]


def kinds_of(batch: Batch, names: Mapping[str, str], staged: Collection[str]) -> dict[str, str]:
    """Column to type of a batch's staging table; `staged` are its columns."""
    kinds = {names[column]: CAPABILITIES.types[Type(kind)] for column, kind in batch.types.items()}
    return kinds | ({OPERATION: CAPABILITIES.types[Type.STRING]} if OPERATION in staged else {})


def _fields(kinds: Mapping[str, str]) -> "list[bigquery.SchemaField]":
    from google.cloud import bigquery

    return [bigquery.SchemaField(column, kind) for column, kind in kinds.items()]


def _written(rows: pa.RecordBatchReader, file: IO[bytes]) -> int:
    """How many rows there are."""
    count = 0
    with pq.ParquetWriter(file, rows.schema, compression="zstd") as writer:
        for batch in rows:
            writer.write_batch(batch)
            count += batch.num_rows
    return count
