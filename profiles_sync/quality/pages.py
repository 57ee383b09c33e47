"""Data Docs that stand alone: they load nothing from anybody, and their first page needs no script.

As Great Expectations makes them they fetch styles and scripts from public servers, without which the list of tables is
empty.
"""

import re
from collections.abc import Iterable
from html import escape
from pathlib import Path

from profiles_sync.quality.records import Record

_STRANGE = re.compile(r"<(script|link|img)\b[^>]*(?:src|href)=\"https?://[^>]*>(?:\s*</script>)?")
_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; margin: 2em auto; max-width: 75em; padding: 0 1em; }
table { border-collapse: collapse; width: 100%; } ul { list-style: none; padding-left: 1em; }
td, th { border-bottom: 1px solid #ccc; padding: .3em .6em; text-align: left; vertical-align: top; }
td { overflow-wrap: break-word; } td a { white-space: nowrap; } code { background: #eee; }
.text-danger, .odd { color: #b00020; }
.fa-check-circle::before { content: "\\2713"; } .fa-times::before { content: "\\2717"; font-style: normal; }
.modal, nav img, footer, .cooltip::after, .card:has(.btn-group-toggle), a[data-toggle] { display: none; }
@media (max-width: 40em) {
  body > table, body > table tbody, body > table tr, body > table td { display: block; }
  body > table th { display: none; } body > table td { border: 0; padding-block: 0; overflow-wrap: anywhere; }
  body > table tr { border-bottom: 1px solid #ccc; padding-block: .4em; }
}
"""


def stand_alone(folder: Path, found: Iterable[Record]) -> None:
    """Take out of a site what it would load from elsewhere, and what works by that alone; give it a first page.

    Args:
        folder: Of the site.
        found: What was found of each table of each warehouse.
    """
    for page in folder.rglob("*.html"):
        text = _STRANGE.sub("", page.read_text(encoding="utf-8"))
        page.write_text(text.replace("</head>", f"<style>{_STYLE}</style></head>", 1), encoding="utf-8")
    rows = "".join(_row(folder, one) for one in sorted(found, key=lambda one: one.order))
    (folder / "index.html").write_text(
        '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>Data quality</title>'
        f'<meta name="viewport" content="width=device-width"><style>{_STYLE}</style></head><body><h1>Data quality</h1>'
        "<table><tr><th>warehouse</th><th>table</th><th>state</th><th>found</th><th>expected</th></tr>"
        f"{rows}</table></body></html>",
        encoding="utf-8",
    )


def _row(folder: Path, one: Record) -> str:
    checked = one.checked
    pages = sorted((folder / "validations" / one.table).rglob(f"{one.warehouse}.html"))
    link = (
        f'<a href="{escape(pages[-1].relative_to(folder).as_posix())}">{checked.state}</a>' if pages else checked.state
    )
    said = "<br>".join(escape(str(text)) for text in (*checked.held, *checked.warnings))
    suite = f'<a href="expectations/{escape(one.table)}.html">suite</a>'
    cells = (escape(one.warehouse), escape(one.table), link, f'<span class="odd">{said}</span>', suite)
    return f"<tr>{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>"
