"""The table reference of the README, written from the declarations in `tables.py`.

`python -m profiles_sync.spec.reference`, in the repository's folder, writes it into README.md anew.
"""

from collections.abc import Iterator
from html import escape
from pathlib import Path

from profiles_sync.spec.tables import FIXED_TABLES, QUARANTINE, TRACK_TABLE, Change, Group, Table

BEGIN, END = "<!-- tables:begin -->", "<!-- tables:end -->"

#: Group to what its tables are called together.
HEADINGS = {
    Group.RAW: "Profile raw tables",
    Group.EVENT_TYPE: "Event type tables",
    Group.TRACK: "Track event tables",
    Group.MATERIALIZED: "Profile materialized tables",
    Group.VIEW: "Views, kept up to date here (with Segment you materialize them yourself)",
}
CHANGES = {Change.APPEND: "Rows are appended", Change.MERGE: "Rows are inserted, updated and deleted by key"}


def markdown() -> str:
    """The reference: a heading per table group, below it a fold for each table."""
    lines: list[str] = []
    for group, heading in HEADINGS.items():
        lines += [f"### {heading}", ""]
        for table in (*FIXED_TABLES, TRACK_TABLE):
            if table.group is group:
                lines += _fold(table)
    lines += ["### In the lake only", "", *_fold(QUARANTINE)]
    return "\n".join(lines)


def _fold(table: Table) -> Iterator[str]:
    key = ", ".join(f"`{name}`" for name in table.key)
    yield f"<details><summary><code>{escape(table.name)}</code>: {escape(table.about)}</summary>"
    yield ""
    yield f"{CHANGES[table.change]}; the key is {key}." + (f" Grows by {table.grows}." if table.grows else "")
    yield from ("", "| column | type | |", "|---|---|---|")
    for column in table.columns:
        yield f"| `{column.name}` | {column.type} | {column.about} |"
    yield from ("", "</details>", "")


def rewritten(readme: str) -> str:
    """The README with what stands between its markers written anew."""
    before, after = readme.split(BEGIN)[0], readme.split(END)[1]
    return f"{before}{BEGIN}\n\n{markdown()}\n{END}{after}"


if __name__ == "__main__":
    path = Path("README.md")
    path.write_text(rewritten(path.read_text(encoding="utf-8")), encoding="utf-8")
