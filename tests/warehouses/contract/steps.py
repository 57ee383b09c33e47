"""What the contract tests do over and over."""

from profiles_sync.lake.listing import public_tables
from profiles_sync.lake.tables import scan
from profiles_sync.quality.keys import Keys
from profiles_sync.spec.tables import table
from profiles_sync.sync.run import sync_warehouse
from profiles_sync.warehouses.names import physical
from tests.sync.steps import in_lake


def sync(twin, place, sync_id="1", **opened):
    """Only the sync; nothing new is taken into the lake."""
    return sync_warehouse(place.open(**opened), twin.lake, sync_id)


def in_warehouse(twin, place, name):
    capabilities = place.open().capabilities
    columns = [physical(column, capabilities) for column in twin.lake.types(name)]
    return sorted(repr(list(row)) for row in place.rows(physical(name, capabilities), columns))


def assert_same(twin, place, but=()):
    """Every table of the warehouse holds the rows of the lake's, no more and no fewer."""
    with place.reading():
        for name in public_tables(twin.lake):
            if name not in but:
                assert in_warehouse(twin, place, name) == in_lake(twin, name), name


def assert_same_keys(twin, place, *names):
    """The warehouse counts and sums the keys of tables as the lake does."""
    warehouse = place.open()
    with warehouse.connect(read_only=True) as connection:
        for name in names:
            key, rows = table(name).key, scan(twin.lake.open(name))
            shown = [physical(part, warehouse.capabilities) for part in (name, *key)]
            query = warehouse.dialect.sum_keys(warehouse.schema, shown[0], shown[1:], None)
            assert Keys(*map(int, connection.query(query)[0])) == Keys.of(rows, key), name


def synced_same(twin, place):
    """A sync without an error after which the warehouse holds what the lake holds."""
    result = sync(twin, place)
    assert (result.status, result.error) == ("Success", None), (result.error, result.tables)
    assert_same(twin, place)
    return result
