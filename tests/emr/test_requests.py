"""conf/emr: what is sent to AWS is as AWS's own models want it, and says the same in every file."""

import json
from itertools import pairwise
from pathlib import Path

import boto3
import pytest
from botocore import xform_name
from botocore.validate import ParamValidator

from tests.commands import in_process

ROOT = Path(__file__).parents[2]
EMR = ROOT / "conf" / "emr"


def settings(name):
    lines = (EMR / name).read_text().splitlines()
    return [line for line in lines if line and not line.startswith("#")]


def read(name):
    return json.loads((EMR / name).read_text())


REQUESTS = {"step.json": ("emr", "AddJobFlowSteps"), "serverless.json": ("emr-serverless", "StartJobRun")}


@pytest.mark.parametrize("name", REQUESTS)
def test_a_request_is_what_the_service_takes(name):
    service, operation = REQUESTS[name]
    client = boto3.client(service, region_name="eu-west-1")
    assert hasattr(client, xform_name(operation))
    request = read(name)
    if service == "emr-serverless":  # the command line makes one up
        request |= {"clientToken": "x", "executionRoleArn": "arn:aws:iam::123456789012:role/profiles-sync"}
    shape = client.meta.service_model.operation_model(operation).input_shape
    assert not ParamValidator().validate(request, shape).has_errors()


def given(name):
    """What spark-submit is given: its options, the job and the job's arguments."""
    if name == "step.json":
        (step,) = read(name)["Steps"]
        program, *words = step["HadoopJarStep"]["Args"]
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
