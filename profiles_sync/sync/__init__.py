"""When and whether: one sync, from plan to record."""
