/*
name: profile_changes_per_hour
purpose: How many events created and merged profiles in each hour, by the kind of call. Backfilled rows have no hour.
columns: [change_hour, change, triggering_event_type, events]
source: Segment, "Profiles Sync Sample Queries", "Show how many profiles Segment creates and merges per hour"
*/
SELECT c.change_hour, c.change, c.triggering_event_type, count(DISTINCT c.triggering_event_id) AS events
FROM (
    SELECT
        {hour u.timestamp} AS change_hour,
        CASE WHEN u.segment_id = u.canonical_segment_id THEN 'profile creation' ELSE 'profile merge' END AS change,
        u.triggering_event_type,
        u.triggering_event_id
    FROM {table id_graph_updates} AS u
) AS c
GROUP BY c.change_hour, c.change, c.triggering_event_type
ORDER BY c.change_hour, c.change, c.triggering_event_type
