"""Whether a warehouse has what the Data Graph needs: selected in Selective Sync, and there."""

from profiles_sync.control import credentials
from profiles_sync.control.log import Log
from profiles_sync.control.policy import Right, ask
from profiles_sync.control.selecting import selected
from profiles_sync.control.warehouses import there
from profiles_sync.data_graph.prerequisite import Lacking, lacking
from profiles_sync.lake.opening import readable_lake_of
from profiles_sync.session import session_of
from profiles_sync.settings import Settings
from profiles_sync.spec.tables import Group, table
from profiles_sync.warehouses.names import physical


def prerequisites_of(settings: Settings, name: str, who: str | None = None) -> Lacking:
    """What the Data Graph lacks in a warehouse; connects to look which tables are there.

    Raises:
        Denied: That takes a role.
        ChangeRefused: The warehouse is deleted.
        WarehouseUnreachable: It cannot be reached now.
    """
    lake = readable_lake_of(settings)
    ask(settings, lake, Right.SEE, f"data-graph prerequisites {name}", who)
    log = Log.read(lake)
    managed = there(settings, log, name)
    selection, tables = selected(managed, log).selection, lake.public_tables()
    warehouse = credentials.complete(managed, lake).opened(settings.schema_name, session_of(settings))
    with warehouse.connect(read_only=True) as connection:
        found = connection.columns(warehouse.schema)
    return lacking(
        list(filter(selection.has, tables)),
        [one for one in tables if physical(one, warehouse.capabilities) in found],
        [one for one in tables if table(one).group is Group.TRACK],
        selection.has_every_track_table,
    )
