"""Every sample query with its text, from the files themselves."""

from collections.abc import Iterator

from profiles_sync.queries.library import Query, library


def reference() -> str:
    """A heading for each query."""
    return "\n".join(line for one in library().values() for line in _of(one))


def _of(one: Query) -> Iterator[str]:
    columns = ", ".join(f"`{column}`" for column in one.columns)
    yield from (f"### {one.name}", "", one.purpose, "", f"It gives {columns}.", "")
    for name, parameter in one.parameters.items():
        default = "" if parameter.default is None else f" Without one, `{parameter.default}`."
        yield f"- `{name}`, a {parameter.kind}: {parameter.about.rstrip('.')}.{default}"
    yield from ("", "```sql", one.body.strip(), "```", "")
    for kind, note in one.notes.items():
        yield from (f"On {kind}: {note}", "")
