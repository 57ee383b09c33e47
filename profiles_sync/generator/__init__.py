"""Made-up Segment events: the four-event story, and a seeded stream of any size."""
