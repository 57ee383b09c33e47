/*
name: profiles_per_trait_value
purpose: How many profiles of today have each value of a trait.
columns: [trait_value, profiles]
parameters:
  trait: {kind: column, about: The trait's column.}
source: Segment, "Useful SQL Queries for Redshift", counts of traits
*/
SELECT v.trait_value, count(*) AS profiles
FROM (
    SELECT {column :trait OF profile_traits AS p} AS trait_value
    FROM {table profile_traits} AS p
    WHERE p.merged_to IS NULL
) AS v
GROUP BY v.trait_value
ORDER BY profiles DESC, v.trait_value
