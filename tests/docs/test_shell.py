"""Each line for a shell that is no command of ours: run as it stands, or among those that somebody else runs."""

import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import boto3
import pytest

pytest.importorskip("mkdocs")  # the second lane has it not

from profiles_sync.control import vault
from profiles_sync.warehouses.bigquery import connector as bigquery
from profiles_sync.warehouses.snowflake import connector as snowflake
from scripts.documentation.pages import Pages
from tests import documents
from tests.docs.elsewhere import ELSEWHERE, MAKE, elsewhere
from tests.psql import needs_postgres
from tests.servers import bare_postgres
from tests.stores import make_bucket, s3_server
from tests.test_readme import README, ROOT, block

CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
LINES = sorted({line for text in (README, CONTRIBUTING, *Pages().own().values()) for line in documents.shell(text)})
#: Their program, to the test that gives them as they stand here.
GIVEN = {
    "profiles-sync": "tests/docs/test_commands.py",
    "make": "test_a_target_of_make_is_there_and_takes_what_it_is_given",
    "psql": "test_an_admin_sets_postgres_up",
    "aws": "test_aws_takes_what_is_sent_to_emr",
    "export": "test_a_variable_is_one_that_is_read",
    "python": "test_a_module_runs",
}


def given(program):
    return [line for line in LINES if documents.program(line) == program and not elsewhere(line)]


def test_every_line_is_run_here_or_elsewhere_for_a_reason():
    assert [line for line in LINES if documents.program(line) not in GIVEN and not elsewhere(line)] == []
    assert [known for known in ELSEWHERE if not any(line.startswith(known) for line in LINES)] == []
    for reason in (*ELSEWHERE.values(), *MAKE.values(), *GIVEN.values()):
        who = reason.partition(": ")[0]
        assert (ROOT / who).exists() or who in globals(), reason


def test_a_line_that_is_in_no_block_is_found():
    text = "Say `make one` or\n`psql -f a\n  b.sql`, not `make`.\n\n    aws s3 ls\n    lake: x\n\n"
    text += "```sh\n.venv/bin/odd \\\n  --a  # b\n```\n"
    assert sorted(documents.shell(text)) == ["aws s3 ls", "make one", "odd --a", "psql -f a b.sql"]


def test_a_target_of_make_is_there_and_takes_what_it_is_given():
    text = (ROOT / "Makefile").read_text()
    assert {*re.findall(r"^([a-z0-9-]+):.*?## ", text, re.M)} - {"help"} == MAKE.keys()
    for line in given("make"):
        _, target, *variables = shlex.split(line)
        done = subprocess.run(["make", "-n", target, *variables], cwd=ROOT, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        for variable in variables:
            name, _, value = variable.partition("=")
            assert f"$({name})" in text
            assert value in done.stdout
    help_ = subprocess.run(
        ["make", "--no-print-directory", "help"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    assert {line.split()[0] for line in help_.splitlines()} == {"help", *MAKE}


def test_a_variable_is_one_that_is_read():
    names = [line.split()[1].strip("'").partition("=")[0] for line in given("export")]
    assert names == [vault.KEY]


def test_an_extra_that_is_to_be_installed_exists():
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    shown = re.findall(r"pip install '?profiles-sync\[(.+?)\]", README)
    assert {name for some in shown for name in some.split(",")} <= extras.keys()
    assert len(shown) == len([line for line in LINES if line.startswith("pip ")])


def test_the_connectors_are_those_that_the_tests_run():
    shown = [
        word for line in LINES if line.startswith("spark-submit --packages") for word in line.split() if ":" in word
    ]
    assert sorted(shown) == sorted([bigquery.JAR, snowflake.JAR])


@pytest.mark.slow
def test_a_module_runs(tmp_path):
    (line,) = given("python")
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    subprocess.run([sys.executable, *shlex.split(line)[1:]], cwd=tmp_path, env=environment, check=True)
    folder = tmp_path / line.split()[-1]
    events = sum(path.read_bytes().count(b"\n") for path in folder.rglob("*.jsonl"))
    assert events == int(line.split()[line.split().index("--events") + 1])


@pytest.mark.slow
@needs_postgres
def test_an_admin_sets_postgres_up(tmp_path):
    """The block as it stands: libpq is told another address for the host that it names."""
    script = block("sh", "psql -X")
    assert given("psql") == [script.splitlines()[1]]
    (tmp_path / ".venv").symlink_to(sys.prefix)
    (tmp_path / "acme.yml").write_text(block("yaml", "sources:\n  website: {"))
    with bare_postgres("postgres", "trust") as server:
        there = os.environ | {"PGHOSTADDR": "127.0.0.1", "PGPORT": str(server.port)}
        shell = {"cwd": tmp_path, "env": there, "capture_output": True, "text": True, "start_new_session": True}
        done = subprocess.run(["bash", "-euc", script], input="secret\nsecret\n", check=False, **shell)
        assert done.returncode == 0, done.stderr
        asked = "psql -XAt -h db.example.com -U segment -d acme -c 'CREATE SCHEMA a' -c 'SELECT current_user'"
        assert subprocess.run(shlex.split(asked), check=True, **shell).stdout.split()[-1] == "segment"


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("aws"), reason="no aws here")
def test_aws_takes_what_is_sent_to_emr(tmp_path, monkeypatch):
    """On moto's server, with words of its own for those in capitals, as the README says."""
    (tmp_path / "build" / "emr").mkdir(parents=True)
    (tmp_path / "build" / "emr" / "environment.tar.gz").write_bytes(b"packed")
    (tmp_path / "jobs").symlink_to(ROOT / "jobs")
    with s3_server() as variables:
        for name, value in (variables | {"AWS_DEFAULT_REGION": variables["AWS_REGION"]}).items():
            monkeypatch.setenv(name, value)
        own = words_in_capitals(variables)
        copied(ROOT / "conf" / "emr", tmp_path / "conf" / "emr", own)
        for line in given("aws"):
            aws, *words = shlex.split(replaced(line, own))
            words = [aws, "--endpoint-url", variables["AWS_ENDPOINT_URL"], *words]  # `aws emr` reads no variable for it
            done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, check=False)
            assert done.returncode == 0, (line, done.stderr)
        there = [one["Key"] for one in boto3.client("s3").list_objects_v2(Bucket=own["BUCKET"])["Contents"]]
        (step,) = boto3.client("emr").list_steps(ClusterId=own["CLUSTER"])["Steps"]
    assert {"app/environment.tar.gz", "app/jobs/run_hourly.py"} <= {*there}
    assert step["Config"]["Args"][0] == "spark-submit"
    assert f"s3://{own['BUCKET']}/app/jobs/run_hourly.py" in step["Config"]["Args"]


def words_in_capitals(variables):
    """A bucket, a cluster and an application that are there, and a role."""
    make_bucket(variables, "a-bucket")
    flow = {"MasterInstanceType": "m5.xlarge", "SlaveInstanceType": "m5.xlarge", "InstanceCount": 1}
    cluster = boto3.client("emr").run_job_flow(
        Name="a", ReleaseLabel="emr-7.5.0", Instances=flow | {"KeepJobFlowAliveWhenNoSteps": True}
    )
    application = boto3.client("emr-serverless").create_application(releaseLabel="emr-7.5.0", type="SPARK")
    return {
        "BUCKET": "a-bucket",
        "CLUSTER": cluster["JobFlowId"],
        "APPLICATION": application["applicationId"],
        "ROLE": "arn:aws:iam::123456789012:role/profiles-sync",
    }


def replaced(text, own):
    return re.sub(rf"\b({'|'.join(own)})\b", lambda found: own[found[0]], text)


def copied(source, into, own):
    into.mkdir(parents=True)
    for path in source.glob("*.json"):
        Path(into / path.name).write_text(replaced(path.read_text(), own))
