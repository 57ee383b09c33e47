/*
name: subscription_statuses
purpose: The latest subscription status of each user's addresses and numbers, by channel.
columns: [user_id, channel, address, subscription_status, received_at]
source: Segment, "Profiles Sync Sample Queries", the event Channel Subscription Updated
*/
SELECT s.user_id, s.channel, s.address, s.subscription_status, s.received_at
FROM (
    SELECT
        c.user_id,
        {column channel OF channel_subscription_updated AS c} AS channel,
        {column _id OF channel_subscription_updated AS c} AS address,
        {column status OF channel_subscription_updated AS c} AS subscription_status,
        c.received_at,
        row_number() OVER (
            PARTITION BY
                c.user_id,
                {column channel OF channel_subscription_updated AS c},
                {column _id OF channel_subscription_updated AS c}
            ORDER BY c.received_at DESC, c.id DESC
        ) AS _place
    FROM {table channel_subscription_updated} AS c
) AS s
WHERE s._place = 1
ORDER BY s.user_id, s.channel, s.address
