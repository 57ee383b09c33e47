"""Where the compiled code comes from, and what happens where it cannot come from there."""

import importlib.util
import sys

import pytest

from profiles_sync.pipeline.compiled import compiled

SOURCE = """
from profiles_sync.pipeline.compiled import compiled, step

@step
def doubled(number):
    return 2 * number

@compiled
def quadrupled(number):
    return doubled(doubled(number))
"""


@pytest.fixture
def load(tmp_path):
    """The module above, from a folder of its own."""

    def load():
        (tmp_path / "sums.py").write_text(SOURCE)
        spec = importlib.util.spec_from_file_location("sums", tmp_path / "sums.py")
        module = importlib.util.module_from_spec(spec)
        sys.modules["sums"] = module
        spec.loader.exec_module(module)
        assert module.quadrupled(3) == 12
        return module

    yield load
    sys.modules.pop("sums", None)


def test_a_compiled_function_is_kept_for_the_next_process(load, tmp_path, monkeypatch):
    pytest.importorskip("numba")
    monkeypatch.delenv("PROFILES_SYNC_NO_NUMBA", raising=False)
    assert hasattr(load().quadrupled, "py_func")
    assert list((tmp_path / "__pycache__").glob("sums.quadrupled*.nbc"))


def test_a_function_is_compiled_where_nothing_can_be_kept(load, tmp_path, monkeypatch):
    pytest.importorskip("numba")
    monkeypatch.delenv("PROFILES_SYNC_NO_NUMBA", raising=False)
    (tmp_path / "__pycache__").write_text("a file where the folder should be")
    for name in ("HOME", "XDG_CACHE_HOME"):
        monkeypatch.setenv(name, str(tmp_path / "__pycache__" / "nowhere"))
    assert hasattr(load().quadrupled, "py_func")


def test_a_function_stays_plain_where_numba_is_missing(load, monkeypatch):
    monkeypatch.delenv("PROFILES_SYNC_NO_NUMBA", raising=False)
    monkeypatch.setitem(sys.modules, "numba", None)
    assert not hasattr(load().quadrupled, "py_func")


def test_a_function_stays_plain_where_the_environment_says_so(monkeypatch):
    monkeypatch.setenv("PROFILES_SYNC_NO_NUMBA", "1")
    assert compiled(len) is len
