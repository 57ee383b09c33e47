"""Profiles Sync on Spark: events to identity-resolved profiles, in the lake and in your warehouse."""

__version__ = "0.1.0"
