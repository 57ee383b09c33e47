"""The Data Graph in the console: what it lacks, what an admin runs for it, and what its user may do."""

from profiles_sync.console.data_graph.page import router

__all__ = ["router"]
