/*
name: segment_ids_per_profile
purpose: Every profile, with the segment_ids that are merged into it and its own.
columns: [canonical_segment_id, segment_ids]
source: Segment, "Profiles Sync Sample Queries", "Pull a complete list of your customers, along with their merges"
*/
SELECT g.canonical_segment_id, {joined g.segment_id} AS segment_ids
FROM {table id_graph} AS g
GROUP BY g.canonical_segment_id
ORDER BY g.canonical_segment_id
