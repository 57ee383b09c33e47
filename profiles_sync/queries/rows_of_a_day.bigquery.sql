-- Tables are partitioned by the day of loading, so that no other day is read.
SELECT {columns :table AS t}
FROM {table :table} AS t
WHERE CAST(t._PARTITIONTIME AS date) = {date :day}
ORDER BY t.received_at, t.id
