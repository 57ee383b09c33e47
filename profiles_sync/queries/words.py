"""What each kind of warehouse says in its own words, where one text serves them all."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Words:
    """Expressions; `{0}` and `{1}` are what they are about.

    Attributes:
        hour: The beginning of a timestamp's hour.
        joined: A group's texts in one, in order, with commas between them.
        seconds: From one timestamp to a later one.
        sha1: A text's digest, in hexadecimal digits.
        catalog: A table of the information schema; `{0}` is its name, `{1}` the quoted schema, `{2}` what the dialect
            makes of `information_schema` and the name.
    """

    hour: str = "date_trunc('hour', {0})"
    joined: str = "listagg({0}, ', ') WITHIN GROUP (ORDER BY {0})"
    seconds: str = "datediff(second, {0}, {1})"
    sha1: str = "sha1({0})"
    catalog: str = "{2}"


_AGGREGATED = "string_agg({0}, ', ' ORDER BY {0})"

WORDS: Mapping[str, Words] = {
    "duckdb": Words(joined=_AGGREGATED, seconds="date_diff('second', {0}, {1})"),
    "postgres": Words(
        joined=_AGGREGATED,
        seconds="extract(epoch FROM {1} - {0})",
        sha1="encode(digest(convert_to({0}, 'UTF8'), 'sha1'), 'hex')",
    ),
    "snowflake": Words(),
    "redshift": Words(),
    "bigquery": Words(
        hour="timestamp_trunc({0}, HOUR)",
        joined=_AGGREGATED,
        seconds="timestamp_diff({1}, {0}, SECOND)",
        sha1="to_hex(sha1({0}))",
        catalog="{1}.INFORMATION_SCHEMA.{0}",
    ),
    "synapse": Words(
        hour="DATEADD(hour, DATEDIFF(hour, 0, {0}), 0)",
        joined="STRING_AGG(CAST({0} AS nvarchar(max)), ', ') WITHIN GROUP (ORDER BY {0})",
        sha1="LOWER(CONVERT(varchar(40), HASHBYTES('SHA1', CAST({0} AS varchar(8000))), 2))",
    ),
    "databricks": Words(joined="array_join(array_sort(collect_list({0})), ', ')"),
}
