/*
name: profiles_at_a_limit
purpose: Profiles that have as many external IDs of a type as its rule allows, so that the next one is demoted.
columns: [canonical_segment_id, value_count, external_id_values]
parameters:
  type: {kind: text, about: The external ID type., default: email}
  limit: {kind: number, about: The limit of its rule., default: 5}
source: Segment, "Profiles Sync Sample Queries", "Isolate profiles that have reached an identifier's maximum"
*/
SELECT
    m.canonical_segment_id,
    count(*) AS value_count,
    {joined m.external_id_value} AS external_id_values
FROM {table external_id_mapping} AS m
WHERE m.external_id_type = {text :type}
GROUP BY m.canonical_segment_id
HAVING count(*) >= {number :limit}
ORDER BY value_count DESC, m.canonical_segment_id
