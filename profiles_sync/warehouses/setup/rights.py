"""What a sync needs to be allowed, one by one."""

from collections.abc import Mapping
from enum import StrEnum


class Right(StrEnum):
    """A right, as a person calls it, in the order in which a sync comes to need it."""

    CONNECT = "connect"
    CREATE_SCHEMA = "create schema"
    CREATE_TABLE = "create table"
    ADD_COLUMN = "add column"
    LOAD_STAGING = "load staging"
    INSERT = "insert"
    UPDATE = "update"
    DELETE = "delete"
    DROP_STAGING = "drop staging"
    LOCK = "lock"


def spread(
    connect: str, create_schema: str, create_table: str, rows: str, staging: str | None = None
) -> Mapping[Right, str]:
    """What gives each right, where one grant gives several; staging tables are made like others, unless told."""
    return {
        Right.CONNECT: connect,
        Right.CREATE_SCHEMA: create_schema,
        Right.CREATE_TABLE: create_table,
        Right.ADD_COLUMN: create_table,
        Right.LOAD_STAGING: staging or create_table,
        Right.INSERT: rows,
        Right.UPDATE: rows,
        Right.DELETE: rows,
        Right.DROP_STAGING: staging or create_table,
        Right.LOCK: staging or create_table,
    }
