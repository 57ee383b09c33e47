"""conf/emr: what is sent to AWS is as AWS's own models want it, and says the same in every file."""

import json
import os
import subprocess
from functools import cache
from itertools import pairwise
from pathlib import Path

import pytest
from botocore.session import get_session
from botocore.validate import ParamValidator

from tests.commands import in_process

ROOT = Path(__file__).parents[2]
EMR = ROOT / "conf" / "emr"


def settings(name):
    lines = (EMR / name).read_text().splitlines()
    return [line for line in lines if line and not line.startswith("#")]


def read(name):
    return json.loads((EMR / name).read_text())


def request_of(name, text=None):
    """What is sent: `step.json` is what `aws emr add-steps` takes as `--steps`, and has words of its own for a step."""
    found = json.loads((EMR / name).read_text() if text is None else text)
    return {"JobFlowId": "CLUSTER", "Steps": [sent(step) for step in found]} if name == "step.json" else found


def sent(step):
    """As the command line puts it; a key that it does not know it refuses."""
    assert step.pop("Type") == "CUSTOM_JAR"
    jar = {key: step.pop(key) for key in ("Jar", "Args", "MainClass") if key in step}
    return step | {"HadoopJarStep": jar}


REQUESTS = {"step.json": ("emr", "AddJobFlowSteps"), "serverless.json": ("emr-serverless", "StartJobRun")}


@cache
def shape_of(name):
    """The request as AWS's own model of the service has it."""
    service, operation = REQUESTS[name]
    return get_session().get_service_model(service).operation_model(operation).input_shape


def refused(name, request):
    """What the model has against the request."""
    if name == "serverless.json":  # the command line makes a token up
        request = {"clientToken": "x"} | request
        request |= {"executionRoleArn": "arn:aws:iam::123456789012:role/profiles-sync"}
    shape = shape_of(name)
    return ParamValidator().validate(request, shape).generate_report() + "".join(no_such_word(request, shape))


def no_such_word(value, shape):
    """Of a service's words, such as CONTINUE, botocore knows the list and does not look."""
    if shape.type_name == "structure":
        for name, inner in value.items():
            if name in shape.members:
                yield from no_such_word(inner, shape.members[name])
    elif shape.type_name == "list":
        for inner in value:
            yield from no_such_word(inner, shape.member)
    elif getattr(shape, "enum", None) and value not in shape.enum:
        yield f"{value}: expected {shape.enum}"


@pytest.mark.parametrize("name", REQUESTS)
def test_a_request_is_what_the_service_takes(name):
    assert refused(name, request_of(name)) == ""


@pytest.mark.parametrize(
    ("name", "right", "wrong", "told"),
    [
        ("step.json", '"Jar"', '"JarFile"', "JarFile"),
        ("step.json", '"Name"', '"Called"', "Called"),
        ("step.json", '"CONTINUE"', '"GO_ON"', "GO_ON: expected"),
        ("serverless.json", '"entryPoint"', '"entrypoint"', "entrypoint"),
        ("serverless.json", '"sparkSubmit"', '"spark"', "spark"),
        ("serverless.json", ": 180", ': "long"', "executionTimeoutMinutes"),
        ("serverless.json", '"logUri"', '"logs"', "logs"),
    ],
)
def test_a_key_or_a_word_that_is_wrong_is_found(name, right, wrong, told):
    text = (EMR / name).read_text()
    assert right in text
    assert told in refused(name, request_of(name, text.replace(right, wrong)))


def given(name):
    """What spark-submit is given: its options, the job and the job's arguments."""
    if name == "step.json":
        (step,) = read(name)
        program, *words = step["Args"]
        assert program == "spark-submit"
        job = next(place for place, word in enumerate(words) if word.endswith(".py"))
        return words[:job], words[job], words[job + 1 :]
    driver = read(name)["jobDriver"]["sparkSubmit"]
    return driver["sparkSubmitParameters"].split(), driver["entryPoint"], driver["entryPointArguments"]


@pytest.mark.parametrize("name", REQUESTS)
def test_a_request_has_the_settings_that_have_their_reasons_elsewhere(name):
    options, job, arguments = given(name)
    reasoned = {*settings("spark.conf"), *(settings("yarn.conf") if name == "step.json" else ())}
    confs = {value for option, value in pairwise(options) if option == "--conf"}
    assert reasoned <= confs
    assert all("environment" in one or "NUMBA_CACHE_DIR" in one for one in confs - reasoned)
    assert (ROOT / job.partition("/app/")[2]).is_file()
    code, _, err = in_process("run", *arguments)  # there is no such folder here, and that is all
    assert (code, "no file at environment/settings" in err) == (2, True)


def test_each_setting_of_spark_has_its_reason():
    for name in ("spark.conf", "yarn.conf"):
        lines = (EMR / name).read_text().splitlines()
        blocks = [line.startswith("#") for line in lines if line]
        assert blocks[0], name
        keys = [line.partition("=")[0] for line in settings(name)]
        assert len(set(keys)) == len(keys)
        assert all(key.startswith("spark.") for key in keys)


def submitted(*arguments):
    """What spark-submit would be given, by the script for any cluster."""
    command = [EMR / "submit.sh", *arguments]
    added = {"SPARK_SUBMIT": "/bin/echo"}
    return subprocess.run(command, env=os.environ | added, capture_output=True, text=True, check=False)


def test_the_script_gives_every_setting_of_the_files_that_are_named():
    done = submitted("env.tar.gz", "spark.conf", "yarn.conf", "--", "--master", "yarn", "job.py", "--settings", "a b")
    reasoned = [word for one in settings("spark.conf") + settings("yarn.conf") for word in ("--conf", one)]
    expected = ["--archives", "env.tar.gz#environment", *reasoned, "--master", "yarn", "job.py", "--settings", "a b"]
    assert (done.returncode, done.stdout) == (0, " ".join(expected) + "\n")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ((), "the packed environment"),
        (("env.tar.gz", "sparc.conf", "--", "job.py"), "no file at"),
        (("env.tar.gz", "spark.conf"), "no -- before"),
    ],
)
def test_the_script_submits_nothing_without_settings_that_are_asked_for(arguments, told):
    done = submitted(*arguments)
    assert done.returncode != 0
    assert (done.stdout, told in done.stderr) == ("", True), done.stderr


def test_two_settings_files_of_one_name_are_not_packed(tmp_path):
    command = [ROOT / "scripts/pack.sh", tmp_path / "out.tar.gz", tmp_path / "dev/acme.yml", tmp_path / "prod/acme.yml"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, "two settings files are called acme.yml" in done.stderr) == (2, True), done.stderr


def test_the_policy_lets_the_job_write_its_lake_and_logs_and_read_the_rest():
    writes, reads = set(), set()
    for one in read("policy.json")["Statement"]:
        actions = [one["Action"]] if isinstance(one["Action"], str) else one["Action"]
        places = [one["Resource"]] if isinstance(one["Resource"], str) else one["Resource"]
        assert one["Effect"] == "Allow"
        assert not any("*" in action for action in actions)
        writes |= {place for place in places if {"s3:PutObject", "s3:DeleteObject"} & {*actions}}
        reads |= {place for place in places if "s3:GetObject" in actions}
    bucket = "arn:aws:s3:::BUCKET"
    assert writes == {f"{bucket}/lake/*", f"{bucket}/logs/*"}
    assert reads == {f"{bucket}/{folder}/*" for folder in ("lake", "events", "app")}
