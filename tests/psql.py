"""A real Postgres on loopback, and psql as an admin runs it."""

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from pathlib import Path

import pytest

BIN = next(iter(sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)), None)
needs_postgres = pytest.mark.skipif(not BIN or not shutil.which("psql"), reason="no Postgres server here")


def as_postgres():
    """initdb refuses to work as root."""
    return {"user": "postgres", "group": "postgres"} if os.getuid() == 0 else {}


@pytest.fixture(scope="module")
def server():
    """The connection options of a server of its own; its admin is `admin`."""
    folder = Path(tempfile.mkdtemp(prefix="postgres-"))  # pytest's own folders are closed to other users
    if os.getuid() == 0:
        account = pwd.getpwnam("postgres")
        os.chown(folder, account.pw_uid, account.pw_gid)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    run([BIN / "initdb", "-D", folder / "data", "-U", "admin", "-A", "trust"])
    options = f"-h 127.0.0.1 -p {port} -k {folder} -F"
    run([BIN / "pg_ctl", "-D", folder / "data", "-o", options, "-l", folder / "log", "-w", "start"])
    yield ["-h", "127.0.0.1", "-p", str(port)]
    run([BIN / "pg_ctl", "-D", folder / "data", "-m", "immediate", "stop"])
    shutil.rmtree(folder)


def run(command):
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd="/", **as_postgres())


def psql(server, user, database, *arguments, typed="", **environment):
    """psql without a terminal: what it asks for, it reads from its standard input."""
    command = ["psql", "-X", "-w", "-At", *server, "-U", user, "-d", database, *arguments]
    return subprocess.run(
        command,
        input=typed,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
        start_new_session=True,
    )
