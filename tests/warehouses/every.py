"""Every kind of warehouse, and every statement that a sync can run in one, for tables that have a bit of all."""

from dataclasses import replace

from profiles_sync import warehouses
from profiles_sync.spec.tables import Type
from profiles_sync.warehouses.base import INTERNAL, Cast, Cursor
from profiles_sync.warehouses.names import beside
from profiles_sync.warehouses.widening import FILLED, Widen

KINDS = (
    warehouses.DuckDBWarehouse,
    warehouses.PostgresWarehouse,
    warehouses.SnowflakeWarehouse,
    warehouses.BigQueryWarehouse,
    warehouses.RedshiftWarehouse,
    warehouses.SynapseWarehouse,
    warehouses.DatabricksWarehouse,
)
#: What each can do, by its kind.
ALL = {warehouse.kind: warehouse.capabilities for warehouse in KINDS}
CURSORS = {"bought": Cursor("0c6d", 7, "a1"), "it's": Cursor("e2", 0)}
APPENDED = {
    "id": Type.STRING,
    "received_at": Type.TIMESTAMP,
    "uuid_ts": Type.TIMESTAMP,
    "total": Type.BIGINT,
    "price": Type.DOUBLE,
    "gift": Type.BOOLEAN,
    'or"der': Type.STRING,
}
MERGED = {
    "canonical_segment_id": Type.STRING,
    "type": Type.STRING,
    "value": Type.STRING,
    "seq": Type.STRING,
    "received_at": Type.TIMESTAMP,
    "uuid_ts": Type.TIMESTAMP,
}
MERGED_KEYS = ("canonical_segment_id", "type", "value")


def statements(dialect, retyped, staged=None):
    """What to call each, and the statement; `retyped` are types that the owner may give a column.

    `staged` names the staging table where it is not the dialect's own.
    """
    capabilities = dialect.capabilities
    kinds = {name: capabilities.types[kind] for name, kind in APPENDED.items()}
    source = staged or dialect.staging("acme", "bought")
    for title, made in {
        "create schema": dialect.create_schema("acme"),
        "drop schema": dialect.drop_schema("acme"),
        "create cursors": dialect.create_cursors("acme"),
        "create table": dialect.create_table("acme", "bought", kinds, ["id"]),
        "create merged table": dialect.create_table(
            "acme", "user_identifiers", {name: capabilities.types[kind] for name, kind in MERGED.items()}, MERGED_KEYS
        ),
        "add columns": dialect.add_columns("acme", "bought", {'or"der': kinds['or"der'], "total": kinds["total"]}),
        "drop staging": dialect.drop_staging(source),
        "any row": [dialect.any_row("acme", "bought")],
        "sum keys": [
            dialect.sum_keys("acme", "bought", ["id"], None),
            dialect.sum_keys("acme", "user_identifiers", MERGED_KEYS, source),
        ],
        "delete all": dialect.delete_all("acme", "bought"),
        "delete missing": dialect.delete_missing(
            "acme", "user_identifiers", source, MERGED_KEYS, dialect.values(list(MERGED), {})
        ),
        "append": dialect.append("acme", "bought", source, "id", dialect.values(list(APPENDED), {})),
        "append, keys differ": dialect.append(
            "acme", "bought", source, "id", dialect.values(list(APPENDED), {}), keys_differ=True
        ),
        "merge": dialect.merge("acme", "user_identifiers", source, MERGED_KEYS, dialect.values(list(MERGED), {})),
        "merge by an id": dialect.merge(
            "acme", "profile_merges", source, ["segment_id"], dialect.values(["segment_id", "seq"], {})
        ),
        **{
            f"widen {one.column} from {one.was} to {one.kind}": dialect.widen("acme", one)
            for one in widened(capabilities)
        },
        "end a widening that was broken off": dialect.widen("acme", broken_off(capabilities)),
        "count what a float rounds": [dialect.count_inexact("acme", "bought", "total")],
        "read cursors": [dialect.read_cursors("acme")],
        "forget cursors": dialect.forget_cursors("acme", CURSORS),
        "record cursors": dialect.record_cursors("acme", CURSORS, "sync_1"),
    }.items():
        for statement in made:
            yield title, statement
    for staged_kind in capabilities.staged.values():
        for kept in retyped:
            casts = {"total": Cast(staged_kind, kept)}
            yield f"from {staged_kind} to {kept}", dialect.count_misfits(source, casts, has_deletes=True)
    assert INTERNAL in source or staged


def widened(capabilities):
    """Types that are made wider: another one, one that few warehouses alter, and one that is only longer."""
    types, sized = capabilities.types, capabilities.sized
    pairs = [("total", types[Type.BIGINT], types[Type.DOUBLE]), ("gift", types[Type.BOOLEAN], types[Type.STRING])]
    pairs += [("note", sized.format(8), sized.format(12))] if sized else []
    columns = {name: types[kind] for name, kind in APPENDED.items()} | {name: was for name, was, _ in pairs}
    for name, was, kind in pairs:
        named = beside(name, FILLED, capabilities), beside(name, f"was {was}", capabilities)
        yield Widen("bought", name, was, kind, columns, ("id",), *named)


def widenings(dialect, may_be_broken_off=True):
    """The statements alone."""
    for one in widened(dialect.capabilities):
        yield from dialect.widen("acme", one)
    if may_be_broken_off:
        yield from dialect.widen("acme", broken_off(dialect.capabilities))
    yield dialect.count_inexact("acme", "bought", "total")


def broken_off(capabilities):
    """One whose column was put aside, and whose wider one has not its name yet."""
    one = next(iter(widened(capabilities)))
    columns = {name: kind for name, kind in one.columns.items() if name != one.column} | {one.beside: one.kind}
    return replace(one, was=None, columns=columns)


def as_text(pairs):
    """As a file for people to review."""
    lines, last = [], None
    for title, statement in pairs:
        if title != last:
            lines.append(f"-- {title}")
        lines.append(f"{statement};")
        last = title
    return "\n".join(lines) + "\n"
