/*
name: track_events
purpose: Each Track event with its name as sent, how often it came, and when first and last.
columns: [event_name, event_text, events, first_at, last_at]
source: Segment, "Warehouse Schemas", the events in tracks
*/
SELECT
    t.event AS event_name,
    t.event_text,
    count(*) AS events,
    min(t.timestamp) AS first_at,
    max(t.timestamp) AS last_at
FROM {table tracks} AS t
GROUP BY t.event, t.event_text
ORDER BY events DESC, t.event, t.event_text
