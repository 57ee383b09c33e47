"""The notebooks' files are notebooks on Databricks, and cells for JupyterLab and VS Code."""

import re
import runpy
from pathlib import Path

import jupytext
import nbformat
import pytest

ROOT = Path(__file__).parents[2]
SOURCES = sorted((ROOT / "notebooks").glob("*.py"))
COMMAND = "\n# COMMAND ----------\n"


@pytest.fixture(params=SOURCES, ids=lambda path: path.stem)
def source(request):
    return request.param.read_text(encoding="utf-8")


def test_databricks_sees_texts_and_code_and_never_both_in_a_cell(source):
    assert source.startswith("# Databricks notebook source\n# MAGIC %md\n# MAGIC # ")
    for cell in source.removeprefix("# Databricks notebook source\n").split(COMMAND):
        lines = cell.strip().splitlines()
        is_text = lines[0] == "# MAGIC %md"
        assert all(line.startswith("# MAGIC") for line in lines) if is_text else "# MAGIC" not in cell


def test_jupytext_and_vs_code_see_the_same_cells_as_databricks(source):
    seen = jupytext.reads(source, fmt="py:percent").cells
    marked = re.split(r"^# %%\n", source, flags=re.M)  # VS Code's own marker
    here = [re.sub(r"# (COMMAND|Databricks).*", "", cell.source).strip() for cell in seen]
    theirs = [cell.replace("# %%\n", "").strip() for cell in source.split(COMMAND)]
    theirs[0] = theirs[0].removeprefix("# Databricks notebook source\n")
    assert len(marked) == len(seen) == len(theirs)
    assert here == [cell.removesuffix("# %%").strip() for cell in theirs]


def test_they_are_written_as_ipynb_with_their_texts_as_markdown(tmp_path):
    written = runpy.run_path(str(ROOT / "scripts" / "notebooks.py"))["write"](tmp_path)
    assert [path.stem for path in written] == [path.stem for path in SOURCES]
    for path in written:
        notebook = nbformat.read(path, as_version=4)
        nbformat.validate(notebook)
        assert notebook.cells[0].cell_type == "markdown" and notebook.cells[0].source.startswith("# ")
        said = "\n".join(cell.source for cell in notebook.cells)
        assert not re.search("MAGIC|COMMAND|^# %%", said, re.M)
        compile("\n".join(cell.source for cell in notebook.cells if cell.cell_type == "code"), path.name, "exec")
