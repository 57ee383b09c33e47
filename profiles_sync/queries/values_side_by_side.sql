/*
name: values_side_by_side
purpose: For each profile, how often an event had each of two values of a property, and any other one.
columns: [canonical_segment_id, first_value_events, second_value_events, other_events]
parameters:
  event: {kind: table, about: The event's table., default: order_completed}
  property: {kind: column, about: The property's column.}
  first: {kind: text, about: One value.}
  second: {kind: text, about: Another value.}
source: Segment, "Useful SQL Queries for Redshift", items as columns
*/
SELECT
    v.canonical_segment_id,
    count(CASE WHEN v.kind = 1 THEN 1 END) AS first_value_events,
    count(CASE WHEN v.kind = 2 THEN 1 END) AS second_value_events,
    count(CASE WHEN v.kind = 3 THEN 1 END) AS other_events
FROM (
    SELECT
        g.canonical_segment_id,
        CASE CAST({column :property OF :event AS e} AS {type string})
            WHEN {text :first} THEN 1
            WHEN {text :second} THEN 2
            ELSE 3
        END AS kind
    FROM {table :event} AS e
    INNER JOIN {table id_graph} AS g ON e.segment_id = g.segment_id
) AS v
GROUP BY v.canonical_segment_id
ORDER BY v.canonical_segment_id
