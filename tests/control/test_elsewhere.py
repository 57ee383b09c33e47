"""Secrets are read where they are said to be: by the real client of AWS from a server on loopback, and over HTTP."""

import base64
import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import boto3
import pytest

from profiles_sync.control.elsewhere import is_reference, look_up
from profiles_sync.errors import CredentialsMissing
from tests.stores import s3_server

SECRET = "hunter2-of-the-test"


@pytest.fixture
def aws(monkeypatch):
    with s3_server() as variables:
        for name, value in (variables | {"AWS_DEFAULT_REGION": variables["AWS_REGION"]}).items():
            monkeypatch.setenv(name, value)
        client = boto3.client("secretsmanager")
        client.create_secret(Name="plain", SecretString=SECRET)
        client.create_secret(Name="prod/warehouse", SecretString=json.dumps({"username": "u", "password": SECRET}))
        yield


@pytest.fixture
def workspace():
    class Scopes(BaseHTTPRequestHandler):
        def do_GET(self):
            known = self.path == "/api/2.0/secrets/get?scope=sync&key=pg+password"
            allowed = self.headers["Authorization"] == "Bearer of-the-test"
            self.send_response(403 if not allowed else 200 if known else 404)
            self.end_headers()
            self.wfile.write(json.dumps({"value": base64.b64encode(SECRET.encode()).decode()}).encode())

        def log_message(self, *_):
            pass

    server = HTTPServer(("127.0.0.1", 0), Scopes)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield {"DATABRICKS_HOST": f"http://127.0.0.1:{server.server_port}", "DATABRICKS_TOKEN": "of-the-test"}
    server.shutdown()
    server.server_close()


def refused(where, environ=None):
    with pytest.raises(CredentialsMissing) as told:
        look_up(where, environ or {})
    assert SECRET not in str(told.value)
    return str(told.value)


def test_a_reference_names_its_kind_and_place():
    assert all(map(is_reference, ("env:X", "file:/x", "aws:prod/warehouse#password", "databricks:sync/pg")))
    assert not any(map(is_reference, ("hunter2", "env:", "vault:x", "hunter:2")))


def test_a_variable_and_a_file(tmp_path):
    (tmp_path / "secret").write_text(SECRET + "\n")
    assert look_up("env:PW", {"PW": SECRET}) == look_up(f"file:{tmp_path / 'secret'}", {}) == SECRET
    assert (refused("env:PW"), refused("file:/none")) == ("no such variable is set", "no such file can be read")


def test_aws_secrets_manager_has_it_plain_or_by_key(aws):
    assert look_up("aws:plain", {}) == look_up("aws:prod/warehouse#password", {}) == SECRET
    assert refused("aws:none") == "AWS answered ResourceNotFoundException"
    assert refused("aws:prod/warehouse#nothing") == refused("aws:plain#x") == "the secret has no text there"


def test_a_secret_scope_of_databricks(workspace):
    assert look_up("databricks:sync/pg password", workspace) == SECRET
    assert refused("databricks:sync/other", workspace) == "Databricks answered 404"
    assert refused("databricks:sync/pg", workspace | {"DATABRICKS_TOKEN": "x"}) == "Databricks answered 403"
    assert "DATABRICKS_TOKEN" in refused("databricks:sync/pg")
