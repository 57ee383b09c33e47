/*
name: external_ids_per_profile
purpose: Every profile that has external IDs, with all of them.
columns: [canonical_segment_id, external_ids]
source: Segment, "Profiles Sync Sample Queries", "Pull a complete list of your customers, along with external identifiers"
*/
SELECT m.canonical_segment_id, {joined m.external_id} AS external_ids
FROM (
    SELECT
        e.canonical_segment_id,
        concat(e.external_id_value, concat(' (', concat(e.external_id_type, ')'))) AS external_id
    FROM {table external_id_mapping} AS e
) AS m
GROUP BY m.canonical_segment_id
ORDER BY m.canonical_segment_id
