"""The overview: where each warehouse stands, and what was synced in the last 30 days."""

from profiles_sync.console.overview.page import router

__all__ = ["router"]
