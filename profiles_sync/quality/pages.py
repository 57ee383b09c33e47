"""Data Docs that stand alone: they load nothing from anybody, and their first page needs no script.

As Great Expectations makes them they fetch styles and scripts from public servers, without which the list of tables is
empty.
"""

import re
from collections.abc import Iterable
from html import escape
from pathlib import Path

_STRANGE = re.compile(r"<(script|link|img)\b[^>]*(?:src|href)=\"https?://[^>]*>(?:\s*</script>)?")
_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; margin: 2em auto; max-width: 75em; padding: 0 1em; }
table { border-collapse: collapse; width: 100%; } ul { list-style: none; padding-left: 1em; }
td, th { border-bottom: 1px solid #ccc; padding: .3em .6em; text-align: left; vertical-align: top; }
.modal, nav img, footer, .cooltip::after { display: none; } code { background: #eee; }
"""


def stand_alone(folder: Path, found: Iterable[tuple[str, str, bool]]) -> None:
    """Take out of a site what it would load from elsewhere, and give it a first page.

    Args:
        folder: Of the site.
        found: Warehouse, table, and whether all of it is as expected.
    """
    for page in folder.rglob("*.html"):
        text = _STRANGE.sub("", page.read_text(encoding="utf-8"))
        page.write_text(text.replace("</head>", f"<style>{_STYLE}</style></head>", 1), encoding="utf-8")
    rows = "".join(_row(folder, *one) for one in sorted(found))
    (folder / "index.html").write_text(
        '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>Data quality</title>'
        f'<meta name="viewport" content="width=device-width"><style>{_STYLE}</style></head><body><h1>Data quality</h1>'
        "<table><tr><th>warehouse</th><th>table</th><th>found</th><th>expected</th></tr>"
        f"{rows}</table></body></html>",
        encoding="utf-8",
    )


def _row(folder: Path, warehouse: str, table: str, is_met: bool) -> str:
    pages = sorted((folder / "validations" / table).rglob(f"{warehouse}.html"))
    said = "as expected" if is_met else "not as expected"
    result = f'<a href="{escape(pages[-1].relative_to(folder).as_posix())}">{said}</a>' if pages else said
    suite = f'<a href="expectations/{escape(table)}.html">suite</a>'
    return f"<tr><td>{escape(warehouse)}</td><td>{escape(table)}</td><td>{result}</td><td>{suite}</td></tr>"
