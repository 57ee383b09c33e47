/*
name: events_per_day
purpose: How often a Track event came on each day, from how many profiles of today.
columns: [event_day, events, profiles]
parameters:
  event: {kind: table, about: The event's table., default: order_completed}
source: Segment, "Useful SQL Queries for Redshift", daily counts of orders
*/
SELECT d.event_day, count(*) AS events, count(DISTINCT d.canonical_segment_id) AS profiles
FROM (
    SELECT CAST(e.timestamp AS date) AS event_day, g.canonical_segment_id
    FROM {table :event} AS e
    LEFT JOIN {table id_graph} AS g ON e.segment_id = g.segment_id
) AS d
GROUP BY d.event_day
ORDER BY d.event_day
