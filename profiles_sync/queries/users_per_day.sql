/*
name: users_per_day
purpose: How many users were identified on each day.
columns: [event_day, users]
source: Segment, "Warehouse Schemas", users by day from identifies
*/
SELECT d.event_day, count(DISTINCT d.user_id) AS users
FROM (
    SELECT CAST(i.timestamp AS date) AS event_day, i.user_id
    FROM {table identifies} AS i
) AS d
GROUP BY d.event_day
ORDER BY d.event_day
