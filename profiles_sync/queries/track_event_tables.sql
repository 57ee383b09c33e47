/*
name: track_event_tables
purpose: The tables of Track events, which are all tables of the schema but those that every space has.
columns: [table_name]
source: Segment, "Warehouse Schemas", the list of event tables
*/
SELECT lower(t.table_name) AS table_name
FROM {catalog tables} AS t
WHERE
    lower(t.table_schema) = lower({schema text})
    AND lower(t.table_name) NOT IN (
        'id_graph_updates', 'external_id_mapping_updates', 'profile_traits_updates', 'identifies',
        'pages', 'screens', 'groups', 'aliases', 'tracks', 'profile_merges', 'user_identifiers',
        'user_traits', 'id_graph', 'external_id_mapping', 'profile_traits'
    )
ORDER BY table_name
