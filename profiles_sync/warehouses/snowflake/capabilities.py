"""What Snowflake can do, and how it keeps names and types.

Source: Snowflake documentation, "Identifier requirements", "Reserved & limited keywords", "String & binary data types".
"""

import re

from profiles_sync.spec.tables import Type
from profiles_sync.warehouses.base import Capabilities, Transactions

# The words that no name may be without quotes; people query these tables without quotes.
_WORDS = """
account all alter and any as between by case cast check column connect connection constraint create cross current
current_date current_time current_timestamp current_user database delete distinct drop else exists false following for
from full grant group gscluster having ilike in increment inner insert intersect into is issue join lateral left like
localtime localtimestamp minus natural not null of on or order organization qualify regexp revoke right rlike row rows
sample schema select set some start table tablesample then to trigger true try_cast union unique update using values
view when whenever where with
"""
_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_$]*")
LONGEST = 16_777_216  # of a VARCHAR that has no length of its own, in bytes

CAPABILITIES = Capabilities(
    types={
        Type.STRING: "VARCHAR",
        Type.BIGINT: "NUMBER(38,0)",
        Type.DOUBLE: "FLOAT",
        Type.BOOLEAN: "BOOLEAN",
        Type.TIMESTAMP: "TIMESTAMP_NTZ",
    },
    reserved=frozenset(_WORDS.split()),
    max_identifier=255,
    leading_digit=False,
    folds_case=True,
    transactions=Transactions.ROWS,
    locks_in_schema=True,
    families={"NUMBER": "integer", "FLOAT": "float", "BOOLEAN": "boolean", "DATE": "date", "TIMESTAMP_NTZ": "timestamp"}
    | {"VARCHAR": "varchar"},
    sized="VARCHAR({})",
    longest=LONGEST - 1,  # one that long is as good as none
    key_hash="TO_NUMBER(LEFT(MD5({text}), 8), 'XXXXXXXX')",
)


def folded(name: str) -> str:
    """A name as Snowflake keeps it when nobody quotes it, so that it is found with and without quotes."""
    return name.upper() if _PLAIN.fullmatch(name) else name


def unfolded(kept: str) -> str | None:
    """The name that `folded` makes this of; None where somebody quoted one that no sync would."""
    name = kept.lower() if _PLAIN.fullmatch(kept) else kept
    return name if folded(name) == kept else None


def kind(data_type: str, length: int | None, precision: int | None, scale: int | None) -> str:
    """A column's type as `CAPABILITIES` spells it, of the columns of INFORMATION_SCHEMA that tell it."""
    if data_type == "TEXT":
        return "VARCHAR" if length is None or length >= LONGEST else f"VARCHAR({length})"
    return f"NUMBER({precision},{scale})" if data_type == "NUMBER" else data_type
