/*
name: pages_of_a_profile
purpose: Every page that a profile visited, also before it was merged, in order of time.
columns: [canonical_segment_id, pages.*]
parameters:
  profile: {kind: text, about: Any segment_id of the profile.}
source: Segment, "Profiles Sync Sample Queries", "Show all pages visited by a user"
*/
SELECT g.canonical_segment_id, {columns pages AS p}
FROM {table pages} AS p
INNER JOIN {table id_graph} AS g ON p.segment_id = g.segment_id
WHERE g.canonical_segment_id = (
    SELECT o.canonical_segment_id FROM {table id_graph} AS o WHERE o.segment_id = {text :profile}
)
ORDER BY p.timestamp, p.id
