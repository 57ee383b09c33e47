"""The table explorer: what tables there are, what they look like, and the sample queries over them."""

from profiles_sync.console.explorer.page import router

__all__ = ["router"]
