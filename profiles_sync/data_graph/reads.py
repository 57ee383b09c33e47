"""What the Data Graph may read: whole schemas, or single tables."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from profiles_sync.data_graph.prerequisite import NEEDED
from profiles_sync.errors import SettingsError

#: The schema that the linked user makes for itself, as Reverse ETL calls it.
BOOKKEEPING = "__segment_reverse_etl"


@dataclass(frozen=True)
class Reads:
    """Schemas read in bulk, with the tables to come, and single tables. Neither: whatever the database has."""

    profiles: str | None
    bulk: tuple[str, ...]
    tables: tuple[tuple[str, str], ...]

    @property
    def schemas(self) -> tuple[str, ...]:
        """All schemas of which something is read."""
        return tuple(dict.fromkeys((*self.bulk, *(schema for schema, _ in self.tables))))

    def tables_of(self, schema: str) -> tuple[str, ...]:
        """The single tables of a schema."""
        return tuple(table for inside, table in self.tables if inside == schema)

    @property
    def samples(self) -> Iterator[tuple[str, str]]:
        """Tables that have to answer: those that were named, and of the profiles' schema those that are needed."""
        yield from self.tables
        if self.profiles in self.bulk:
            yield from ((str(self.profiles), table) for table in NEEDED)


def reads(profiles: str | None, schemas: Sequence[str], tables: Sequence[str]) -> Reads:
    """The profiles' schema, further schemas, and tables as `schema.table`.

    Of a schema that only has tables named, those are read and no others.
    """
    named = tuple(_pair(one) for one in tables)
    by_table = {schema for schema, _ in named} - set(schemas)
    wanted = ((profiles,) if profiles else ()) + tuple(schemas)
    return Reads(profiles, tuple(one for one in dict.fromkeys(wanted) if one not in by_table), named)


def _pair(name: str) -> tuple[str, str]:
    schema, dot, table = name.partition(".")
    if not (schema and dot and table):
        raise SettingsError(f"--table {name}: expected schema.table")
    return schema, table
