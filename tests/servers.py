"""Real servers on loopback, started by the tests and ended by their own pid."""

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

PASSWORD = "of-the-test"
_SPEED = ("fsync=off", "full_page_writes=off", "synchronous_commit=off", "max_connections=40", "jit=off")


@dataclass
class Postgres:
    """A server of its own data folder; `segment` is an ordinary user who may create schemas in `acme`."""

    bin: Path
    data: Path
    port: int
    process: subprocess.Popen | None = None

    @property
    def settings(self):
        """The connection fields, as they stand in a settings file."""
        return {
            "type": "postgres",
            "host": "127.0.0.1",
            "port": self.port,
            "database": "acme",
            "username": "segment",
            "password": PASSWORD,
        }

    def start(self):
        options = [part for setting in _SPEED for part in ("-c", setting)]
        server = [self.bin / "postgres", "-D", self.data, "-p", str(self.port), "-h", "127.0.0.1", "-k", "", *options]
        with (self.data / "log").open("ab") as log:
            self.process = subprocess.Popen(_as_postgres(server), stdout=log, stderr=log, cwd="/")
        deadline = time.monotonic() + 60
        while not self._answers():
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError((self.data / "log").read_text(errors="replace")[-2000:])
            time.sleep(0.05)

    def stop(self):
        """At once: whoever is connected is cut off, as when the machine goes down."""
        if self.process:
            self.process.send_signal(signal.SIGQUIT)
            self.process.wait(30)
            self.process = None

    def _answers(self):
        ready = [self.bin / "pg_isready", "-q", "-h", "127.0.0.1", "-p", str(self.port), "-U", "postgres"]
        return subprocess.run(ready, check=False).returncode == 0

    def connect(self, database="acme"):
        """As the server's owner, by another driver than the product's."""
        import psycopg

        where = f"host=127.0.0.1 port={self.port} user=postgres password={PASSWORD} dbname={database}"
        return psycopg.connect(where, autocommit=True)

    def admin(self, text, database="acme"):
        """Run statements as the server's owner; the rows of the last one."""
        with self.connect(database) as opened:
            cursor = opened.execute(text)
            return cursor.fetchall() if cursor.description else []


@contextmanager
def postgres():
    """A started server with a database and a user, gone afterwards."""
    with bare_postgres("postgres", "scram-sha-256") as server:
        server.admin(f"CREATE USER segment PASSWORD '{PASSWORD}'", "postgres")
        server.admin("CREATE DATABASE acme", "postgres")
        server.admin("GRANT CREATE ON DATABASE acme TO segment", "postgres")
        yield server


@contextmanager
def bare_postgres(owner, auth):
    """A started server as initdb leaves it, gone afterwards; `auth` is how everybody logs in."""
    # Not below pytest's own folder: another user than root cannot look into that.
    folder = Path(tempfile.mkdtemp(prefix="postgres-"))
    server = Postgres(_binaries(), folder / "data", free_port())
    try:
        _initialise(server, folder, owner, auth)
        server.start()
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


def _initialise(server, folder, owner, auth):
    secret = folder / "password"
    secret.write_text(PASSWORD)
    if os.getuid() == 0:
        for path in (folder, secret):
            shutil.chown(path, "postgres", "postgres")
    made = [server.bin / "initdb", "-D", server.data, "-U", owner, "-E", "UTF8", "--locale=C", "--no-sync"]
    made += [f"--auth={auth}", f"--pwfile={secret}"]
    subprocess.run(_as_postgres(made), check=True, stdout=subprocess.DEVNULL, cwd="/")


def _as_postgres(command):
    """Root may not run it. It also ends when the tests are killed, where the system can see to that."""
    command = [str(part) for part in command]
    if not shutil.which("setpriv"):
        return command
    who = ["--reuid=postgres", "--regid=postgres", "--clear-groups"] if os.getuid() == 0 else []
    return ["setpriv", *who, "--pdeathsig", "QUIT", "--", *command]


def _binaries():
    """Where the server's programs are: Debian's, those on PATH, or those of the package pgserver."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    if found:
        return found[-1].parent
    if on_path := shutil.which("initdb"):
        return Path(on_path).resolve().parent
    if spec := find_spec("pgserver"):
        return Path(spec.origin).parent / "pginstall" / "bin"
    raise RuntimeError("no Postgres server on this machine; scripts/postgres.sh installs one")


def free_port():
    """A port of loopback that nobody listens on."""
    with suppress(OSError), socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return listening.getsockname()[1]
    raise RuntimeError("no free port")
