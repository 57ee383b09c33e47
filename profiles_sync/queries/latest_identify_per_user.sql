/*
name: latest_identify_per_user
purpose: A row for each user, the last Identify call that was received of them.
columns: [identifies.*]
source: Segment, "Useful SQL Queries for Redshift", a table of users from identifies
*/
SELECT {columns identifies AS i}
FROM (
    SELECT r.*, row_number() OVER (PARTITION BY r.user_id ORDER BY r.received_at DESC, r.id DESC) AS _place
    FROM {table identifies} AS r
    WHERE r.user_id IS NOT NULL
) AS i
WHERE i._place = 1
ORDER BY i.user_id
