"""One run per space at a time, and nothing to unlock after one that was killed."""

import json
import signal
import subprocess
import sys

import pytest

from profiles_sync.control.lock import only_run
from profiles_sync.errors import LakeBusy, LakeError
from profiles_sync.lake.tables import Lake
from tests.commands import a_space, environment, in_process

HOLDER = """
import sys
from profiles_sync.control.lock import only_run
from profiles_sync.lake.tables import Lake
with only_run(Lake(sys.argv[1], "acme")):
    print("held", flush=True)
    sys.stdin.readline()
print("released", flush=True)
sys.stdin.readline()
"""


@pytest.fixture
def lake(tmp_path):
    return Lake(str(tmp_path / "lake"), "acme")


@pytest.fixture
def holder(lake):
    """Another process that holds the lock of the space."""
    command = [sys.executable, "-c", HOLDER, lake.root]
    with subprocess.Popen(
        command, env=environment(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


def test_a_second_run_is_told_that_one_is_under_way(holder, lake):
    with pytest.raises(LakeBusy, match=f"space acme: another run is under way on {lake.root}"), only_run(lake):
        pass


def test_the_command_says_so_in_one_line_and_does_nothing(holder, tmp_path):
    code, out, err = in_process("run", "--settings", a_space(tmp_path), "--json")
    assert (code, json.loads(out)["status"], err.count("\n")) == (1, "Failed", 1)
    assert err.startswith("error: space acme: another run is under way on ")
    assert [path.name for path in (tmp_path / "lake" / "acme").iterdir()] == ["_control"]


def test_another_space_of_the_same_lake_is_free(holder, lake):
    with only_run(Lake(lake.root, "other")):
        pass


def test_a_killed_holder_leaves_nothing_to_unlock(holder, lake):
    holder.send_signal(signal.SIGKILL)
    assert holder.wait() == -signal.SIGKILL
    with only_run(lake):
        pass


def test_a_run_that_ends_lets_go(holder, lake):
    holder.stdin.write("end\n")
    holder.stdin.flush()
    assert holder.stdout.readline() == "released\n"
    with only_run(lake):
        pass


def test_a_run_that_fails_lets_go(lake):
    with pytest.raises(ZeroDivisionError), only_run(lake):
        _ = 1 / 0
    with only_run(lake):
        pass


def test_looking_needs_no_lock(holder, tmp_path):
    settings = a_space(tmp_path)
    assert in_process("plan", "--settings", settings, "--json")[0] == 0
    assert in_process("status", "--settings", settings, "--json")[0] == 0


def test_a_lake_that_cannot_be_a_folder_is_told(tmp_path):
    (tmp_path / "lake").write_text("a file")
    lake = Lake(str(tmp_path / "lake"), "acme")
    with pytest.raises(LakeError, match="space acme: cannot write to") as refused, only_run(lake):
        pass
    assert "Not a directory" in str(refused.value)
