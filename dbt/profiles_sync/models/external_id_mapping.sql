{{ config(
    unique_key='external_id_hash',
    incremental_strategy=profiles_sync.strategy(),
    post_hook="{{ profiles_sync.delete_gone('external_id_hash', profiles_sync.living_external_ids()) }}"
) }}
{#
  The last row of each external ID by seq, unless that says that it was removed, with the profile that it belongs to now.
  Its time is the last moment at which that changed: when it was attached, or when its profile was merged.
#}
{% do profiles_sync.refuse_the_syncs_schema() %}
{% set uuid_ts = profiles_sync.later('m.uuid_ts', 'g.uuid_ts') %}
SELECT
    coalesce(g.canonical_segment_id, m.segment_id) AS canonical_segment_id,
    m.external_id_type,
    m.external_id_value,
    m.external_id_hash,
    {{ profiles_sync.later('m.timestamp', 'g.timestamp') }} AS {{ profiles_sync.timestamp() }},
    {{ uuid_ts }} AS uuid_ts
FROM ({{ profiles_sync.external_ids() }}) AS m
LEFT JOIN {{ ref('id_graph') }} AS g ON m.segment_id = g.segment_id
{%- if is_incremental() %}
LEFT JOIN {{ this }} AS o ON m.external_id_hash = o.external_id_hash
{%- endif %}
WHERE
    m._place = 1
    AND coalesce(m.__operation, 'CREATED') <> 'REMOVED'
{%- if is_incremental() %}
    AND (
        o.external_id_hash IS NULL
        OR o.canonical_segment_id <> coalesce(g.canonical_segment_id, m.segment_id)
        OR o.uuid_ts <> {{ uuid_ts }}
    )
{%- endif %}
