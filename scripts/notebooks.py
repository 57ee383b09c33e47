"""Writes the notebooks as .ipynb files with their texts as Markdown cells: `scripts/notebooks.py notebooks`.

For JupyterLab, where jupytext shows the texts of the sources as comments.
"""

import re
import sys
from pathlib import Path

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

SOURCES = Path(__file__).parents[1] / "notebooks"


def cells(text: str) -> list[nbformat.NotebookNode]:
    """The cells of a notebook in Databricks' source format, without the markers of other programs."""
    body = text.removeprefix("# Databricks notebook source\n")
    parts = [re.sub(r"^# %%\n?", "", part, flags=re.M).strip() for part in body.split("# COMMAND ----------\n")]
    return [_markdown(part) if part.startswith("# MAGIC %md") else new_code_cell(part) for part in parts]


def _markdown(part: str) -> nbformat.NotebookNode:
    lines = [re.sub(r"^# MAGIC ?", "", line) for line in part.splitlines()]
    return new_markdown_cell("\n".join(lines[1:]))


def write(into: Path) -> list[Path]:
    """Write all of them; returns their paths."""
    into.mkdir(parents=True, exist_ok=True)
    written = []
    for source in sorted(SOURCES.glob("*.py")):
        made = cells(source.read_text(encoding="utf-8"))
        for number, cell in enumerate(made):
            cell["id"] = f"cell-{number}"  # the same bytes each time
        written.append(into / f"{source.stem}.ipynb")
        nbformat.write(new_notebook(cells=made), written[-1])
    return written


if __name__ == "__main__":
    write(Path(sys.argv[1]))
