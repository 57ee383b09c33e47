{# Every row of external_id_mapping_updates; `_place` 1 is the last one of its external ID. #}
{% macro external_ids() -%}
    SELECT
        u.segment_id,
        u.external_id_type,
        u.external_id_value,
        u.external_id_hash,
        u.timestamp,
        u.uuid_ts,
        u.__operation,
        row_number() OVER (PARTITION BY u.external_id_hash ORDER BY u.seq DESC) AS _place
    FROM {{ source('profiles_sync', 'external_id_mapping_updates') }} AS u
{%- endmacro %}


{# The hashes of those that were not removed. #}
{% macro living_external_ids() -%}
    SELECT m.external_id_hash FROM ({{ profiles_sync.external_ids() }}) AS m
    WHERE m._place = 1 AND coalesce(m.__operation, 'CREATED') <> 'REMOVED'
{%- endmacro %}
