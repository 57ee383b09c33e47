/*
name: columns_of_a_table
purpose: The columns of a table and their types, as the warehouse's own catalog tells them.
columns: [column_name, data_type]
parameters:
  table: {kind: table, about: "The table, such as identifies.", default: identifies}
source: Segment, "Warehouse Schemas", the columns of a table
*/
SELECT lower(c.column_name) AS column_name, c.data_type
FROM {catalog columns} AS c
WHERE lower(c.table_schema) = lower({schema text}) AND lower(c.table_name) = lower({name :table})
ORDER BY c.ordinal_position
