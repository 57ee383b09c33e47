"""The main job: new events into the lake, then every enabled warehouse.

spark-submit jobs/run_hourly.py --settings acme.yml
"""

from profiles_sync.cli import run_job
from profiles_sync.sync.hourly import run

if __name__ == "__main__":
    run_job(run)
