"""What MkDocs calls while it builds the site."""

import re
import sys
from functools import cache
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))  # MkDocs loads this file by its path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

from scripts.documentation.pages import Pages


@cache
def _pages() -> Pages:
    return Pages()


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Add to the navigation what nobody has given a place there."""
    _pages.cache_clear()  # of `mkdocs serve`, which builds again
    if config.nav is not None and (more := _pages().more):
        config.nav.append({"More": [{title: path} for title, path in more.items()]})
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages that are made whole."""
    there = {file.src_uri for file in files}
    for path, text in _pages().sources.items():
        if path not in there:
            files.append(File.generated(config, path, content=text))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Replace the markers of a page."""
    return _pages().built(page.file.src_uri)


def on_post_build(config: MkDocsConfig) -> None:
    """Take out of the theme's scripts from where they would load what old browsers lack, and Mermaid."""
    for path in Path(config.site_dir, "assets", "javascripts").rglob("*.js"):
        text = path.read_text(encoding="utf-8")
        if "https://unpkg.com/" in text:
            path.write_text(re.sub(r"https://unpkg\.com/", "assets/none/", text), encoding="utf-8")
