"""What the documents show and no test of theirs can run: the one list, each with who runs it instead and why."""

#: How a line begins, to the test that does what it says, and the reason. A line that is not shown any more has to go.
ELSEWHERE = {
    "profiles-sync console": "tests/console/test_login.py: it goes on until it is ended",
    "profiles-sync data-graph connect": "tests/data_graph: it takes a Redshift",
    "profiles-sync quality release": "tests/sync/test_held_back.py: nothing is held back here",
    "profiles-sync warehouse add pg type=postgres": "tests/test_cli_modifying.py: it takes a server and a password",
    "profiles-sync warehouse enable pg": "tests/test_cli_modifying.py: it takes what was added",
    "profiles-sync warehouse retype pg order_completed coupon": "tests/warehouses/contract: DuckDB has no lengths",
    "spark-submit --packages": "tests/connectors: it asks Maven, and takes an account",
    "spark-submit jobs/run_hourly.py": "tests/test_jobs.py: on a master and with settings of its own",
    "databricks bundle deploy": "tests/platforms/test_databricks_bundle.py: it takes a workspace",
    "systemctl enable": "tests/test_schedulers.py: it takes a machine that systemd runs",
    "pip install": "tests/test_release.py: the package is in no index; the extras that are named exist",
    "python -m profiles_sync.spec.reference": "tests/test_readme.py: it writes README.md, which is compared",
    "python -m tests.warehouses.contract.matrix": "tests/test_readme.py: it writes README.md, which is compared",
    "python -m tests.kept_lakes": "tests/test_kept_lakes.py: it makes what a release keeps",
    "python -m tests.benchmarks": "tests/test_benchmarks.py: it takes hours",
    "python -m pytest": "tests/test_readme.py: it is this",
}
#: What a target of make does is not done within a test, which runs in what `make install` built; `make -n` reads it.
MAKE = {
    "install": "scripts/install.sh: it built what runs this",
    "install-spark-3": "scripts/install.sh: it built the second lane",
    "install-servers": "scripts/postgres.sh: it found what tests start",
    "install-gsqlcheck": "tests/gsqlcheck: it takes ten minutes and gigabytes",
    "install-airflow": "tests/test_schedulers.py: it built what that runs the DAG in",
    "install-dbt": "tests/dbt: it built what that runs the package in",
    "notebooks": "tests/notebooks/conftest.py: the same shop, and the same job",
    "docs": "tests/docs/test_site.py: the same build",
    "dbt-compare": "tests/dbt/test_compare.py: on models of its own",
    "pack": "tests/emr/test_cluster.py: from the archive that it makes",
    "demo": "tests/test_cli.py: the command that it runs",
    "test": "tests: it is this",
    "test-all": "tests: it is this",
    "test-standins": "tests: it is this",
    "check": "tests: it is a part of this",
    "bench": "tests/test_benchmarks.py: it takes hours",
    "bench-quick": "tests/test_benchmarks.py: it takes minutes",
    "release": "tests/test_release.py: the same build",
    "audit": "scripts/release.sh: it asks pypi.org",
    "format": "pyproject.toml: it rewrites the code",
    "lock": "requirements: it asks an index, and rewrites these",
    "clean": "Makefile: it removes what runs this",
}


def elsewhere(line):
    """Whether somebody else runs it."""
    return line.startswith(tuple(ELSEWHERE))
