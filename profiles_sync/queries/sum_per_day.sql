/*
name: sum_per_day
purpose: The sum of a property of a Track event on each day, such as revenue.
columns: [event_day, events, total]
parameters:
  event: {kind: table, about: The event's table., default: order_completed}
  property: {kind: column, about: The column of a number., default: revenue}
source: Segment, "Warehouse Schemas", revenue by day
*/
SELECT d.event_day, count(*) AS events, sum(d.amount) AS total
FROM (
    SELECT
        CAST(e.timestamp AS date) AS event_day,
        CAST({column :property OF :event AS e} AS {type double}) AS amount
    FROM {table :event} AS e
) AS d
GROUP BY d.event_day
ORDER BY d.event_day
