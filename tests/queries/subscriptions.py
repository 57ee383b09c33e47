"""Track calls that tell of subscriptions, as Segment names them."""

import random
from datetime import datetime, timedelta

CHANNELS = {"EMAIL": "jane@example.com", "SMS": "+4930", "PUSH": "t-1"}


def subscriptions():
    """Changes of subscriptions, among them two of one address."""
    rnd, at = random.Random(11), datetime(2026, 1, 6)
    for number in range(60):
        channel = rnd.choice(list(CHANNELS))
        status = rnd.choice(["SUBSCRIBED", "UNSUBSCRIBED"])
        yield {
            "type": "track",
            "event": "Channel Subscription Updated",
            "userId": f"user-{rnd.randrange(6)}",
            "messageId": f"sub-{number}",
            "receivedAt": (at + timedelta(minutes=number)).isoformat() + "Z",
            "properties": {
                "channel": channel,
                "id": CHANNELS[channel],
                "status": status,
                "place": "it's {table pages}",
            },
        }
