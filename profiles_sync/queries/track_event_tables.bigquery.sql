-- Beside each table stands a view of its latest rows.
SELECT t.table_name
FROM {catalog tables} AS t
WHERE
    t.table_type = 'BASE TABLE'
    AND t.table_name NOT IN (
        'id_graph_updates', 'external_id_mapping_updates', 'profile_traits_updates', 'identifies',
        'pages', 'screens', 'groups', 'aliases', 'tracks', 'profile_merges', 'user_identifiers',
        'user_traits', 'id_graph', 'external_id_mapping', 'profile_traits'
    )
ORDER BY t.table_name
