"""The console: Profiles Sync in a browser. It reads what commands read, and changes only what commands may change."""
