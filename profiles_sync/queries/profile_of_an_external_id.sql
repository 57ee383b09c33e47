/*
name: profile_of_an_external_id
purpose: The profile that has an external ID, with all its external IDs.
columns: [canonical_segment_id, external_id_type, external_id_value]
parameters:
  type: {kind: text, about: The external ID type., default: email}
  value: {kind: text, about: The external ID.}
source: Segment, "Identities in the warehouse", identities by email
*/
SELECT m.canonical_segment_id, m.external_id_type, m.external_id_value
FROM {table external_id_mapping} AS m
INNER JOIN {table external_id_mapping} AS o ON m.canonical_segment_id = o.canonical_segment_id
WHERE o.external_id_type = {text :type} AND o.external_id_value = {text :value}
ORDER BY m.external_id_type, m.external_id_value
