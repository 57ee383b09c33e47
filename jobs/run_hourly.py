"""The main job: new events into the lake, then every enabled warehouse.

spark-submit jobs/run_hourly.py --settings acme.yml
"""

from profiles_sync.cli import carry_out, run_job

if __name__ == "__main__":
    run_job(carry_out)
