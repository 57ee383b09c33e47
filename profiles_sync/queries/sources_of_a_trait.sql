/*
name: sources_of_a_trait
purpose: The last value of a trait on a profile and on each profile merged into it, with the source that sent it.
columns: [canonical_segment_id, segment_id, event_source_id, trait_value, happened_at]
parameters:
  trait: {kind: column, about: The trait's column.}
  profile: {kind: text, about: Any segment_id of the profile.}
source: Segment, "Profiles Sync Sample Queries", "Identify the source that generated the value for a particular trait"
*/
SELECT v.canonical_segment_id, v.segment_id, v.event_source_id, v.trait_value, v.happened_at
FROM (
    SELECT
        g.canonical_segment_id,
        i.segment_id,
        i.event_source_id,
        {column :trait OF identifies AS i} AS trait_value,
        i.timestamp AS happened_at,
        row_number() OVER (PARTITION BY i.segment_id ORDER BY i.timestamp DESC, i.id DESC) AS _place
    FROM {table identifies} AS i
    INNER JOIN {table id_graph} AS g ON i.segment_id = g.segment_id
    WHERE
        {column :trait OF identifies AS i} IS NOT NULL
        AND g.canonical_segment_id = (
            SELECT o.canonical_segment_id FROM {table id_graph} AS o WHERE o.segment_id = {text :profile}
        )
) AS v
WHERE v._place = 1
ORDER BY v.happened_at DESC, v.segment_id
