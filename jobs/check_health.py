"""Look whether the lake, the warehouses and their last syncs are well; writes nothing.

spark-submit jobs/check_health.py --settings acme.yml
"""

from profiles_sync.cli import run_job
from profiles_sync.sync.health import health
from profiles_sync.terminal import overview

if __name__ == "__main__":
    run_job(health, overview.print_health)
