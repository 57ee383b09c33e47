"""The folder of a storage account in which rows wait for COPY INTO.

Source: Microsoft documentation, "COPY INTO (Transact-SQL)", "Securely load data using Synapse SQL", "Azure built-in
roles for Storage"; obstore documentation, "AzureStore".
"""

import re
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from typing import Any

import pyarrow as pa

from profiles_sync.errors import ProfilesSyncError, WarehouseRefused
from profiles_sync.warehouses.setup import storage
from profiles_sync.warehouses.synapse.settings import SynapseSettings
from profiles_sync.warehouses.told import not_installed, not_reached

_DENIED = re.compile(r"(?i)not authorized|access (is |was )?denied|permission|forbidden|managed service identity")
_PATIENCE: Any = {"connect_timeout": "10s", "timeout": "120s"}
_RETRIES: Any = {"max_retries": 4, "retry_timeout": timedelta(seconds=120)}


def opened(warehouse: str, settings: SynapseSettings) -> Any:  # noqa: ANN401 a store of obstore's
    """The container, with the credentials that the usual Azure chain finds."""
    from obstore.store import AzureStore

    try:
        from obstore.auth.azure import AzureCredentialProvider

        found = AzureCredentialProvider()
    except ImportError:
        raise not_installed(warehouse, "azure-identity", "synapse") from None
    return AzureStore(
        container_name=settings.storage_container,
        account_name=settings.storage_account,
        credential_provider=found,
        client_options=_PATIENCE,
        retry_config=_RETRIES,
    )


class Folder:
    """A folder of the container that belongs to one schema of one pool."""

    def __init__(self, warehouse: str, settings: SynapseSettings, schema: str) -> None:
        self._warehouse, self._settings = warehouse, settings
        parts = settings.storage_prefix.strip("/"), settings.server, settings.database, schema
        self._path = "/".join(part for part in parts if part)
        self._keys: list[str] = []
        self._found: Any = None

    def put(self, files: Iterable[tuple[pa.Buffer, int]]) -> tuple[str, int]:
        """Put files into a folder of their own, for COPY INTO to read: its URL, and how many rows they have."""
        inner, rows = f"{self._path}/{uuid.uuid4()}", 0
        for number, (content, held) in enumerate(files):
            self._keys.append(f"{inner}/{number:05}.parquet")
            with self._telling("put"):
                self._store.put(self._keys[-1], content.to_pybytes())
            rows += held
        account, container = self._settings.storage_account, self._settings.storage_container
        return f"https://{account}.dfs.core.windows.net/{container}/{inner}/*.parquet", rows

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
        with self._telling("list"):
            found = [one["path"] for some in self._store.list(prefix=self._path) for one in some]
        self._remove([] if only_look else [path for path in found if path.startswith(f"{self._path}/")])

    def _remove(self, keys: list[str]) -> None:
        if keys:
            with self._telling("delete"):
                self._store.delete(keys)

    @contextmanager
    def read_by_the_pool(self) -> Iterator[None]:
        """Where the pool may not read the folder, the error says what it needs."""
        try:
            yield
        except WarehouseRefused as refused:
            role = self._role(storage.READER, storage.POOL)
            raise WarehouseRefused(str(refused), role if _DENIED.search(str(refused)) else None) from None

    def _role(self, role: str, whom: str) -> str:
        return storage.container_role(role, whom, self._settings.storage_account, self._settings.storage_container)

    @property
    def _store(self) -> Any:  # noqa: ANN401 a store of obstore's
        self._found = self._found or opened(self._warehouse, self._settings)
        return self._found

    @contextmanager
    def _telling(self, what: str) -> Iterator[None]:
        from obstore.exceptions import BaseError, NotFoundError, PermissionDeniedError, UnauthenticatedError

        where = f"warehouse {self._warehouse}: the staging container {self._settings.storage_container}"
        try:
            yield
        except NotFoundError:
            raise WarehouseRefused(
                f"{where} refused {what}: not found; see storage_account and storage_container",
                storage.container(self._settings.storage_account, self._settings.storage_container),
            ) from None
        except (PermissionDeniedError, UnauthenticatedError) as error:
            said = f"{type(error).__name__}; access denied: the sync lists, writes and deletes there"
            raise WarehouseRefused(
                f"{where} refused {what}: {said}",
                self._role(storage.CONTRIBUTOR, storage.SYNC),
            ) from None
        except (BaseError, OSError) as error:
            raise not_reached(where, type(error).__name__) from None
