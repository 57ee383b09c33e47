"""Sample queries: one SQL file each, run on any kind of warehouse.

`<name>.sql` begins with what the query is for; its text serves every kind of warehouse that has no
`<name>.<kind>.sql` beside it. What a warehouse spells in its own way stands in braces, see `text`.
Source: Segment, "Profiles Sync Sample Queries", "Warehouse Schemas", "Useful SQL Queries for Redshift".
"""

from profiles_sync.queries.library import Parameter, ParameterKind, Query, library, named
from profiles_sync.queries.text import Place, plain, written

__all__ = ["Parameter", "ParameterKind", "Place", "Query", "library", "named", "plain", "written"]
