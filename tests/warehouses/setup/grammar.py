"""What the tests know of each dialect: sqlfluff's grammar, and rules for what sqlfluff lets through."""

import re
from functools import cache

from sqlfluff.core import FluffConfig, Linter

DIALECTS = {
    "postgres": "postgres",
    "redshift": "redshift",
    "snowflake": "snowflake",
    "bigquery": "bigquery",
    "synapse": "tsql",
    "databricks": "databricks",
}
# Valid statements that sqlfluff does not know, as the engine's documentation gives them.
UNKNOWN = {
    "redshift": (r'ALTER DEFAULT PRIVILEGES FOR USER "\w+" IN SCHEMA "\w+" GRANT SELECT ON TABLES TO ROLE "\w+"',),
    "bigquery": (
        r"GRANT `roles/bigquery\.\w+` ON (SCHEMA `[\w-]+`\.`\w+`|TABLE `[\w-]+`\.`\w+`\.`\w+`) "
        r'TO "serviceAccount:[^"]+"',
    ),
}
_ANY_TABLE = {"SELECT", "INSERT", "UPDATE", "DELETE"}
_READABLE = ("TABLES", "VIEWS", "EXTERNAL TABLES", "MATERIALIZED VIEWS")
# The rights that each engine grants on each kind of thing; sqlfluff takes any word.
RIGHTS = {
    "postgres": {
        "DATABASE": {"CONNECT", "CREATE", "TEMPORARY"},
        "SCHEMA": {"USAGE", "CREATE"},
        "ALL TABLES IN SCHEMA": {"ALL PRIVILEGES"},
    },
    "redshift": {
        "DATABASE": {"CREATE", "TEMPORARY"},
        "SCHEMA": {"USAGE", "CREATE", "DROP"},
        "ALL TABLES IN SCHEMA": {*_ANY_TABLE, "DROP", "ALL PRIVILEGES"},
        "TABLE": {*_ANY_TABLE, "DROP"},
    },
    "snowflake": {
        "WAREHOUSE": {"USAGE"},
        "DATABASE": {"USAGE", "CREATE SCHEMA"},
        "SCHEMA": {"USAGE", "CREATE TABLE", "ALL PRIVILEGES"},
        "TABLE": {"SELECT"},
        "ALL SCHEMAS IN DATABASE": {"USAGE"},
        "FUTURE SCHEMAS IN DATABASE": {"USAGE"},
        **{
            f"{which} {kind} IN {place}": {*_ANY_TABLE, "ALL PRIVILEGES"} if kind == "TABLES" else {"SELECT"}
            for which in ("ALL", "FUTURE")
            for kind in _READABLE
            for place in ("SCHEMA", "DATABASE")
        },
    },
    "synapse": {"DATABASE::": {"CONTROL"}},
    "databricks": {
        "CATALOG": {
            *("USE CATALOG", "USE SCHEMA", "SELECT", "MODIFY", "CREATE SCHEMA", "CREATE TABLE"),
            *("CREATE VOLUME", "READ VOLUME", "WRITE VOLUME"),
        },
        "SCHEMA": {"USE SCHEMA", "SELECT", "ALL PRIVILEGES"},
        "TABLE": {"SELECT"},
    },
}
_TO = {
    "postgres": r'TO "',
    "redshift": r'TO (ROLE )?"',
    "snowflake": r'TO ROLE "',
    "synapse": r"TO \[",
    "databricks": "TO `",
}
_GRANT = re.compile(r"GRANT ([A-Z, ]+?) ON ([A-Z: ]+?) ?[\"\[`].* (TO .*)", re.S)


@cache
def _linter(dialect):
    return Linter(config=FluffConfig(overrides={"dialect": dialect}))


def parses(kind, statement):
    parsed = _linter(DIALECTS[kind]).parse_string(f"{statement};")
    return not parsed.violations and parsed.tree is not None and "unparsable" not in parsed.tree.type_set()


def problems(kind, statement):
    """What is wrong with a statement of a kind, as far as anybody here can say."""
    known = any(re.fullmatch(pattern, statement) for pattern in UNKNOWN.get(kind, ()))
    if known and parses(kind, statement):
        yield "sqlfluff knows it now: take it out of UNKNOWN"
    if not known and not parses(kind, statement):
        yield "no grammar"
    if kind != "bigquery" and (grant := _GRANT.fullmatch(statement)):
        yield from _bad_grant(kind, *grant.groups())
    if kind == "bigquery" and re.search(r"CREATE DATABASE|DELETE FROM \S+$", statement):
        yield "not in BigQuery"


def _bad_grant(kind, rights, place, to):
    unknown = set(rights.split(", ")) - RIGHTS[kind].get(place, set())
    if unknown:
        yield f"no right {unknown} on {place}"
    if not re.match(_TO[kind], to):
        yield f"not to whom rights are given: {to}"
