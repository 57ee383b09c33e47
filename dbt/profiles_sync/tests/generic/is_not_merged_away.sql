{# A segment_id that is said to be canonical is not itself merged into another one. #}
{% test is_not_merged_away(model, column_name) %}
SELECT m.{{ column_name }}
FROM {{ model }} AS m
INNER JOIN {{ ref('id_graph') }} AS g ON m.{{ column_name }} = g.segment_id
WHERE g.segment_id <> g.canonical_segment_id
{% endtest %}
