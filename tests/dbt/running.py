"""dbt as a user runs it, from its own environment, which `make install-dbt` makes."""

import json
import os
import subprocess
from contextlib import contextmanager
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[2]
PROJECT = ROOT / "dbt" / "profiles_sync"
PYTHON = ROOT / ".venv-dbt" / "bin" / "python"
QUIET = {"DBT_SEND_ANONYMOUS_USAGE_STATS": "false", "DO_NOT_TRACK": "1", "DBT_LOG_LEVEL": "none"}
# dbt takes seconds to import, so it is imported once; each command is a fork's, which lets go of the file it opened.
DRIVER = """
import json, os, sys
from dbt.cli.main import dbtRunner
import dbt.adapters.duckdb, dbt.adapters.postgres

def told(done):
    for one in getattr(done.result, "results", None) or ():
        yield [one.node.name, str(one.status), one.message]

for line in sys.stdin:
    given = json.loads(line)
    if not (child := os.fork()):
        done = dbtRunner().invoke(given["arguments"])
        with open(given["answer"], "w") as answer:
            json.dump({"ok": done.success, "error": str(done.exception or ""), "results": list(told(done))}, answer)
        os._exit(0)
    os.waitpid(child, 0)
    print(flush=True)
"""


class Dbt:
    """Commands over one project and one target, with everything that dbt writes in a folder of its own."""

    def __init__(self, driver, folder, output, schema="acme", project=PROJECT, target="modelled", **variables):
        self.driver, self.folder, self.project = driver, folder, project
        self.variables = {"profiles_sync_schema": schema} | variables
        folder.mkdir()
        profile = {"target": "here", "outputs": {"here": output | {"schema": target, "threads": 1}}}
        (folder / "profiles.yml").write_text(yaml.safe_dump({"profiles_sync": profile}))

    def __call__(self, command, *options, **variables):
        """What came of each model and test: name to status."""
        answer = self.folder / "answer.json"
        answer.unlink(missing_ok=True)
        places = {
            "--project-dir": self.project,
            "--profiles-dir": self.folder,
            "--target-path": self.folder / "target",
            "--log-path": self.folder / "logs",
            "--vars": json.dumps(self.variables | variables),
        }
        arguments = [command, *options, *(str(part) for pair in places.items() for part in pair)]
        self.driver.stdin.write(json.dumps({"arguments": arguments, "answer": str(answer)}) + "\n")
        self.driver.stdin.flush()
        assert self.driver.stdout.readline(), "dbt went away"
        self.said = json.loads(answer.read_text())
        return {name: status for name, status, _ in self.said["results"]}

    def compiled(self, model):
        """The query of a model as it was run last."""
        return next((self.folder / "target" / "compiled").rglob(f"models/{model}.sql")).read_text().strip()


@contextmanager
def driver():
    """A process that has imported dbt."""
    environment = os.environ | QUIET
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen([str(PYTHON), "-c", DRIVER], env=environment, **pipes) as process:
        try:
            yield process
        finally:
            process.stdin.close()


def duckdb_output(settings):
    return {"type": "duckdb", "path": settings.path}


def postgres_output(settings):
    return {
        "type": "postgres",
        "host": settings.host,
        "port": settings.port,
        "dbname": settings.database,
        "user": settings.username,
        "password": settings.password.get_secret_value(),
    }
