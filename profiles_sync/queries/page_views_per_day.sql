/*
name: page_views_per_day
purpose: How many pages were viewed on each day, and by how many profiles of today.
columns: [event_day, page_views, profiles]
source: Segment, "Warehouse Schemas", page views by day
*/
SELECT d.event_day, count(*) AS page_views, count(DISTINCT d.canonical_segment_id) AS profiles
FROM (
    SELECT CAST(p.timestamp AS date) AS event_day, g.canonical_segment_id
    FROM {table pages} AS p
    LEFT JOIN {table id_graph} AS g ON p.segment_id = g.segment_id
) AS d
GROUP BY d.event_day
ORDER BY d.event_day
