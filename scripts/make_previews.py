"""Writes guide/img/previews: a picture of each page for those who are sent a link to it.

    python scripts/make_previews.py [PAGE ...]

It takes the built site (guide/build/assemble.py) and Chromium. A page that has a still, the drawing
for readers without scripts, shows that; another one the picture of its first figure; one without a
figure has none of its own. The result is committed; tests/test_guide_previews.py says when a still
has changed since.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import shutil
import struct
import sys
import zlib
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
for folder in ("guide/build", "tests"):
    sys.path.insert(0, str(ROOT / folder))

import browser
import previews
import sitemap

COLOURS = 96
MARGIN = 56

# Page, in which the card is drawn on a canvas: the page's policy allows no inline style.
CARD = """async ({ picture, title, width, height, margin, most }) => {
  const style = getComputedStyle(document.documentElement);
  const image = new Image();
  image.src = `data:image/png;base64,${picture}`;
  await image.decode();
  await document.fonts.load("700 34px 'Guide Sans'");
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [width, height];
  const at = canvas.getContext("2d");
  const ground = document.createElement("p");
  document.body.append(ground);
  const colour = (name) => {
    ground.style.color = `var(${name})`;
    return getComputedStyle(ground).color;
  };
  at.fillStyle = colour("--panel");
  at.fillRect(0, 0, width, height);
  const foot = 96;
  const room = { width: width - 2 * margin, height: height - foot - 1.5 * margin };
  const by = Math.min(room.width / image.width, room.height / image.height);
  const [wide, high] = [image.width * by, image.height * by];
  at.imageSmoothingQuality = "high";
  at.drawImage(image, (width - wide) / 2, margin + (room.height - high) / 2, wide, high);
  at.fillStyle = colour("--paper");
  at.fillRect(0, height - foot, width, foot);
  at.fillStyle = colour("--line");
  at.fillRect(0, height - foot, width, 2);
  const bars = [["--below", 20], ["--line", 13], ["--above", 17]];
  bars.forEach(([name, high], i) => {
    at.fillStyle = colour(name);
    at.fillRect(margin + 12 * i, height - foot / 2 - 20 + 40 - 2 * high, 9, 2 * high);
  });
  at.fillStyle = colour("--ink");
  at.textBaseline = "middle";
  at.font = "700 34px 'Guide Sans'";
  at.fillText("microgpt", margin + 52, height - foot / 2 + 2);
  const from = margin + 72 + at.measureText("microgpt").width;
  at.font = "400 34px 'Guide Sans'";
  at.fillStyle = colour("--soft");
  at.fillText(title, from, height - foot / 2 + 2, width - from - margin);
  const { data } = at.getImageData(0, 0, width, height);
  const counts = new Map();
  const key = (i) => (data[i] << 16) | (data[i + 1] << 8) | data[i + 2];
  for (let i = 0; i < data.length; i += 4) counts.set(key(i), (counts.get(key(i)) ?? 0) + 1);
  const cells = new Map();
  for (const [rgb, n] of counts) {
    const cell = rgb & 0xf0f0f0;
    const best = cells.get(cell);
    cells.set(cell, { rgb: best && best.most >= n ? best.rgb : rgb,
      most: Math.max(best?.most ?? 0, n), n: (best?.n ?? 0) + n });
  }
  const palette = [...cells.values()].sort((a, b) => b.n - a.n).slice(0, most).map((c) => c.rgb);
  const nearest = new Map();
  const far = (a, b) => [16, 8, 0].reduce((sum, s) => sum + (((a >> s) & 255) - ((b >> s) & 255)) ** 2, 0);
  for (const rgb of counts.keys()) {
    let best = 0;
    palette.forEach((one, j) => { if (far(one, rgb) < far(palette[best], rgb)) best = j; });
    nearest.set(rgb, best);
  }
  const pixels = new Uint8Array(width * height);
  for (let i = 0; i < pixels.length; i++) pixels[i] = nearest.get(key(4 * i));
  let text = "";
  for (let i = 0; i < pixels.length; i += 8192)
    text += String.fromCharCode(...pixels.subarray(i, i + 8192));
  ground.remove();
  return { palette, pixels: btoa(text) };
}"""  # noqa: E501


def png(palette: list[int], pixels: bytes, width: int, height: int) -> bytes:
    """A picture of at most 256 colours as a PNG file."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    rows = b"".join(b"\0" + pixels[y * width : (y + 1) * width] for y in range(height))
    return b"".join(
        [
            b"\x89PNG\r\n\x1a\n",
            chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)),
            chunk(b"PLTE", b"".join(rgb.to_bytes(3, "big") for rgb in palette)),
            chunk(b"IDAT", zlib.compress(rows, 9)),
            chunk(b"IEND", b""),
        ]
    )


def stills_of(page: str) -> list[str]:
    """The stills that a page asks for, by name."""
    text = (previews.GUIDE / "pages" / f"{page}.md").read_text(encoding="utf-8")
    return re.findall(r"<!-- still ([a-z-]+) -->", text)


def digest(names: list[str]) -> str:
    """A checksum of the first of these stills, "" without one."""
    if not names:
        return ""
    still = (previews.GUIDE / "stills" / f"{names[0]}.html").read_bytes()
    return hashlib.sha256(still).hexdigest()[:16]


def shot(open_: Any, address: str, has_still: bool) -> tuple[bytes, str] | None:
    """A page's first figure at twice its size, and in words what it shows; None without one."""
    page = open_(has_still)
    page.goto(address)
    drawn = ":has(svg)" if has_still else ""  # the still may be another figure's than the first
    figure = page.locator(f"main [data-figure]{drawn}").first
    if not figure.count():
        return None
    figure.scroll_into_view_if_needed()
    if has_still:
        return figure.locator("svg").first.locator("..").screenshot(), ""
    page.locator("main [data-figure][data-ready]").first.wait_for()
    browser.settled(page)
    page.wait_for_timeout(1500)  # what begins by itself has moved
    picture = figure.locator(".mg-picture").first
    said = figure.locator(":scope > .mg-summary").first
    box = (picture if picture.count() else figure).bounding_box()
    if not box:
        return None
    clip = {**box, "height": min(box["height"], box["width"] * 0.75)}
    top = page.evaluate("scrollY")
    clip["y"] += top
    words = said.inner_text() if said.count() else ""
    return page.screenshot(clip=clip, full_page=True), words


def main(asked: list[str]) -> None:
    """Take the pictures of these pages, or of all."""
    from playwright.sync_api import sync_playwright

    known = sitemap.read()
    built = [page for page in known.pages.values() if page.is_built]
    made = previews.pictures() if previews.MADE.is_file() else {}
    made = {name: made[name] for name in made if name in known.pages}
    previews.FOLDER.mkdir(exist_ok=True)
    with (
        browser.serving(previews.GUIDE / "site") as address,
        sync_playwright() as driver,
        browser.started(driver.chromium, shutil.which("chromium")) as chromium,
    ):
        card = chromium.new_page()
        card.goto(f"{address}about/")
        for entry in built:
            if asked and entry.page not in asked:
                continue
            names = stills_of(entry.page)

            def open_(has_still: bool) -> Any:
                context = chromium.new_context(
                    viewport={"width": 1280, "height": 800},
                    device_scale_factor=2,
                    color_scheme="light",
                    reduced_motion="reduce",
                    java_script_enabled=not has_still,
                )
                page = context.new_page()
                page.traffic = browser.Traffic(page)
                return page

            found = shot(open_, address + entry.url, bool(names))
            for context in chromium.contexts[1:]:
                context.close()
            path = previews.FOLDER / f"{previews.name_of(entry.page)}.png"
            if found is None:
                made.pop(entry.page, None)
                path.unlink(missing_ok=True)
                continue
            title = entry.name if entry.page != "index" else "a whole GPT to take apart"
            given = {
                "picture": base64.b64encode(found[0]).decode(),
                "title": title,
                "width": previews.WIDTH,
                "height": previews.HEIGHT,
                "margin": MARGIN,
                "most": COLOURS,
            }
            drawn = card.evaluate(CARD, given)
            pixels = base64.b64decode(drawn["pixels"])
            path.write_bytes(png(drawn["palette"], pixels, previews.WIDTH, previews.HEIGHT))
            shows = f"{title}: a figure of the page"
            made[entry.page] = {"shows": shows, "still": digest(names)}
            print(f"{entry.page}: {path.stat().st_size:,} bytes", flush=True)
    text = json.dumps(dict(sorted(made.items())), indent=1, ensure_ascii=False)
    previews.MADE.write_text(f"{text}\n", encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
