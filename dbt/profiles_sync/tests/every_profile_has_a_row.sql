-- id_graph and profile_traits have the same profiles, and agree on which of them are merged away.
SELECT g.segment_id
FROM {{ ref('id_graph') }} AS g
LEFT JOIN {{ ref('profile_traits') }} AS p ON g.segment_id = p.canonical_segment_id
WHERE p.canonical_segment_id IS NULL OR coalesce(p.merged_to, g.segment_id) <> g.canonical_segment_id
