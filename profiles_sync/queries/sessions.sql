/*
name: sessions
purpose: The Track events of each profile as sessions; a session ends when nothing came for some minutes.
columns: [canonical_segment_id, session_number, started_at, ended_at, events]
parameters:
  minutes: {kind: number, about: How long nothing comes between two sessions., default: 10}
source: Segment, "Useful SQL Queries for Redshift", events as sessions
*/
WITH ordered AS (
    SELECT
        g.canonical_segment_id,
        t.id,
        t.timestamp AS happened_at,
        lag(t.timestamp) OVER (PARTITION BY g.canonical_segment_id ORDER BY t.timestamp, t.id) AS before_at
    FROM {table tracks} AS t
    INNER JOIN {table id_graph} AS g ON t.segment_id = g.segment_id
),

begun AS (
    SELECT
        o.canonical_segment_id,
        o.id,
        o.happened_at,
        CASE
            WHEN o.before_at IS NULL THEN 1
            WHEN {seconds o.before_at TO o.happened_at} > 60 * {number :minutes} THEN 1
            ELSE 0
        END AS is_first
    FROM ordered AS o
),

numbered AS (
    SELECT
        b.canonical_segment_id,
        b.happened_at,
        sum(b.is_first) OVER (
            PARTITION BY b.canonical_segment_id ORDER BY b.happened_at, b.id ROWS UNBOUNDED PRECEDING
        ) AS session_number
    FROM begun AS b
)

SELECT
    n.canonical_segment_id,
    n.session_number,
    min(n.happened_at) AS started_at,
    max(n.happened_at) AS ended_at,
    count(*) AS events
FROM numbered AS n
GROUP BY n.canonical_segment_id, n.session_number
ORDER BY n.canonical_segment_id, n.session_number
