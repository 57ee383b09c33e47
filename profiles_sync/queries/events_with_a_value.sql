/*
name: events_with_a_value
purpose: The rows of a Track event whose property has a value.
columns: [":event.*"]
parameters:
  event: {kind: table, about: The event's table., default: order_completed}
  property: {kind: column, about: The property's column.}
  value: {kind: text, about: The value.}
source: Segment, "Warehouse Schemas", filtering an event by a property
*/
SELECT {columns :event AS e}
FROM {table :event} AS e
WHERE CAST({column :property OF :event AS e} AS {type string}) = {text :value}
ORDER BY e.received_at, e.id
