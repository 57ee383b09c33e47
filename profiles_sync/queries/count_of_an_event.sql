/*
name: count_of_an_event
purpose: How often a Track event came, from how many users.
columns: [events, users]
parameters:
  event: {kind: text, about: "The event's slug, such as signed_up.", default: signed_up}
source: Segment, "Warehouse Schemas", the count of an event in tracks
*/
SELECT count(*) AS events, count(DISTINCT t.user_id) AS users
FROM {table tracks} AS t
WHERE t.event = {text :event}
