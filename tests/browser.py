"""Chromium, where the tests of the console and of the documentation look at pages; `scripts/browser.sh` finds it."""

import subprocess
from pathlib import Path

import pytest

_ROOT = Path(__file__).parents[1]
_QUIET = ["--disable-background-networking", "--disable-component-update", "--no-first-run"]


@pytest.fixture(scope="module")  # one of two modules' would leave its loop of events to the other's
def chromium():
    from playwright.sync_api import sync_playwright

    found = subprocess.run([_ROOT / "scripts" / "browser.sh"], capture_output=True, text=True, check=True)
    with sync_playwright() as started:
        path = found.stdout.strip()
        opened = started.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-gpu", *_QUIET])
        yield opened
        opened.close()
