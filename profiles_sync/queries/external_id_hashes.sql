/*
name: external_id_hashes
purpose: The hash of each external ID as it is kept and as it is computed here, to find one by type and value.
columns: [external_id_type, external_id_value, external_id_hash, computed_hash]
notes:
  postgres: Needs the extension pgcrypto.
  synapse: Differs for values with letters beyond the database's code page.
source: Segment, "Profiles Sync Sample Queries", "What hash function is used for the external_id_hash field"
*/
SELECT
    m.external_id_type,
    m.external_id_value,
    m.external_id_hash,
    {sha1 concat(m.external_id_type, m.external_id_value)} AS computed_hash
FROM {table external_id_mapping} AS m
ORDER BY m.external_id_hash
