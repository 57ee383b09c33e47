"""What a run tells of itself while it works: where it is, in logs, figures, and the history of Spark and warehouses.

None of it holds the value of an identifier or a trait, nor a secret. Nothing here can fail a sync.
"""
