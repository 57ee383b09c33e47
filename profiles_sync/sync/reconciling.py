"""After a load: has the warehouse the keys that the lake has, as many and the same?"""

from profiles_sync.errors import NotReconciled
from profiles_sync.quality.keys import Keys
from profiles_sync.sync.plan import AppendRows, MergeRows
from profiles_sync.warehouses.base import Staged, Transactions
from profiles_sync.warehouses.protocol import Connection
from profiles_sync.warehouses.sql import Dialect

_LEFT = {
    Transactions.ALL: "nothing of it was committed",
    Transactions.ROWS: "none of its rows was committed",
    Transactions.NONE: "they stay there, and how far they came was not recorded",
}


def reconcile(
    connection: Connection,
    dialect: Dialect,
    schema: str,
    step: AppendRows | MergeRows,
    staged: Staged,
    keys: Keys,
    is_new: bool,
) -> None:
    """Count and sum the keys of a table where rows were staged, all of them where it has no others.

    It is asked in the transaction that loaded them, so that nothing stays where it does not hold. It is not asked where
    a key is kept in a column of another type, nor where a text was cut, for that may have been a key's.

    Raises:
        NotReconciled: They are not those of the lake.
    """
    if staged.cut or step.casts.keys() & set(step.keys):
        return
    found = _found(connection, dialect, schema, step, staged, is_new or step.replace)
    if found == keys:
        return
    count = found.count
    what = f"{count:,} rows of {keys.count:,}" if count != keys.count else f"{count:,} rows, and not the same ones,"
    left = _LEFT[dialect.capabilities.transactions]
    raise NotReconciled(
        f"{schema}.{step.table} has {what} that this sync brought from the lake; {left}, the next run repeats it"
    )


def _found(
    connection: Connection, dialect: Dialect, schema: str, step: AppendRows | MergeRows, staged: Staged, all_of_it: bool
) -> Keys:
    """Those of the warehouse."""
    if not (staged.rows or all_of_it):
        return Keys(0, 0)
    query = dialect.sum_keys(schema, step.table, step.keys, None if all_of_it else staged.source)
    return Keys(*map(int, connection.query(query)[0]))
