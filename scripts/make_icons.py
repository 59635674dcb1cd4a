"""Writes guide/img/icon-192.png and icon-512.png from icon.svg, with Chromium.

python scripts/make_icons.py
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests"))

import browser

IMAGES = ROOT / "guide" / "img"


def main() -> None:
    """Take the drawing in both sizes."""
    from playwright.sync_api import sync_playwright

    with (
        sync_playwright() as driver,
        browser.started(driver.chromium, shutil.which("chromium")) as chromium,
    ):
        drawing = (IMAGES / "icon.svg").read_text(encoding="utf-8")
        for size in (192, 512):
            page = chromium.new_page(viewport={"width": size, "height": size})
            page.set_content(f"<style>body{{margin:0}}svg{{display:block}}</style>{drawing}")
            picture = page.locator("svg")
            picture.screenshot(path=IMAGES / f"icon-{size}.png", omit_background=True)
            page.close()


if __name__ == "__main__":
    main()
