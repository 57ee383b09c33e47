"""The identity graph in the console: who a profile is, how it came to be, and whether the graph is well."""

from profiles_sync.console.identity.page import router

__all__ = ["router"]
