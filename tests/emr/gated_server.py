"""The S3 server of the tests with a guard: the job's requests need a grant of a policy, and each is written down.

    python -m tests.emr.gated_server POLICY LOG

A line of the log is the grant, or DENIED, and what was asked. Whoever has another key than the job's may do anything.
"""

import io
import json
import sys
from pathlib import Path

from moto.moto_server.werkzeug_app import DomainDispatcherApplication

from tests.emr.access import granted, needed
from tests.stores import SERVER

JOB = "of-the-job"
_REFUSED = b"<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>"


def gated(answer, policy, log):
    """An application that asks the policy first."""

    def call(self, environ, start_response):
        if f"Credential={JOB}/" not in environ.get("HTTP_AUTHORIZATION", ""):
            return answer(self, environ, start_response)
        verdicts = [(granted(policy, *one), *one) for one in _needed(environ)]
        for grant, action, resource in verdicts:
            print(grant or "DENIED", action, resource, sep="\t", file=log, flush=True)
        if all(grant for grant, *_ in verdicts):
            return answer(self, environ, start_response)
        start_response("403 Forbidden", [("Content-Type", "application/xml")])
        return [_REFUSED]

    return call


def _needed(environ):
    body = b""
    if environ["REQUEST_METHOD"] == "POST" and "delete" in environ["QUERY_STRING"]:
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        environ["wsgi.input"] = io.BytesIO(body)
    headers = {"x-amz-copy-source": environ.get("HTTP_X_AMZ_COPY_SOURCE", "")}
    return needed(environ["REQUEST_METHOD"], environ["PATH_INFO"], environ["QUERY_STRING"], headers, body)


if __name__ == "__main__":
    policy = json.loads(Path(sys.argv[1]).read_text())
    with open(sys.argv[2], "w") as log:
        DomainDispatcherApplication.__call__ = gated(DomainDispatcherApplication.__call__, policy, log)
        exec(SERVER)
