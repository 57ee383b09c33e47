"""What an admin runs in a warehouse before its first sync, as text; nothing here runs it.

Source: Segment, "Profiles Sync Setup", the required steps of each warehouse, and the pages that they link.
"""

import inspect
from collections.abc import Callable, Mapping, Sequence

from profiles_sync.errors import SettingsError
from profiles_sync.warehouses.setup import bigquery, databricks, duckdb, postgres, redshift, snowflake, synapse
from profiles_sync.warehouses.setup.rights import Right
from profiles_sync.warehouses.setup.script import Script

SCRIPTS: dict[str, Callable[..., Script]] = {
    "duckdb": duckdb.script,
    "postgres": postgres.script,
    "snowflake": snowflake.script,
    "bigquery": bigquery.script,
    "redshift": redshift.script,
    "synapse": synapse.script,
    "databricks": databricks.script,
}
GRANTS: dict[str, Callable[..., Mapping[Right, str]]] = {
    "duckdb": duckdb.grants,
    "postgres": postgres.grants,
    "snowflake": snowflake.grants,
    "bigquery": bigquery.grants,
    "redshift": redshift.grants,
    "synapse": synapse.grants,
    "databricks": databricks.grants,
}
_ALSO = {"azure": "synapse", "azure-synapse": "synapse", "azure_synapse": "synapse"}  # Segment calls it Azure
_FIELDS = {
    "username": "user",
    "client_id": "user",
    "database": "database",
    "project": "database",
    "catalog": "database",
    "schema": "schema",
    "warehouse": "warehouse",
    "role": "role",
    "location": "location",
    "path": "path",
    "s3_bucket": "s3_bucket",
    "s3_prefix": "s3_prefix",
    "storage_account": "storage_account",
    "storage_container": "storage_container",
}


def kind_of(word: str, kinds: Mapping[str, object]) -> str:
    """The kind of warehouse that a word names.

    Raises:
        SettingsError: It names none of `kinds`.
    """
    kind = _ALSO.get(word.lower(), word.lower())
    if kind not in kinds:
        raise SettingsError(f"no kind of warehouse {word!r}; expected one of {', '.join(kinds)}")
    return kind


def fields_of(warehouse: Mapping[str, object]) -> dict[str, str]:
    """What a warehouse's settings say about the names in its set-up."""
    return {_FIELDS[key]: value for key, value in warehouse.items() if key in _FIELDS and isinstance(value, str)}


def written(
    kind: str,
    scripts: Mapping[str, Callable[..., Script]],
    given: Mapping[str, object],
    known: Mapping[str, object],
    egress: Sequence[str] = (),
) -> Script:
    """The script of a kind.

    Args:
        kind: One of `scripts`.
        scripts: Kind to the function that writes its script; what that takes is what can be given.
        given: What somebody asked for by name, None where nobody did; refused where the kind has no such thing.
        known: What is known anyway; passed by where the kind has no such thing.
        egress: The addresses to allowlist.

    Raises:
        SettingsError: Something was given that the kind does not have, or a name that cannot be one.
    """
    takes = inspect.signature(scripts[kind]).parameters
    asked = {name: value for name, value in given.items() if value is not None}
    for name in asked:
        if name not in takes:
            raise SettingsError(f"--{name.replace('_', '-')}: {kind} has no such thing here, leave it out")
    chosen = {name: value for name, value in known.items() if name in takes} | asked
    return scripts[kind](**chosen, **({"egress": egress} if "egress" in takes else {}))


def grant_of(kind: str, right: Right, known: Mapping[str, object]) -> str:
    """What an admin runs to give a right; where the kind cannot say, what prints the whole set-up.

    Args:
        kind: A kind of warehouse, which may have no grants of its own here.
        right: What the sync lacks.
        known: What is known of the warehouse: user, database, schema and so on.
    """
    whole = f"what `profiles-sync warehouse setup-sql {kind}` prints" if kind in SCRIPTS else f"the right to {right}"
    grants = GRANTS.get(kind)
    if grants is None:
        return whole
    takes = inspect.signature(grants).parameters
    try:
        return grants(**{name: value for name, value in known.items() if name in takes})[right]
    except (SettingsError, TypeError):  # a built-in user, or a field that the settings leave out
        return whole
