"""After a load: has the warehouse the keys that the lake has, as many and the same?"""

from profiles_sync.errors import NotReconciled
from profiles_sync.quality.keys import Keys
from profiles_sync.sync.plan import AppendRows, MergeRows
from profiles_sync.warehouses.base import Staged
from profiles_sync.warehouses.protocol import Connection
from profiles_sync.warehouses.sql import Dialect


def reconcile(
    connection: Connection,
    dialect: Dialect,
    schema: str,
    step: AppendRows | MergeRows,
    staged: Staged,
    keys: Keys,
) -> None:
    """Count and sum the keys of a table where rows were staged, all of them where its rows were replaced.

    It is asked in the transaction that loaded them, so that nothing stays where it does not hold. A warehouse that
    cannot work the sum out is not asked, nor where a key is kept in a column of another type.

    Raises:
        NotReconciled: They are not those of the lake.
    """
    if step.casts.keys() & set(step.keys):
        return
    query = dialect.sum_keys(schema, step.table, step.keys, None if step.replace else staged.source)
    if query is None:
        return
    count, total = (int(value) for value in connection.query(query)[0])
    if (count, total) == (keys.count, keys.total):
        return
    what = f"{count:,} rows of {keys.count:,}" if count != keys.count else f"{count:,} rows, and not the same ones,"
    raise NotReconciled(
        f"{schema}.{step.table} has {what} that this sync brought from the lake; nothing of it was committed, the next "
        "run repeats it"
    )
