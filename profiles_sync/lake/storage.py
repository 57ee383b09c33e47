"""The file system or object store that a lake is on."""

from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from typing import Any, TypeVar

import obstore
from deltalake import DeltaTable
from obstore.store import ObjectStore
from pyarrow import fs

from profiles_sync.lake.objects import filesystem_of

_FLAGS = ("allow_http", "allow_invalid_certificates", "randomize_addresses")
_CLIENT = (
    *_FLAGS,
    "connect_timeout",
    "pool_idle_timeout",
    "pool_max_idle_per_host",
    "proxy_ca_certificate",
    "proxy_excludes",
    "proxy_url",
    "root_certificate",
    "timeout",
    "user_agent",
)
#: What deltalake alone understands; of the clients here, each ends a process that hands it a word it does not know.
_OF_DELTALAKE = ("conditional_put", "copy_if_not_exists", "s3_allow_unsafe_rename", "s3_locking_provider")
_S3 = {
    "access_key_id": "access_key",
    "secret_access_key": "secret_key",
    "session_token": "session_token",
    "token": "session_token",
    "region": "region",
    "default_region": "region",
    "endpoint": "endpoint_override",
    "endpoint_url": "endpoint_override",
}
_AZURE = {
    "storage_account_name": "account_name",
    "account_name": "account_name",
    "storage_account_key": "account_key",
    "account_key": "account_key",
    "access_key": "account_key",
    "storage_sas_token": "sas_token",
    "storage_sas_key": "sas_token",
    "sas_token": "sas_token",
    "sas_key": "sas_token",
    "storage_client_id": "client_id",
    "client_id": "client_id",
    "storage_client_secret": "client_secret",
    "client_secret": "client_secret",
    "storage_tenant_id": "tenant_id",
    "tenant_id": "tenant_id",
}
_PREFIXES = ("aws_", "azure_", "google_")
#: Bucket or container to the options of the lake that is in it, in this process; a task gets its driver's.
_in_use: dict[str, dict[str, str]] = {}


def storage_of(uri: str, options: Mapping[str, str] | None = None) -> tuple[fs.FileSystem, str]:
    """The file system under a path or URL, and the path there.

    Args:
        uri: A path or URL.
        options: As the settings' `storage` has them, in deltalake's words. What they leave out is found as the store's
            clients find it, in the environment for one.
    """
    scheme, is_url, path = uri.partition("://")
    if not is_url:
        return fs.LocalFileSystem(), uri.rstrip("/")
    if options and scheme == "s3":
        return fs.S3FileSystem(**_s3(options)), path.rstrip("/")
    if options and scheme in ("abfs", "abfss"):
        return _azure(options, path.rstrip("/"))
    if options and scheme in ("gs", "gcs"):
        bucket, _, below = path.partition("/")
        return filesystem_of(object_store(f"gs://{bucket}", options)), below.rstrip("/")
    filesystem, root = fs.FileSystem.from_uri(uri)
    return filesystem, root.rstrip("/")


def use(url: str, options: Mapping[str, str]) -> None:
    """What is in the same bucket or container as the lake is opened with the lake's options, from now on."""
    if "://" in url:
        _in_use[_bucket(url)] = dict(options)


def options_for(url: str) -> dict[str, str]:
    """The options for a path or URL; none for what is in no lake's bucket."""
    return _in_use.get(_bucket(url), {})


Rows = TypeVar("Rows")


def in_tasks(run: Callable[[Iterator[Rows]], Iterator[Rows]]) -> Callable[[Iterator[Rows]], Iterator[Rows]]:
    """What Spark's tasks do, with the options that are in use here; their process has only its own environment."""
    mine = dict(_in_use)

    def carried(batches: Iterator[Rows]) -> Iterator[Rows]:
        from profiles_sync.lake import storage

        for bucket, options in mine.items():
            storage.use(bucket, options)
        yield from run(batches)

    return carried


def _bucket(url: str) -> str:
    scheme, is_url, rest = url.partition("://")
    return f"{scheme}://{rest.partition('/')[0]}" if is_url else ""


def of_table(table: DeltaTable, below: str = "") -> tuple[fs.FileSystem, str]:
    """The same for a folder of a table that was opened with some options."""
    return storage_of(f"{table.table_uri.rstrip('/')}/{below}", table._storage_options)


def _s3(options: Mapping[str, str]) -> dict[str, str]:
    """In pyarrow's words."""
    given = {_bare(name.lower()): value for name, value in options.items()}
    found = {theirs: given[ours] for ours, theirs in _S3.items() if ours in given}
    if "endpoint_override" in found:
        scheme, is_url, host = found["endpoint_override"].partition("://")
        found |= {"endpoint_override": host, "scheme": scheme} if is_url else {}
    return found


def _azure(options: Mapping[str, str], place: str) -> tuple[fs.FileSystem, str]:
    """By an account's key, a shared access signature, or an application; `place` is all behind the scheme."""
    given = {_bare(name.lower()): value for name, value in options.items()}
    found = {theirs: given[ours] for ours, theirs in _AZURE.items() if ours in given}
    host, _, path = place.partition("/")
    container, is_with_account, account = host.rpartition("@")
    if is_with_account:
        found = {"account_name": account.partition(".")[0], **found}
    return fs.AzureFileSystem(**found), f"{container if is_with_account else host}/{path}".rstrip("/")


def object_store(url: str, options: Mapping[str, str], patience: timedelta | None = None) -> ObjectStore:
    """A client of an object store, for conditional writes.

    Args:
        url: Of the folder that its paths start from.
        options: As the settings' `storage` has them, in deltalake's words.
        patience: How long one call may be retried; else as long as the client likes.
    """
    config, client, retry = dict[str, str](), dict[str, Any](), dict[str, Any]()
    for name, value in options.items():
        bare = _bare(name.lower())
        if bare in _CLIENT:
            client[bare] = value.lower() == "true" if bare in _FLAGS else value
        elif bare == "max_retries":
            retry[bare] = int(value)
        elif bare not in _OF_DELTALAKE and not bare.startswith(("retry_", "backoff_config")):
            config[name] = value
    if patience is not None:
        retry = {"max_retries": 3, **retry, "retry_timeout": patience}
    given = {"config": config, "client_options": client or None, "retry_config": retry or None}
    return obstore.store.from_url(url, **given)  # type: ignore[call-overload, no-any-return]


def _bare(name: str) -> str:
    for prefix in _PREFIXES:
        name = name.removeprefix(prefix)
    return name
