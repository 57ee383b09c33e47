"""The stand-in for Snowflake on loopback, in an environment of its own, started by the tests and ended by its pid."""

import subprocess
import tempfile
import time
import urllib.request
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.servers import free_port

ROOT = Path(__file__).parents[1]
PYTHON = ROOT / ".venv-fakesnow" / "bin" / "python"


@dataclass
class Snowflake:
    """A server that holds everything in memory: what was in it is gone when it stops."""

    port: int
    log: Path
    process: subprocess.Popen | None = None

    @property
    def settings(self):
        """The connection fields, as they stand in a settings file; the stand-in takes any name and password."""
        return {
            "type": "snowflake",
            "account": "acme",
            "username": "segment",
            "password": "of-the-test",
            "database": "segment_events",
            "warehouse": "segment_warehouse",
            "host": "127.0.0.1",
            "port": self.port,
            "protocol": "http",
            "connect_timeout": 5,
        }

    def start(self):
        if not PYTHON.exists():
            raise RuntimeError("no stand-in for Snowflake on this machine; make install-servers builds it")
        with self.log.open("ab") as log:
            command = [PYTHON, ROOT / "tests" / "fakesnow_server.py", str(self.port)]
            self.process = subprocess.Popen(command, stdout=log, stderr=log)
        deadline = time.monotonic() + 90
        while not self._answers():
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(self.log.read_text(errors="replace")[-2000:])
            time.sleep(0.1)

    def stop(self):
        if self.process:
            self.process.kill()
            self.process.wait(30)
            self.process = None

    def _answers(self):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/telemetry/send", timeout=5):
                return True
        except urllib.error.HTTPError:
            return True
        except OSError:
            return False

    def cut_off(self):
        """Every session is over at once; what was committed stays."""
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}/cut-off", method="POST")
        urllib.request.urlopen(request, timeout=10).close()

    def connect(self, database):
        """As somebody else who uses the database; it is made where it is not there."""
        from snowflake import connector

        given = {"user": "owner", "password": "x", "database": database, "login_timeout": 10, "network_timeout": 10}
        where = {name: self.settings[name] for name in ("account", "host", "port", "protocol")}
        return connector.connect(**given, **where, session_parameters={"CLIENT_TELEMETRY_ENABLED": False})


@contextmanager
def snowflake():
    """A started server, gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="snowflake-") as folder:
        server = Snowflake(free_port(), Path(folder) / "log")
        try:
            server.start()
            yield server
        finally:
            server.stop()
