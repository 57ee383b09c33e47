/*
name: traits_per_profile
purpose: Every profile of today, with the last value of each trait.
columns: [profile_traits.*]
source: Segment, "Profiles Sync Sample Queries", "Pull a complete list of your customers, along with traits"
*/
SELECT {columns profile_traits AS p}
FROM {table profile_traits} AS p
WHERE p.merged_to IS NULL
ORDER BY p.canonical_segment_id
