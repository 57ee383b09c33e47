"""The pages as they are built: what stands in `docs`, with its markers replaced, and those that are made whole.

A marker is a comment on a line of its own: `readme:` takes in a section of the README, `document:` another document,
`file:` a file as a block of code, and `made:` what one of `PARTS` makes of the code's own declarations.
"""

import re
from collections.abc import Callable, Mapping
from pathlib import Path

from mkdocs.utils.meta import get_data

from scripts.documentation import commands, errors, pictures, queries, readme, settings, tables, warehouses
from scripts.documentation.readme import ROOT

PARTS: dict[str, Callable[..., str]] = {
    "tables": tables.reference,
    "settings": settings.reference,
    "warehouse-settings": settings.of_a_warehouse,
    "setup": warehouses.setup,
    "data-graph": warehouses.data_graph,
    "errors": errors.classes,
    "known": errors.known,
    "rules": errors.rules,
    "commands": commands.reference,
    "queries": queries.reference,
    "picture": pictures.figure,
}
_LANGUAGES = {".yml": "yaml", ".yaml": "yaml", ".py": "python", ".json": "json", ".sh": "bash", ".conf": "properties"}
_MARKER = re.compile(r"<!-- (readme|document|file|made): (.+?) -->")


def sources() -> dict[str, str]:
    """Path below `docs` to the Markdown of each page, markers and all, with those that are made whole."""
    folder = ROOT / "docs"
    texts = {str(path.relative_to(folder)): path.read_text(encoding="utf-8") for path in folder.rglob("*.md")}
    written = {page: get_data(text)[0] for page, text in texts.items()}  # without what is for MkDocs above it
    return written | warehouses.pages()


class Pages:
    """All pages, which know where each section of the README stands.

    Attributes:
        sources: Path below `docs` to Markdown, markers and all.
        more: Title to path of the README's sections that no page names, which have a page each.
    """

    def __init__(self) -> None:
        written = sources()
        self._readme = readme.sections((ROOT / "README.md").read_text(encoding="utf-8"))
        self.more = {title: f"more/{readme.anchor(title)}.md" for title in readme.left_over(written, self._readme)}
        made = {path: f"# {title}\n\n<!-- readme: {title} -->\n" for title, path in self.more.items()}
        self.sources = written | made
        self._places = readme.placed(self.sources, self._readme)
        self._named = {title for text in self.sources.values() for title in readme.MARKER.findall(text)}

    def built(self, page: str) -> str:
        """A page with its markers replaced."""
        lines, level = [], 1
        for line, fenced in readme.lines_of(self.sources[page]):
            if not fenced and line.startswith("#"):
                level = len(line) - len(line.lstrip("#"))
            marker = None if fenced else _MARKER.fullmatch(line)
            lines.append(self._part(page, marker[1], marker[2], level) if marker else line)
        return "\n".join(lines)

    def own(self) -> Mapping[str, str]:
        """Path to the text of the pages that are written by hand."""
        return {page: _MARKER.sub("", text) for page, text in self.sources.items()}

    def _part(self, page: str, kind: str, what: str, level: int) -> str:
        if kind == "readme":
            text = readme.included(self._readme[what], level, self._is_elsewhere)
            return readme.for_the_site(text, page, self._places)
        if kind == "document":
            _, _, text = (ROOT / what).read_text(encoding="utf-8").partition("\n")
            return readme.for_the_site(text, page, {})
        if kind == "file":
            path = Path(what)
            language = _LANGUAGES.get(path.suffix, "ini" if path.suffix in (".service", ".timer") else "text")
            return f'```{language} title="{what}"\n{(ROOT / what).read_text(encoding="utf-8").rstrip()}\n```'
        name, *arguments = what.split()
        return PARTS[name](*arguments)

    def _is_elsewhere(self, one: readme.Section) -> bool:
        return one.title in self._named or one.title in readme.ELSEWHERE
