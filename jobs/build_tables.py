"""Build every table of the open batch and land it; after `resolve_identities.py`.

spark-submit jobs/build_tables.py --settings acme.yml
"""

from profiles_sync.cli import run_job
from profiles_sync.sync.steps import build_tables

if __name__ == "__main__":
    run_job(build_tables)
