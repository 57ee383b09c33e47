"""The Syncs table, and what one sync did.

Source: Segment, "Profiles Sync Setup", section "Monitor Profiles Sync".
"""

from profiles_sync.console.syncs.page import router

__all__ = ["router"]
