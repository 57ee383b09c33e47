-- A dataset has a catalog of its own.
SELECT c.column_name, c.data_type
FROM {catalog columns} AS c
WHERE c.table_name = {name :table}
ORDER BY c.ordinal_position
