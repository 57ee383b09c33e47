"""Texts that are reviewed as a diff. `UPDATE_SNAPSHOTS=1 pytest ...` writes them anew."""

import os
from pathlib import Path

FOLDER = Path(__file__).parent


def same(name, text):
    """Whether a text is that of its file, to the letter."""
    path = FOLDER / name
    if os.environ.get("UPDATE_SNAPSHOTS"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return path.read_text(encoding="utf-8") == text
