"""The folder of a bucket in which rows wait for COPY.

Source: Amazon Redshift documentation, "COPY from columnar data formats", "IAM permissions for COPY, UNLOAD, and CREATE
LIBRARY"; Amazon S3 documentation, "Actions, resources, and condition keys"; boto3 documentation, "Credentials".
"""

import re
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from functools import cached_property
from typing import Any

import pyarrow as pa

from profiles_sync.errors import ProfilesSyncError, WarehouseRefused, WarehouseUnreachable
from profiles_sync.warehouses.redshift.settings import RedshiftSettings
from profiles_sync.warehouses.setup.storage import bucket_right
from profiles_sync.warehouses.told import not_installed, not_reached

_ATTEMPTS, _CONNECT, _READ = 4, 10, 60
_ACTIONS = {"ListObjectsV2": "s3:ListBucket", "PutObject": "s3:PutObject", "DeleteObjects": "s3:DeleteObject"}
_NO_ROLE = re.compile(r"(?i)not attached|assume|credentials of role|default iam")
_DENIED = re.compile(r"(?i)access ?denied|status 403")
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
            self.empty()
        self._keys = []

    def empty(self) -> None:
        """Remove the same, or tell what is in the way."""
        self._remove(self._keys)
        self._keys = []

    def clear(self, only_look: bool = False) -> None:
        """Remove what a sync that was killed left there; who does not hold the lock of the schema only looks."""
        with self._telling():
            pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=f"{self._path}/")
            left = [one["Key"] for page in pages for one in page.get("Contents", ())]
            self._remove([] if only_look else left)

    def _remove(self, keys: list[str]) -> None:
        with self._telling():
            for first in range(0, len(keys), _AT_ONCE):
                some = [{"Key": key} for key in keys[first : first + _AT_ONCE]]
                told = self._client.delete_objects(Bucket=self._bucket, Delete={"Objects": some, "Quiet": True})
                if kept := told.get("Errors"):  # of single keys, in an answer that is no error
                    raise self._refused("DeleteObjects", kept[0].get("Code", "an error"))

    @contextmanager
    def read_by(self, role: str) -> Iterator[None]:
        """Where the cluster's role may not read the folder, the error says what it needs."""
        try:
            yield
        except WarehouseRefused as refused:
            grant = None
            if _NO_ROLE.search(str(refused)):
                roles = "--default-iam-role-arn ROLE_ARN" if role == "default" else f"--add-iam-roles {role}"
                grant = f"aws redshift modify-cluster-iam-roles --cluster-identifier CLUSTER {roles}"
            elif _DENIED.search(str(refused)):
                whom = "the cluster's default role" if role == "default" else role
                grant = f"{self._allowed('s3:ListBucket')} and {self._allowed('s3:GetObject')}, for {whom}"
            raise WarehouseRefused(str(refused), grant) from None

    def _allowed(self, action: str) -> str:
        role = self._settings.iam_role
        partition = "aws" if role == "default" else role.split(":")[1]
        return bucket_right(action, self._bucket, self._settings.s3_prefix, partition)

    @property
    def _where(self) -> str:
        return f"warehouse {self._warehouse}: the staging bucket {self._bucket}"

    def _refused(self, operation: str, code: str) -> WarehouseRefused:
        said = f"{self._where} refused {operation}: {code}; the sync lists, writes and deletes there"
        return WarehouseRefused(said, self._missing(operation, code))

    def _missing(self, operation: str, code: str) -> str:
        """What gives the right that an operation lacks; empty where it is no right that is missing."""
        if code == "NoSuchBucket":
            return f"aws s3 mb s3://{self._bucket}"
        if code != "AccessDenied":
            return ""
        return f"{self._allowed(_ACTIONS[operation])}, for the AWS identity that the sync runs as"

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

        where = self._where
        try:
            yield
        except ClientError as error:
            said = error.response.get("Error", {}).get("Code", "an error")
            if error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 500) < 500:
                raise self._refused(error.operation_name, said) from None
            raise WarehouseUnreachable(
                f"{where} failed: {said}; nothing was written, the next run tries again"
            ) from None
        except NoCredentialsError:
            raise WarehouseRefused(
                f"{where} cannot be written: no AWS credentials; set AWS_PROFILE, or a role for this machine"
            ) from None
        except BotoCoreError as error:
            raise not_reached(where, type(error).__name__) from None
