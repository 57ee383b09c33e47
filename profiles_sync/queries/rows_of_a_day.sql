/*
name: rows_of_a_day
purpose: The rows of a table that the sync loaded on a day.
columns: [":table.*"]
parameters:
  table: {kind: table, about: "An event table, or a raw one.", default: tracks}
  day: {kind: date, about: "The day in UTC, such as 2026-01-05."}
source: Segment, "BigQuery Destination", partitions by day
*/
SELECT {columns :table AS t}
FROM {table :table} AS t
WHERE CAST(t.uuid_ts AS date) = {date :day}
ORDER BY t.received_at, t.id
