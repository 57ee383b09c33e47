"""The folder of a bucket in which rows wait for COPY.

Source: Amazon Redshift documentation, "COPY from columnar data formats"; boto3 documentation, "Credentials".
"""

import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from functools import cached_property
from typing import Any

import pyarrow as pa

from profiles_sync.errors import ProfilesSyncError, WarehouseRefused, WarehouseUnreachable
from profiles_sync.warehouses.redshift.settings import RedshiftSettings
from profiles_sync.warehouses.told import not_installed, not_reached

_ATTEMPTS, _CONNECT, _READ = 4, 10, 60
_AT_ONCE = 1000  # keys that S3 deletes in one request


class Folder:
    """A folder of the staging bucket that belongs to one schema of one cluster."""

    def __init__(self, warehouse: str, settings: RedshiftSettings, schema: str) -> None:
        self._warehouse, self._settings = warehouse, settings
        parts = settings.s3_prefix.strip("/"), settings.host, settings.database, schema
        self._path, self._bucket = "/".join(part for part in parts if part), settings.s3_bucket
        self._keys: list[str] = []

    def put(self, files: Iterable[tuple[pa.Buffer, int]]) -> tuple[str, int]:
        """Put files into a folder of their own, for COPY to read: its URL, and how many rows they have."""
        inner, rows = f"{self._path}/{uuid.uuid4()}", 0
        for number, (content, held) in enumerate(files):
            self._keys.append(f"{inner}/{number:05}.parquet")
            with self._telling():
                self._client.put_object(Bucket=self._bucket, Key=self._keys[-1], Body=content.to_pybytes())
            rows += held
        return f"s3://{self._bucket}/{inner}/", rows

    def remove(self) -> None:
        """Remove all that was put there; what is left is removed by the next sync."""
        with suppress(ProfilesSyncError):
            self._remove(self._keys)
        self._keys = []

    def clear(self) -> None:
        """Remove what a sync that was killed left there; only who holds the lock of the schema may."""
        with self._telling():
            pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=f"{self._path}/")
            self._remove([one["Key"] for page in pages for one in page.get("Contents", ())])

    def _remove(self, keys: list[str]) -> None:
        with self._telling():
            for first in range(0, len(keys), _AT_ONCE):
                some = [{"Key": key} for key in keys[first : first + _AT_ONCE]]
                self._client.delete_objects(Bucket=self._bucket, Delete={"Objects": some, "Quiet": True})

    @cached_property
    def _client(self) -> Any:  # noqa: ANN401 boto3 makes its classes while it runs
        try:
            import boto3
            from botocore.config import Config
        except ImportError:
            raise not_installed(self._warehouse, "boto3", "redshift") from None
        retries = {"max_attempts": _ATTEMPTS, "mode": "standard"}
        patience = Config(connect_timeout=_CONNECT, read_timeout=_READ, retries=retries)
        return boto3.client("s3", region_name=self._settings.s3_region, config=patience)

    @contextmanager
    def _telling(self) -> Iterator[None]:
        from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError

        where = f"warehouse {self._warehouse}: the staging bucket {self._bucket}"
        try:
            yield
        except ClientError as error:
            said = error.response.get("Error", {}).get("Code", "an error")
            if error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 500) < 500:
                raise WarehouseRefused(
                    f"{where} refused {error.operation_name}: {said}; the sync lists, reads, writes and deletes there"
                ) from None
            raise WarehouseUnreachable(
                f"{where} failed: {said}; nothing was written, the next run tries again"
            ) from None
        except NoCredentialsError:
            raise WarehouseRefused(
                f"{where} cannot be written: no AWS credentials; set AWS_PROFILE, or a role for this machine"
            ) from None
        except BotoCoreError as error:
            raise not_reached(where, type(error).__name__) from None
