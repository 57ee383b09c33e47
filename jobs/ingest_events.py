"""Take new files as one batch and read them; first of the steps that `run_hourly.py` does in one.

spark-submit jobs/ingest_events.py --settings acme.yml
"""

from profiles_sync.cli import run_job
from profiles_sync.sync.steps import ingest_events

if __name__ == "__main__":
    run_job(ingest_events)
