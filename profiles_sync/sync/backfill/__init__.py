"""Historical backfill: what the lake held when a warehouse was connected, staged first and then synced from there.

It begins by itself after the first successful sync with rows, once, or on request. It holds no lock of the space, so
that live syncs go on meanwhile. One that was killed goes on where it was. Source: Segment, "Profiles Sync Setup",
section "Using historical backfill".
"""

from profiles_sync.sync.backfill.doing import backfill, backfilled, carry_on, progress_of

__all__ = ["backfill", "backfilled", "carry_on", "progress_of"]
