/*
name: latest_row_per_id
purpose: The latest row of each id of a table, should something else than the sync have written one twice.
columns: [":table.*"]
parameters:
  table: {kind: table, about: "An event table, or a raw one.", default: tracks}
source: Segment, "BigQuery Destination", the query of a table's view
*/
SELECT {columns :table AS t}
FROM (
    SELECT r.*, row_number() OVER (PARTITION BY r.id ORDER BY r.uuid_ts DESC, r.received_at DESC) AS _place
    FROM {table :table} AS r
) AS t
WHERE t._place = 1
ORDER BY t.id
