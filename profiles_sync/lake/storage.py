"""The file system or object store that a lake is on."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import obstore
from deltalake import DeltaTable
from obstore.store import ObjectStore
from pyarrow import fs

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
_PREFIXES = ("aws_", "azure_", "google_")


def storage_of(uri: str, options: Mapping[str, str] | None = None) -> tuple[fs.FileSystem, str]:
    """The file system under a path or URL, and the path there.

    Args:
        uri: A path or URL.
        options: As the settings' `storage` has them, in deltalake's words. S3's count; what they leave out, and all of
            another store, is found as its clients find it, in the environment for one.
    """
    scheme, is_url, path = uri.partition("://")
    if not is_url:
        return fs.LocalFileSystem(), uri.rstrip("/")
    if options and scheme == "s3":
        return fs.S3FileSystem(**_s3(options)), path.rstrip("/")
    filesystem, root = fs.FileSystem.from_uri(uri)
    return filesystem, root.rstrip("/")


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
