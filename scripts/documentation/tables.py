"""The table reference, from the declarations in `spec/tables.py`."""

from collections.abc import Iterator

from profiles_sync.spec.reference import CHANGES, HEADINGS
from profiles_sync.spec.tables import FIXED_TABLES, QUARANTINE, TRACK_TABLE, Table


def reference() -> str:
    """A heading for each group of tables, below it one for each table."""
    lines: list[str] = []
    for group, heading in HEADINGS.items():
        lines += [f"## {heading}", ""]
        for table in (*FIXED_TABLES, TRACK_TABLE):
            if table.group is group:
                lines += _table(table)
    return "\n".join([*lines, "## In the lake only", "", *_table(QUARANTINE)])


def _table(table: Table) -> Iterator[str]:
    name = table.name.replace("<", "&lt;").replace(">", "&gt;")
    key = ", ".join(f"`{column}`" for column in table.key)
    grows = f" Grows by {table.grows}." if table.grows else ""
    yield from (f"### {name}", "", f"{table.about} {CHANGES[table.change]}; the key is {key}.{grows}", "")
    yield from ("| column | type | |", "|---|---|---|")
    for column in table.columns:
        yield f"| `{column.name}` | {column.type} | {column.about} |"
    yield ""
