"""A real Postgres on loopback, and psql as an admin runs it."""

import os
import shutil
import subprocess

import pytest

from tests.servers import bare_postgres

needs_postgres = pytest.mark.skipif(not shutil.which("psql"), reason="no psql here")


@pytest.fixture(scope="module")
def server():
    """The connection options of a server of its own; its admin is `admin`."""
    with bare_postgres("admin", "trust") as started:
        yield ["-h", "127.0.0.1", "-p", str(started.port)]


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
