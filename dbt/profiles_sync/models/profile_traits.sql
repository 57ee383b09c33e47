{{ config(
    unique_key='canonical_segment_id',
    incremental_strategy=profiles_sync.strategy(),
    post_hook="{{ profiles_sync.delete_gone('canonical_segment_id', 'SELECT g.segment_id FROM ' ~ ref('id_graph') ~ ' AS g') }}"
) }}
{#
  A row for every segment_id. On a profile of today stand its traits, which are those of its last row in
  profile_traits_updates, for each of these is a full set: a trait that was set to null is gone, and a merge wrote the
  newest of each. A profile that was merged away has none and says where it went. Traits that are new become columns.

  A run looks at keys and seq, and reads the traits of the rows that changed only.
#}
{% do profiles_sync.refuse_the_syncs_schema() %}
WITH snapshots AS (
    SELECT u.segment_id, max(u.seq) AS seq
    FROM {{ source('profiles_sync', 'profile_traits_updates') }} AS u
    GROUP BY u.segment_id
),

standing AS (
    SELECT
        g.segment_id AS canonical_segment_id,
        nullif(g.canonical_segment_id, g.segment_id) AS merged_to,
        CASE WHEN g.segment_id = g.canonical_segment_id THEN s.seq END AS traits_seq,
        CASE WHEN g.segment_id = g.canonical_segment_id AND s.seq IS NOT NULL THEN s.seq ELSE g.seq END AS seq,
        g.timestamp,
        g.uuid_ts
    FROM {{ ref('id_graph') }} AS g
    LEFT JOIN snapshots AS s ON g.segment_id = s.segment_id
)

SELECT
    p.canonical_segment_id,
    p.merged_to,
    p.seq,
    CASE WHEN p.traits_seq IS NULL THEN p.timestamp ELSE t.timestamp END AS {{ profiles_sync.timestamp() }},
    CASE WHEN p.traits_seq IS NULL THEN p.uuid_ts ELSE t.uuid_ts END AS uuid_ts
{%- for trait in profiles_sync.trait_columns() %},
    t.{{ trait }}
{%- endfor %}
FROM standing AS p
LEFT JOIN {{ source('profiles_sync', 'profile_traits_updates') }} AS t
    ON p.canonical_segment_id = t.segment_id AND p.traits_seq = t.seq
{%- if is_incremental() %}
LEFT JOIN {{ this }} AS o ON p.canonical_segment_id = o.canonical_segment_id
WHERE
    o.canonical_segment_id IS NULL
    OR o.seq <> p.seq
    OR coalesce(o.merged_to, '') <> coalesce(p.merged_to, '')
{%- endif %}
