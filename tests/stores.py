"""An S3 server on loopback, as a process of its own that ends by its own pid.

It looks whether a conditional write may be done and then does it, in threads. So that nothing comes in between, as in
a real store, it answers one request at a time, once that is there whole: who stops in the middle of one delays nobody.
"""

import subprocess
import sys
from contextlib import contextmanager

import boto3

SERVER = """
import io
import sys
import threading
from moto.moto_server.werkzeug_app import DomainDispatcherApplication
from moto.server import ThreadedMotoServer
one, answer = threading.Lock(), DomainDispatcherApplication.__call__
def one_at_a_time(app, request, respond):
    body = request["wsgi.input"]
    length = -1 if request.get("wsgi.input_terminated") else int(request.get("CONTENT_LENGTH") or 0)
    request["wsgi.input"] = io.BytesIO(body.read(length))
    with one:
        return list(answer(app, request, respond))
DomainDispatcherApplication.__call__ = one_at_a_time
server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
server.start()
print(server.get_host_and_port()[1], flush=True)
sys.stdin.read()
"""


@contextmanager
def s3_server(program=("-c", SERVER)):
    """Its variables, for the usual chain of credentials; `program` is what Python is given instead."""
    with subprocess.Popen(
        [sys.executable, *map(str, program)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        try:
            yield {
                "AWS_ENDPOINT_URL": f"http://127.0.0.1:{int(process.stdout.readline())}",
                "AWS_ACCESS_KEY_ID": "of-the-test",
                "AWS_SECRET_ACCESS_KEY": "of-the-test",
                "AWS_REGION": "eu-west-1",
                "AWS_ALLOW_HTTP": "true",
                "AWS_EC2_METADATA_DISABLED": "true",
            }
        finally:
            process.kill()


def make_bucket(variables, name):
    """A bucket in the server's region, made by the usual chain of credentials."""
    where = {"CreateBucketConfiguration": {"LocationConstraint": variables["AWS_REGION"]}}
    boto3.client("s3", region_name=variables["AWS_REGION"]).create_bucket(Bucket=name, **where)
