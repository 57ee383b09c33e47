"""The README's table of what each kind of warehouse was seen to do, from the tests and their marks.

`python -m tests.warehouses.contract.matrix` writes it anew.
"""

from pathlib import Path

from tests.warehouses.contract import (
    test_backfill,
    test_keys,
    test_many_rows,
    test_queries,
    test_retype,
    test_rows,
    test_schemas,
    test_selective,
    test_troubles,
)
from tests.warehouses.contract.conftest import GAPS, KINDS

README = Path(__file__).parents[3] / "README.md"
MODULES = (
    test_rows,
    test_keys,
    test_many_rows,
    test_schemas,
    test_retype,
    test_backfill,
    test_troubles,
    test_selective,
    test_queries,
)
BEGIN, END = "<!-- contract:begin -->\n", "<!-- contract:end -->"


def claims():
    """Each test's name as a sentence, with what is marked for a kind, in the order of the files."""
    for module in MODULES:
        for name, test in vars(module).items():
            if name.startswith("test_"):
                marks = [mark for mark in getattr(test, "pytestmark", []) if mark.name in GAPS]
                sentence = name.removeprefix("test_").replace("_", " ")
                yield sentence[0].upper() + sentence[1:], {mark.args[0]: mark for mark in marks}


def table():
    lines = [f"| | {' | '.join(KINDS)} |", "|---" * (len(KINDS) + 1) + "|"]
    for sentence, marks in claims():
        cells = [f"{marks[kind].name}: {marks[kind].args[1]}" if kind in marks else "yes" for kind in KINDS]
        lines.append(f"| {sentence} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def parts(text):
    """What is before the table, the table, and what is after it."""
    before, begin, rest = text.partition(BEGIN)
    shown, end, after = rest.partition(END)
    return before + begin, shown, end + after


if __name__ == "__main__":
    before, _, after = parts(README.read_text(encoding="utf-8"))
    README.write_text(f"{before}\n{table()}\n{after}", encoding="utf-8")
