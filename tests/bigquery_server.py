"""A BigQuery stand-in on loopback, started by the tests and ended by its own pid."""

import os
import shutil
import subprocess
import tempfile
import time
import urllib.request
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from tests.servers import free_port

ROOT = Path(__file__).parents[1]
ENVIRONMENT = ROOT / ".venv-bqemulator"


@dataclass
class BigQuery:
    """A server with a folder of its own, which outlives it. It has every project that somebody asks for."""

    folder: Path
    port: int
    process: subprocess.Popen | None = None
    lost: bool = False
    grpc: int | None = None  # a port for streams, by TLS

    def bucket(self, name):
        """The folder that is a bucket of Cloud Storage to the server."""
        (made := self.folder / "buckets" / name).mkdir(parents=True, exist_ok=True)
        return made

    @property
    def endpoint(self):
        return f"http://127.0.0.1:{self.port}"

    def settings(self, project):
        """The connection fields, as they stand in a settings file."""
        return {"type": "bigquery", "project": project, "location": "EU", "endpoint": self.endpoint}

    def client(self, project):
        from google.api_core.client_options import ClientOptions
        from google.auth.credentials import AnonymousCredentials
        from google.cloud.bigquery import Client

        options = ClientOptions(api_endpoint=self.endpoint)
        return Client(project, credentials=AnonymousCredentials(), client_options=options, location="EU")

    def start(self):
        self.lost = False
        if self.process is not None:
            return
        if not (ENVIRONMENT / ".installed").exists():
            raise RuntimeError("no BigQuery stand-in; `make install-servers` builds one")
        command = [ENVIRONMENT / "bin/python", ROOT / "tests/bigquery_standin.py", str(self.port), self.folder / "data"]
        command += [str(self.grpc)] if self.grpc else []
        home = {**os.environ, "HOME": str(ENVIRONMENT / "home")}
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(_with_us(command), stdout=log, stderr=log, cwd=self.folder, env=home)
        deadline = time.monotonic() + 120
        while not self._answers():
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError((self.folder / "log").read_text(errors="replace")[-2000:])
            time.sleep(0.1)

    def stop(self):
        """At once, as when the machine goes down."""
        if self.process:
            self.process.kill()
            self.process.wait(30)
            self.process = None

    def _answers(self):
        with suppress(OSError), urllib.request.urlopen(f"{self.endpoint}/healthz", timeout=5):
            return True
        return False


@contextmanager
def bigquery(tls=None):
    """A started server, gone afterwards; with the folder `tls` of a key and a certificate it takes streams, too."""
    memory = Path("/dev/shm")  # the stand-in waits for its disk after each statement
    folder = Path(tempfile.mkdtemp(prefix="bigquery-", dir=memory if memory.is_dir() else None))
    server = BigQuery(folder, free_port(), grpc=free_port() if tls else None)
    if tls:
        shutil.copytree(tls, folder, dirs_exist_ok=True)
    try:
        server.start()
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


def _with_us(command):
    """It also ends when the tests are killed, where the system can see to that."""
    command = [str(part) for part in command]
    return ["setpriv", "--pdeathsig", "KILL", "--", *command] if shutil.which("setpriv") else command
