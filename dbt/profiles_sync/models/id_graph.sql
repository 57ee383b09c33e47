{{ config(
    unique_key='segment_id',
    incremental_strategy=profiles_sync.strategy(),
    post_hook="{{ profiles_sync.delete_gone('segment_id', 'SELECT u.segment_id FROM ' ~ source('profiles_sync', 'id_graph_updates') ~ ' AS u') }}"
) }}
{#
  The last row of each segment_id by seq. A merge writes a row for every segment_id that it points elsewhere, so that is
  all there is to do; where one of them did not land yet, the merge is followed from the other side, twice as far with
  each hop.

  seq alone says which row is the last one: an event that comes late has a later seq than what landed before it. A run
  compares all keys and writes the rows that changed, so nothing depends on when rows landed, and a backfill, whose rows
  are older than those that are there, needs no full refresh.
#}
{% do profiles_sync.refuse_the_syncs_schema() %}
WITH ranked AS (
    SELECT
        u.segment_id,
        u.canonical_segment_id,
        u.seq,
        u.timestamp,
        u.uuid_ts,
        row_number() OVER (PARTITION BY u.segment_id ORDER BY u.seq DESC) AS _place
    FROM {{ source('profiles_sync', 'id_graph_updates') }} AS u
),

hop_0 AS (
    SELECT r.segment_id, r.canonical_segment_id, r.seq, r.timestamp, r.uuid_ts
    FROM ranked AS r
    WHERE r._place = 1
)
{%- for hop in range(1, var('profiles_sync_hops') + 1) %},

hop_{{ hop }} AS (
    SELECT
        here.segment_id,
        coalesce(further.canonical_segment_id, here.canonical_segment_id) AS canonical_segment_id,
        here.seq,
        here.timestamp,
        here.uuid_ts
    FROM hop_{{ hop - 1 }} AS here
    LEFT JOIN hop_{{ hop - 1 }} AS further ON here.canonical_segment_id = further.segment_id
)
{%- endfor %}

SELECT g.segment_id, g.canonical_segment_id, g.seq, g.timestamp, g.uuid_ts
FROM hop_{{ var('profiles_sync_hops') }} AS g
{%- if is_incremental() %}
LEFT JOIN {{ this }} AS o ON g.segment_id = o.segment_id
WHERE o.segment_id IS NULL OR o.seq <> g.seq OR o.canonical_segment_id <> g.canonical_segment_id
{%- endif %}
