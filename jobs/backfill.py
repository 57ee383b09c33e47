"""Begin the backfills that it is time for, and go on with those that are open; beside the hourly job.

spark-submit jobs/backfill.py --settings acme.yml
"""

from profiles_sync.cli import run_job
from profiles_sync.sync.steps import backfill
from profiles_sync.terminal import overview

if __name__ == "__main__":
    run_job(backfill, overview.print_backfills)
