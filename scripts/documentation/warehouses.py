"""A page for each kind of warehouse, made of the README's section, the settings and the set-up that is printed."""

from profiles_sync import data_graph as graph
from profiles_sync.warehouses import setup as setups

#: Kind to what people call it; the README's section about it has that title, where there is one.
TITLES = {
    "duckdb": "DuckDB",
    "postgres": "Postgres",
    "snowflake": "Snowflake",
    "bigquery": "BigQuery",
    "redshift": "Redshift",
    "synapse": "Azure Synapse",
    "databricks": "Databricks",
}
_EMBEDDED = (
    "An embedded database in one file, which the quick start and the tests use. It has no users and no server, and "
    "only one process may have the file open at a time. Its driver comes with the extra `duckdb`."
)


def pages() -> dict[str, str]:
    """Path to the Markdown of the page of each kind."""
    return {f"warehouses/{kind}.md": _page(kind) for kind in setups.SCRIPTS}


def _page(kind: str) -> str:
    about = _EMBEDDED if kind == "duckdb" else f"<!-- readme: {TITLES[kind]} -->"
    return f"""# {TITLES[kind]}

{about}

## All settings of {TITLES[kind]}

<!-- made: warehouse-settings {kind} -->

## Set-up of {TITLES[kind]}

`profiles-sync warehouse setup-sql {kind}` prints this, with the names in it that you give it or that the settings have;
see [Set up a warehouse](index.md#set-up-a-warehouse).

<!-- made: setup {kind} -->
"""


def setup(kind: str) -> str:
    """What an admin runs before the first sync, with the names that it has by default."""
    script = setups.written(kind, setups.SCRIPTS, {}, {})
    return _block(script.comment, script.text())


def data_graph() -> str:
    """The same for the Data Graph's own user, of each kind that has one."""
    parts = []
    for kind in graph.SCRIPTS:
        script = setups.written(kind, graph.SCRIPTS, {"profiles_schema": "acme", "schemas": ("erp",)}, {})
        parts += [f"### {TITLES[kind]}", _block(script.comment, script.text())]
    return "\n\n".join(parts)


def _block(comment: str, text: str) -> str:
    return f"```{'bash' if comment == '#' else 'sql'}\n{text.rstrip()}\n```"
