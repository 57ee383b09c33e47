/*
name: causes_of_merges
purpose: Every merge that led to a profile, and the event that caused it.
columns: [segment_id, merged_into, triggering_event_type, triggering_event_id, triggering_event_source_id, happened_at]
parameters:
  profile: {kind: text, about: Any segment_id of the profile.}
source: Segment, "Profiles Sync Tables", id_graph_updates
*/
SELECT
    u.segment_id,
    u.canonical_segment_id AS merged_into,
    u.triggering_event_type,
    u.triggering_event_id,
    u.triggering_event_source_id,
    u.timestamp AS happened_at
FROM {table id_graph_updates} AS u
INNER JOIN {table id_graph} AS g ON u.segment_id = g.segment_id
WHERE
    u.segment_id <> u.canonical_segment_id
    AND g.canonical_segment_id = (
        SELECT o.canonical_segment_id FROM {table id_graph} AS o WHERE o.segment_id = {text :profile}
    )
ORDER BY u.seq
