"""Resolve the identities of the open batch and write the profile raw tables; after `ingest_events.py`.

spark-submit jobs/resolve_identities.py --settings acme.yml
"""

from profiles_sync.cli import run_job
from profiles_sync.sync.steps import resolve_identities

if __name__ == "__main__":
    run_job(resolve_identities)
