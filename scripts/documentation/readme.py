"""The README and other documents in sections, as pages of the site take them in.

A page says `<!-- readme: Alerts -->` where the section belongs. What the README says is tested, so it is written once.
"""

import posixpath
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from markdown.extensions.toc import slugify

ROOT = Path(__file__).parents[2]
MARKER = re.compile(r"^<!-- readme: (.+?) -->$", re.M)
_HEADING = re.compile(r"(#{1,6}) (.+)")
_ITEM = re.compile(r"(\d+\. |[-*] )")

#: Sections that the site has in another form, and where.
ELSEWHERE = {"How it flows": "concepts.md", "Tables": "tables.md"}
#: Documents of the repository, and what page has them; None for those that are not on the site.
DOCUMENTS = {
    "docs/scale.md": "scale.md",
    "docs/upgrading.md": "upgrading.md",
    "CONTRIBUTING.md": "contributing.md",
    "DECISIONS.md": "decisions.md",
    "CHANGELOG.md": "changelog.md",
    "LICENSE": None,
}


@dataclass
class Section:
    """A heading, the text up to the next one, and the sections below it."""

    title: str
    level: int
    text: str = ""
    below: list["Section"] = field(default_factory=list)

    def walk(self) -> Iterator["Section"]:
        """This one and all below it."""
        yield self
        for one in self.below:
            yield from one.walk()


@dataclass(frozen=True)
class Place:
    """Where a section stands: the page's path below `docs`, and the anchor on it."""

    page: str
    anchor: str


def lines_of(text: str) -> Iterator[tuple[str, bool]]:
    """Each line, and whether it is inside a fenced block or one of its fences."""
    fence = ""
    for line in text.splitlines():
        mark = re.match(r"\s*(`{3,})", line)
        inside = bool(fence) or bool(mark)
        if mark:
            fence = "" if fence == mark[1] else fence or mark[1]
        yield line, inside


def sections(text: str) -> dict[str, Section]:
    """Title to section, of a document whose titles are all different."""
    found: dict[str, Section] = {}
    above: list[Section] = []
    for line, fenced in lines_of(text):
        heading = None if fenced else _HEADING.fullmatch(line)
        if heading:
            one = Section(heading[2], len(heading[1]))
            assert one.title not in found, f"two sections are called {one.title}"
            above = [other for other in above if 1 < other.level < one.level]  # not the title, which is above all
            if above:
                above[-1].below.append(one)
            above.append(one)
            found[one.title] = one
        elif above:
            above[-1].text += line + "\n"
    return found


def anchor(title: str) -> str:
    """As a page of the site has it."""
    return slugify(title, "-")


def on_github(title: str) -> str:
    """As the README's own links have it."""
    return re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")


def left_over(pages: Mapping[str, str], known: Mapping[str, Section]) -> list[str]:
    """The titles of the large sections that no page names, in order."""
    named = {title for text in pages.values() for title, _ in _named(text)} | ELSEWHERE.keys()
    return [one.title for one in known.values() if one.level == 2 and one.title not in named]


def placed(pages: Mapping[str, str], known: Mapping[str, Section]) -> dict[str, Place]:
    """Title to where the site has it; a section goes with the one above it, unless a page names it.

    Args:
        pages: Path below `docs` to Markdown.
        known: The README's sections.

    Raises:
        ValueError: A page names a section that is not there, or none names one that is.
    """
    named = {title: Place(page, anchor(over)) for page, text in pages.items() for title, over in _named(text)}
    if unknown := named.keys() - known.keys():
        raise ValueError(f"no such section in the README: {', '.join(sorted(unknown))}")
    found = {title: Place(page, "") for title, page in ELSEWHERE.items() if title in known} | named
    for title in list(found):
        for one in known[title].walk():
            found.setdefault(one.title, Place(found[title].page, "" if title in ELSEWHERE else anchor(one.title)))
    if missing := known.keys() - found.keys():
        raise ValueError(f"no page of docs/ has these sections of the README: {', '.join(sorted(missing))}")
    return found


def _named(text: str) -> Iterator[tuple[str, str]]:
    """The sections that a page names, and the heading that each stands below."""
    over = ""
    for line, fenced in lines_of(text):
        if fenced:
            continue
        if heading := _HEADING.fullmatch(line):
            over = heading[2]
        if marker := MARKER.fullmatch(line):
            yield marker[1], over


def included(one: Section, level: int, elsewhere: Callable[[Section], bool]) -> str:
    """A section's text, and those below it that no page names, with headings that fit below one of `level`."""
    parts = [one.text.strip("\n")]
    for inner in one.below:
        if not elsewhere(inner):
            parts += [f"{'#' * (level + 1)} {inner.title}", included(inner, level + 1, elsewhere)]
    return "\n\n".join(parts)


def for_the_site(text: str, page: str, places: Mapping[str, Place]) -> str:
    """A document's text as the site's Markdown wants it: lists indented by four, Markdown in folds, and its links."""
    by_link = {f"#{on_github(title)}": place for title, place in places.items()}

    def link(found: re.Match[str]) -> str:
        said, target = found.groups()
        if place := by_link.get(target):
            return f"[{said}]({_relative(place.page, page)}{'#' if place.anchor else ''}{place.anchor})"
        document = DOCUMENTS.get(target, target)
        return said if document is None else f"[{said}]({_relative(document, page)})"

    text = re.sub(r"^<details>", '<details markdown="1">', text, flags=re.M)
    text = re.sub(r"\[([^\]\n]*(?:\n[^\]\n]+)?)\]\((?!https?:)([^)]+)\)", link, text)
    return "\n".join(_indented(text))


def _relative(target: str, page: str) -> str:
    return posixpath.relpath(target, posixpath.dirname(page) or ".")


def _indented(text: str) -> Iterator[str]:
    """The lines, those that belong to an item of a list indented by four."""
    width = 0
    for line, fenced in lines_of(text):
        item = None if fenced and not width else _ITEM.match(line)
        if item:
            width = len(item[1])
        elif line and not line.startswith(" " * width if width else ""):
            width = 0
        yield line if item or not line.strip() or not width else " " * (4 - width) + line
