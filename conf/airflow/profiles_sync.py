"""Airflow DAG: the hourly run of every space.

Airflow's own environment needs nothing of Profiles Sync; the command has one of its own. `PROFILES_SYNC` says where.
"""

import os
from datetime import UTC, datetime, timedelta

from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import DAG

COMMAND = os.environ.get("PROFILES_SYNC", "/opt/profiles-sync/bin/profiles-sync")
SETTINGS = os.environ.get("PROFILES_SYNC_SETTINGS", "/etc/profiles-sync")

with DAG(
    "profiles_sync",
    description="New events into the lake, then every warehouse",
    schedule="@hourly",
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,  # a run takes all that is new, whatever hour it is of
    max_active_runs=1,  # a second one would find the spaces locked
    default_args={"retries": 2, "retry_delay": timedelta(minutes=5)},
    tags=["profiles-sync"],
) as dag:
    BashOperator(
        task_id="run",
        bash_command='"$COMMAND" run --settings "$SETTINGS"',
        env={"COMMAND": COMMAND, "SETTINGS": SETTINGS},
        append_env=True,
        # Partial success is shown as skipped: alerts tell of it, and the next run repeats what was left out.
        skip_on_exit_code=3,
        execution_timeout=timedelta(hours=3),
    )
