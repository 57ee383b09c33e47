"""Bring every enabled warehouse up to the lake; after `build_tables.py`.

spark-submit jobs/sync_warehouses.py --settings acme.yml
"""

from profiles_sync.cli import run_job
from profiles_sync.sync.steps import sync_warehouses

if __name__ == "__main__":
    run_job(sync_warehouses)
