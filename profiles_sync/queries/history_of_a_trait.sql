/*
name: history_of_a_trait
purpose: Every value that was sent for a trait or for membership in an audience, by profile, in order of time.
columns: [canonical_segment_id, trait_value, happened_at]
parameters:
  trait: {kind: column, about: The column of the trait or audience.}
source: Segment, "Profiles Sync Sample Queries", "Show the complete history of a trait or audience membership"
*/
SELECT
    g.canonical_segment_id,
    {column :trait OF identifies AS i} AS trait_value,
    i.timestamp AS happened_at
FROM {table identifies} AS i
INNER JOIN {table id_graph} AS g ON i.segment_id = g.segment_id
WHERE {column :trait OF identifies AS i} IS NOT NULL
ORDER BY g.canonical_segment_id, i.timestamp, i.id
