"""A query as a warehouse reads it: names quoted, texts escaped, and what differs in that warehouse's own words.

In braces stands

- `{table pages}`, `{table :event}`: a table of the schema, or the one that a parameter names;
- `{columns pages AS p}`: all its columns, each behind the alias;
- `{column :trait OF identifies AS i}`: one of them, by its name in the lake;
- `{text :value}`, `{number :limit}`, `{date :day}`: what a parameter gives; `{name :table}`: a table's name as text;
- `{type double}`: the warehouse's type; `{schema text}`: the schema's name as text;
- `{catalog tables}`: a table of the information schema;
- `{hour EXPRESSION}`, `{joined EXPRESSION}`, `{seconds EXPRESSION TO EXPRESSION}`, `{sha1 EXPRESSION}`: see `words`.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from profiles_sync.errors import SettingsError
from profiles_sync.queries.library import Query
from profiles_sync.queries.words import WORDS, Words
from profiles_sync.spec.tables import Type
from profiles_sync.warehouses.names import physical
from profiles_sync.warehouses.protocol import Warehouse

_BRACES = re.compile(r"\{(\w+) ([^{}]+)\}")
_COMMENT = re.compile(r"^--.*\n", re.M)
_COLUMN = re.compile(r"(:?\w+) OF (:?\w+) AS (\w+)")


@dataclass(frozen=True)
class Place:
    """Where a query runs.

    Attributes:
        warehouse: Whose words are spoken.
        tables: Table to its columns, as the warehouse has them; None where nobody looked.
    """

    warehouse: Warehouse
    tables: Mapping[str, Mapping[str, str]] | None = None

    def quote(self, *parts: str) -> str:
        """A quoted name."""
        return self.warehouse.dialect.quote(*parts)

    def physical(self, name: str) -> str:
        """The warehouse's name for a table or column of the lake."""
        return physical(name, self.warehouse.capabilities)


@dataclass(frozen=True)
class _Writer:
    query: Query
    place: Place
    values: Mapping[str, str]

    def put(self, found: re.Match[str]) -> str:
        """What stands for one pair of braces."""
        made: str = getattr(self, f"put_{found[1]}")(found[2])
        return made

    def put_table(self, name: str) -> str:
        return self.place.quote(self.place.warehouse.schema, self._table(name))

    def put_columns(self, given: str) -> str:
        name, alias = given.split(" AS ")
        columns = self._columns_of(name)
        return f"{alias}.*" if columns is None else ", ".join(f"{alias}.{self.place.quote(one)}" for one in columns)

    def put_column(self, given: str) -> str:
        found = _COLUMN.fullmatch(given)
        assert found, given
        table, column = self._table(found[2]), self.place.physical(self._value(found[1]))
        if self.place.tables is not None and column not in self.place.tables[table]:
            raise SettingsError(
                f"query {self.query.name}: {table} has no column {column} in the warehouse; name another"
            )
        return f"{found[3]}.{self.place.quote(column)}"

    def put_text(self, given: str) -> str:
        return self.place.warehouse.dialect.text(self._value(given))

    def put_name(self, given: str) -> str:
        return self.place.warehouse.dialect.text(self._table(given))

    def put_number(self, given: str) -> str:
        return self._value(given)

    def put_date(self, given: str) -> str:
        return f"CAST({self.put_text(given)} AS date)"

    def put_type(self, given: str) -> str:
        return self.place.warehouse.capabilities.types[Type(given)]

    def put_schema(self, _: str) -> str:
        return self.place.warehouse.dialect.text(self.place.warehouse.schema)

    def put_catalog(self, given: str) -> str:
        schema, named = self.place.quote(self.place.warehouse.schema), self.place.quote("information_schema", given)
        return self._words.catalog.format(given.upper(), schema, named)

    def put_hour(self, given: str) -> str:
        return self._words.hour.format(given)

    def put_joined(self, given: str) -> str:
        return self._words.joined.format(given)

    def put_seconds(self, given: str) -> str:
        return self._words.seconds.format(*given.split(" TO "))

    def put_sha1(self, given: str) -> str:
        return self._words.sha1.format(given)

    @property
    def _words(self) -> Words:
        return WORDS[self.place.warehouse.kind]

    def _value(self, given: str) -> str:
        """What a parameter gives, or the word itself."""
        return self.values[given[1:]] if given.startswith(":") else given

    def _table(self, given: str) -> str:
        """The warehouse's name of a table that has to be there."""
        name = self.place.physical(self._value(given))
        if self.place.tables is not None and name not in self.place.tables:
            raise SettingsError(
                f"query {self.query.name}: there is no table {name} in {self.place.warehouse.place}; it comes with the "
                "first such event that is synced, or with Selective Sync"
            )
        return name

    def _columns_of(self, given: str) -> list[str] | None:
        name = self._table(given)
        return None if self.place.tables is None else list(self.place.tables[name])

    def result(self) -> list[str]:
        """The result's columns."""
        several = [self._columns_of(one[:-2]) or [one] if one.endswith(".*") else [one] for one in self.query.columns]
        return [column for some in several for column in some]


def written(query: Query, place: Place, values: Mapping[str, str]) -> tuple[str, list[str]]:
    """A query's text for a warehouse, and the names of its result's columns.

    Args:
        query: Which one.
        place: Where; without its tables `alias.*` stands for all columns, and nothing is asked of what is there.
        values: Of every parameter.

    Raises:
        SettingsError: The warehouse has no such table or column.
    """
    writer = _Writer(query, place, values)
    body = _COMMENT.sub("", query.body_for(place.warehouse.kind))
    return _BRACES.sub(writer.put, body).strip(), writer.result()


def plain(query: Query, kind: str | None = None) -> str:
    """A query's text as it stands in its file, with parameters and braces."""
    return query.body_for(kind).strip()
