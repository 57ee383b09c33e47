"""Put small files together and remove old ones, where that is due; the other hourly steps leave it out.

spark-submit jobs/upkeep.py --settings acme.yml
"""

from profiles_sync.cli import run_job
from profiles_sync.sync.upkeep import upkeep_job
from profiles_sync.terminal import overview

if __name__ == "__main__":
    run_job(upkeep_job, overview.print_upkept)
