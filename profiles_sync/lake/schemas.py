"""Logical types as a Delta table's log has them.

Source: Delta Lake protocol, section "Schema Serialization Format".
"""

from collections.abc import Mapping
from typing import Any

import orjson

from profiles_sync.spec.tables import Type

DELTA: Mapping[Type, str] = {
    Type.STRING: "string",
    Type.BIGINT: "long",
    Type.DOUBLE: "double",
    Type.BOOLEAN: "boolean",
    Type.TIMESTAMP: "timestamp",
}
_LOGICAL = {delta: kind for kind, delta in DELTA.items()}


def logical(delta: object) -> Type:
    """What a column of the lake is; somebody else's column of any other type counts as a time."""
    return _LOGICAL.get(delta, Type.TIMESTAMP) if isinstance(delta, str) else Type.TIMESTAMP


def read(text: str) -> dict[str, Type]:
    """Column to logical type, in the table's order."""
    return {column["name"]: logical(column["type"]) for column in orjson.loads(text)["fields"]}


def written(types: Mapping[str, Type], before: str | None = None) -> str:
    """A schema with the columns; those of the schema before stay as they are."""
    fields: list[dict[str, Any]] = orjson.loads(before)["fields"] if before else []
    there = {column["name"] for column in fields}
    fields += [
        {"name": name, "type": DELTA[kind], "nullable": True, "metadata": {}}
        for name, kind in types.items()
        if name not in there
    ]
    return orjson.dumps({"type": "struct", "fields": fields}).decode()
