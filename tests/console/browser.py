"""Chromium, as a person has it on a desk in two themes and on a telephone, and what is looked at on each page.

Screenshots of each page are in `build/screenshots`.
"""

import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import uvicorn

ROOT = Path(__file__).parents[2]
SHOTS = ROOT / "build" / "screenshots"
AXE = (ROOT / "tests" / "data" / "axe" / "axe.min.js").read_text(encoding="utf-8")
SCREENS = {"light": (1280, 800), "dark": (1280, 800), "telephone": (390, 844)}


@dataclass
class Browser:
    """A page of a browser on one of the screens, and where the console is."""

    page: object
    url: str
    screen: str

    def goes(self, path):
        self.page.goto(self.url + path)
        return self.page

    def looks(self, name):
        """Keep a picture; nothing is wider than the screen, and in both themes axe finds nothing serious."""
        SHOTS.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=SHOTS / f"{name}-{self.screen}.png", full_page=True)
        over = self.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert over <= 0, f"{name} is {over} pixels wider than the screen"
        if self.screen == "telephone":
            return
        self.page.evaluate(AXE)
        found = self.page.evaluate("axe.run(document, {resultTypes: ['violations']})")["violations"]
        serious = [one for one in found if one["impact"] in ("serious", "critical")]
        assert not serious, [(one["id"], [node["html"][:200] for node in one["nodes"][:3]]) for one in serious]


@contextmanager
def served(made):
    """An application on loopback; gives its address."""
    server = uvicorn.Server(uvicorn.Config(made, port=0, log_level="warning"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.05)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    thread.join(10)


@contextmanager
def opened(chromium, url, screen="light", **more):
    """A page of a new browser, which may ask nobody but the console."""
    width, height = SCREENS[screen]
    theme = "dark" if screen == "dark" else "light"
    context = chromium.new_context(viewport={"width": width, "height": height}, color_scheme=theme, **more)
    page, asked, wrong = context.new_page(), [], []
    page.on("request", lambda request: asked.append(request.url))
    page.on("pageerror", lambda error: wrong.append(str(error)))
    yield Browser(page, url, screen)
    context.close()
    assert not [one for one in asked if not one.startswith((url, "data:"))], "a page asked somebody else"
    assert wrong == []


@pytest.fixture(params=SCREENS)
def browser(chromium, url, request):
    """Of a module that has the fixture `url`."""
    with opened(chromium, url, request.param) as one:
        yield one
