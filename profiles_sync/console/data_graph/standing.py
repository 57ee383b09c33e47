"""Where the Data Graph stands for each warehouse, without a look into any; and the SQL to run with a person's names."""

import inspect
from collections.abc import Mapping
from dataclasses import dataclass

from profiles_sync import data_graph
from profiles_sync.control.linked import Linked, linked
from profiles_sync.control.log import Log
from profiles_sync.control.selecting import selected
from profiles_sync.control.warehouses import Managed, Status, managed
from profiles_sync.data_graph.prerequisite import NEEDED
from profiles_sync.lake.base import Lake
from profiles_sync.settings import Settings
from profiles_sync.spec.selection import group_of
from profiles_sync.warehouses import setup

#: What a person may name, in the order of the form: argument of a script to its label.
NAMES = {
    "user": "Its user",
    "role": "Its role",
    "database": "Database for bookkeeping",
    "warehouse": "Virtual warehouse, or ID of a SQL warehouse",
    "profiles_database": "Database of the profiles",
    "profiles_schema": "Schema of the profiles",
    "sync_user": "User of the sync, who makes new tables",
    "location": "Location of the dataset",
}
#: Kind to the fields that tell who the linked user is, and where it writes; beside a password or key.
WHO = {
    "redshift": ("username", "database"),
    "snowflake": ("username", "role", "database", "warehouse", "private_key_path"),
    "bigquery": ("project", "credentials"),
    "databricks": ("client_id", "catalog", "http_path"),
}
#: Those of them that name a file.
FILES = frozenset({"private_key_path", "credentials"})


@dataclass(frozen=True)
class Standing:
    """A warehouse that the Data Graph can use.

    Attributes:
        warehouse: Where it stands.
        needed: Each table of the prerequisites, the group to select it in, and whether Selective Sync sends it.
        every_track_table: Whether all track event tables are sent, also those to come.
        connection: The Data Graph's own, None where it is not connected.
    """

    warehouse: Managed
    needed: tuple[tuple[str, str, bool], ...]
    every_track_table: bool
    connection: Linked | None

    @property
    def kind(self) -> str:
        """Of the warehouse."""
        assert self.warehouse.settings is not None
        return str(self.warehouse.settings.type)

    @property
    def is_selected(self) -> bool:
        """Whether Selective Sync sends all that is needed."""
        return self.every_track_table and all(is_on for _, _, is_on in self.needed)


def standings(settings: Settings, lake: Lake) -> list[Standing]:
    """The warehouses that are of a kind for which there is a Data Graph."""
    log = Log.read(lake)
    return [
        _standing(one, log)
        for one in managed(settings, log).values()
        if one.status is not Status.DELETED and one.settings and one.settings.type in data_graph.SCRIPTS
    ]


def _standing(one: Managed, log: Log) -> Standing:
    selection = selected(one, log).selection
    needed = tuple((name, group_of(name), selection.has(name)) for name in NEEDED)
    return Standing(one, needed, selection.has_every_track_table, linked(log, one.name))


def names_of(standing: Standing, schema: str) -> dict[str, str]:
    """What a person may name, with what is known of it: of the warehouse, else what the script calls it by itself."""
    takes = inspect.signature(data_graph.SCRIPTS[standing.kind]).parameters
    known = _known(standing, schema)
    return {name: str(known.get(name) or takes[name].default or "") for name in NAMES if name in takes}


def script(standing: Standing, schema: str, given: Mapping[str, str], schemas: str, existing: bool) -> str:
    """What an admin runs.

    Args:
        standing: The warehouse.
        schema: The space's.
        given: Names, by argument of the script; an empty one is left as it is known.
        schemas: Further schemas to read, with commas between them.
        existing: Whether Reverse ETL has a schema in the database for bookkeeping already.

    Raises:
        SettingsError: A name cannot be one.
    """
    several = tuple(one.strip() for one in schemas.split(",") if one.strip())
    asked: dict[str, object] = {name: value.strip() for name, value in given.items() if value.strip()}
    asked |= {"schemas": several or None, "existing_reverse_etl": existing or None}
    return setup.written(standing.kind, data_graph.SCRIPTS, asked, _known(standing, schema)).text()


def _known(standing: Standing, schema: str) -> dict[str, str]:
    assert standing.warehouse.settings is not None
    fields = setup.fields_of(standing.warehouse.settings.model_dump(by_alias=True))
    return data_graph.known(fields, standing.warehouse.opened(schema).schema)
