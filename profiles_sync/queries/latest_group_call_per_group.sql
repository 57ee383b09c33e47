/*
name: latest_group_call_per_group
purpose: A row for each group, the last Group call that was received of it.
columns: [groups.*]
source: Segment, "Useful SQL Queries for Redshift", a table of organizations from groups
*/
SELECT {columns groups AS g}
FROM (
    SELECT r.*, row_number() OVER (PARTITION BY r.group_id ORDER BY r.received_at DESC, r.id DESC) AS _place
    FROM {table groups} AS r
) AS g
WHERE g._place = 1
ORDER BY g.group_id
