"""The guide in a second browser: a few pages, a figure of each, and nothing goes wrong."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

import browser
from patience import PATIENCE

ROOT = Path(__file__).resolve().parent.parent


@pytest.mark.slow
def test_figures_work_in_firefox(guide_site: Path, require_program: Callable[[str], str]) -> None:
    """Debian's Firefox over WebDriver BiDi, by puppeteer-core."""
    node, firefox = require_program("node"), require_program("firefox-esr")
    if not (ROOT / "node_modules" / "puppeteer-core").exists():
        import conftest

        conftest._missing("puppeteer-core (npm ci)")
    with browser.serving(guide_site) as address:
        done = subprocess.run(
            [node, "tests/firefox_smoke.mjs", address, firefox],
            cwd=ROOT,
            capture_output=True,
            encoding="utf-8",
            timeout=PATIENCE,
        )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == []
