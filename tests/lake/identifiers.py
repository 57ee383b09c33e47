"""A small lake's table of identifiers, which batches are merged into."""

import pyarrow as pa
from deltalake import write_deltalake

from profiles_sync.lake import indexes, log
from profiles_sync.lake.changes import changes
from profiles_sync.lake.tables import ARROW, Lake, scan
from profiles_sync.spec.tables import BY_NAME
from profiles_sync.warehouses.base import OPERATION

TABLE = BY_NAME["user_identifiers"]
KEY = ("canonical_segment_id", "type", "value")


def made(root):
    lake = Lake(str(root), "acme")
    lake.create(TABLE)
    return lake


def rows(*found):
    """(operation, profile, value, seq) as rows of user_identifiers."""
    columns = {name: [] for name in TABLE.types} | {"_op": []}
    for op, profile, value, seq in found:
        row = {"canonical_segment_id": f"p{profile}", "type": "email", "value": f"v{value}", "seq": f"{seq:020}"}
        for name in TABLE.types:
            columns[name].append(row.get(name))
        columns["_op"].append(op)
    types = {name: ARROW[kind] for name, kind in TABLE.types.items()} | {"_op": pa.string()}
    return pa.table({name: pa.array(column, types[name]) for name, column in columns.items()})


def held(lake):
    """Key to seq of what the table holds."""
    return {tuple(row[key] for key in KEY): int(row["seq"]) for row in scan(lake.open(TABLE.name)).to_pylist()}


def replayed(lake, cursor):
    """What a warehouse holds that takes all changes since a cursor at once."""
    found = changes(lake, TABLE.name, cursor)
    kept = {}
    for row in found.arrow().read_all().to_pylist() if found else []:
        if row[OPERATION] != "D":
            kept[tuple(row[key] for key in KEY)] = int(row["seq"])
    return kept


def always_indexed(patch):
    patch.setattr(indexes, "SMALL", 0)
    patch.setattr(indexes, "_MANY", 0)


def beaten_once(lake, monkeypatch):
    """Somebody else appends v9 of p9 just before the next commit."""
    real, theirs = log.commit, iter([rows(("I", 9, 9, 1)).drop_columns(["_op"])])

    def beaten(*arguments):
        for row in theirs:
            write_deltalake(lake.path(TABLE.name), row, mode="append")
        return real(*arguments)

    monkeypatch.setattr(log, "commit", beaten)
