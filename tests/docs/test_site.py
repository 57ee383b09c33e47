"""The site as it is built, without a network, and as a browser shows it; screenshots go to build/documentation."""

import os
import re
import subprocess
import sys
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.browser import chromium

__all__ = ["chromium"]
pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[2]
SHOTS = ROOT / "build" / "documentation"
WIDTHS = {"desktop": 1280, "phone": 390}
LOOKED_AT = ("index", "concepts", "tables", "settings", "wrong", "diagram", "migration", "api/rules")
IN_THE_DARK = ("index", "concepts", "wrong")
#: What a page would load by itself.
_LOADS = re.compile(
    r"""<(?:script|img|iframe|source)[^>]*\ssrc=["']?(?:https?:)?//|<link[^>]*\shref=["']?(?:https?:)?//"""
)
_STYLES = re.compile(r"""(?:url\(|@import)\s*["']?(?:https?:)?//""")


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The site, built strictly by a process that reaches nobody."""
    folder = tmp_path_factory.mktemp("site")
    nobody = dict.fromkeys(
        ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"), "http://127.0.0.1:9"
    )
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", folder]
    subprocess.run(command, cwd=ROOT, env=os.environ | nobody | {"NO_MKDOCS_2_WARNING": "1"}, check=True)
    return folder


@pytest.fixture(scope="module")
def address(site):
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=site)) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_nothing_is_loaded_from_anybody_else(site):
    found = [path for path in site.rglob("*.html") if _LOADS.search(path.read_text(encoding="utf-8"))]
    found += [path for path in site.rglob("*.css") if _STYLES.search(path.read_text(encoding="utf-8"))]
    found += [path for path in site.rglob("*.js") if "unpkg.com" in path.read_text(encoding="utf-8")]
    assert found == []
    assert _LOADS.search('<script src="https://cdn.example.com/a.js">')
    assert _LOADS.search('<link rel=stylesheet href="//fonts.example.com/a.css">')
    assert _STYLES.search("src: url(https://fonts.example.com/a.woff2)")


def test_markdown_is_not_left_in_a_paragraph(site):
    """A list or a table that begins without an empty line, and a fold whose inside is not read."""
    for path in site.rglob("*.html"):
        for paragraph in re.findall(r"<p>(.*?)</p>", path.read_text(encoding="utf-8"), re.S):
            assert not re.search(r"^(- |\d+\. |\|.*\|$|```|#+ )", paragraph, re.M), (path.name, paragraph)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("device", WIDTHS)
def test_pages_fit_and_ask_nobody_else(site, address, chromium, device, scheme):
    """All of them on a phone; some are looked at there, on a wide screen, and in the dark."""
    asked, wrong = [], []
    context = chromium.new_context(viewport={"width": WIDTHS[device], "height": 2400}, color_scheme=scheme)
    page = context.new_page()
    page.on("request", lambda request: asked.append(request.url))
    page.on("pageerror", lambda error: wrong.append(str(error)))
    paths = sorted(str(path.relative_to(site).with_suffix("")) for path in site.rglob("*.html"))
    looked_at = LOOKED_AT if scheme == "light" else IN_THE_DARK
    for path in paths if (device, scheme) == ("phone", "light") else looked_at:
        page.goto(f"{address}/{path}.html", wait_until="load" if path in looked_at else "domcontentloaded")
        width = page.evaluate("document.documentElement.scrollWidth")
        assert width <= WIDTHS[device], f"{path} is {width} wide"
        if path in looked_at:
            SHOTS.mkdir(parents=True, exist_ok=True)
            page.screenshot(path=SHOTS / f"{path.replace('/', '-')}_{device}_{scheme}.png")
    context.close()
    assert [url for url in asked if not url.startswith((address, "data:"))] == []
    assert wrong == []


def test_the_colours_follow_the_reader_and_pictures_theirs(address, chromium):
    seen = {}
    for scheme in ("light", "dark"):
        page = chromium.new_page(color_scheme=scheme)
        page.goto(f"{address}/concepts.html")
        colour = "getComputedStyle(document.querySelector('.picture text.note')).fill"
        seen[scheme] = page.evaluate("getComputedStyle(document.body).backgroundColor"), page.evaluate(colour)
        page.close()
    assert seen["light"][0] != seen["dark"][0]
    assert seen["light"][1] != seen["dark"][1]


def test_the_search_finds_a_table(address, chromium):
    page = chromium.new_page()
    page.goto(f"{address}/index.html")
    page.fill("input.md-search__input", "external_id_mapping_updates")
    page.wait_for_selector(".md-search-result__item a", timeout=60_000)
    found = page.eval_on_selector_all(".md-search-result__item a", "links => links.map(link => link.href)")
    page.close()
    assert any("tables.html" in link for link in found)
