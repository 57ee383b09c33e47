{# How an incremental run replaces rows; adapters without DELETE and INSERT in one go have MERGE. #}
{% macro strategy() %}
    {{ return(adapter.dispatch('strategy', 'profiles_sync')()) }}
{% endmacro %}

{% macro default__strategy() %}
    {{ return('delete+insert') }}
{% endmacro %}

{% macro bigquery__strategy() %}
    {{ return('merge') }}
{% endmacro %}

{% macro databricks__strategy() %}
    {{ return('merge') }}
{% endmacro %}


{# The later of two times, of which either may be missing; GREATEST does not agree on that everywhere. #}
{% macro later(one, other) -%}
    CASE WHEN {{ one }} IS NULL OR {{ other }} > {{ one }} THEN {{ other }} ELSE {{ one }} END
{%- endmacro %}


{# The column's name where one is given to an expression: a word that Redshift reserves. #}
{% macro timestamp() %}
    {{ return(adapter.dispatch('timestamp', 'profiles_sync')()) }}
{% endmacro %}

{% macro default__timestamp() %}
    {{ return(adapter.quote('timestamp')) }}
{% endmacro %}

{% macro snowflake__timestamp() %}
    {{ return('timestamp') }}
{% endmacro %}


{# After an incremental run: rows whose key is not among `living` any more. #}
{% macro delete_gone(key, living) -%}
    {% if is_incremental() -%}
    DELETE FROM {{ this }} WHERE {{ key }} NOT IN ({{ living }})
    {%- endif %}
{%- endmacro %}


{# The columns of traits, quoted: all of profile_traits_updates but those that every space has. #}
{% macro trait_columns() %}
    {% set fixed = [
        'id', 'segment_id', 'seq', 'received_at', 'timestamp', 'uuid_ts', 'triggering_event_type',
        'triggering_event_id', 'triggering_event_name', 'triggering_event_source_id',
        'triggering_event_source_name', 'triggering_event_source_slug',
    ] %}
    {% set found = [] %}
    {% if execute %}
        {% for column in adapter.get_columns_in_relation(source('profiles_sync', 'profile_traits_updates')) %}
            {% if column.name | lower not in fixed %}
                {% do found.append(adapter.quote(column.name)) %}
            {% endif %}
        {% endfor %}
    {% endif %}
    {{ return(found) }}
{% endmacro %}


{# The sync may keep tables of the same names in its own schema, which a model must not write. #}
{% macro refuse_the_syncs_schema() %}
    {% set theirs = source('profiles_sync', 'id_graph_updates') %}
    {% if execute and this.schema | lower == theirs.schema | lower and this.database == theirs.database %}
        {{ exceptions.raise_compiler_error(
            "the schema " ~ this.schema ~ " is the sync's own and may hold tables of these names; give the target "
            ~ "another schema"
        ) }}
    {% endif %}
{% endmacro %}
