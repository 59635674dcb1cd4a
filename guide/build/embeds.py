"""Each figure on a page of its own, for an <iframe> elsewhere: embed/PAGE/FIGURE/.

It has the figure's tag as it stands on its page, what it needs, and a link back. The figure's state
is in the address, as on its page; what it may be framed by is in the server's headers.
"""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from posixpath import normpath
from urllib.parse import urlsplit

import checking
import sheets

FOLDER = "embed"
UP = "../../../"
MOST = 120_000  # bytes, compressed: the page, its sheets and scripts; data comes on top
SHEETS = ("tokens", "site", "controls", "frame", "kit")  # in the reader's fonts: ours are 28 KB
POLICY = re.compile(r'<meta http-equiv="Content-Security-Policy" content="[^"]*">')

PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
{policy}
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<meta name="robots" content="noindex">
<title>{title}: a figure of microgpt</title>
<link rel="icon" href="{up}img/icon.svg" type="image/svg+xml">
{sheets}
<script src="{up}js/site/theme.js"></script>
<script type="module" src="{up}js/site/embed.js"></script>
</head>
<body class="embed" data-root="{up}" data-page="{up}{page}" data-title="{title}">
<main>
{figure}
</main>
<footer class="embed-foot"><a href="{up}{page}" target="_blank" rel="noopener">“{title}” in \
microgpt</a></footer>
</body>
</html>
"""


def figures(text: str) -> list[tuple[int, int, str]]:
    """Where each figure of a built page begins and ends, and its name, the second one's with -2."""
    found = []
    count: dict[str, int] = {}
    for tag in re.finditer(r"<(mg-[a-z0-9-]+) data-figure\b", text):
        end = text.index(f"</{tag[1]}>", tag.end()) + len(f"</{tag[1]}>")
        name = tag[1].removeprefix("mg-")
        count[name] = count.get(name, 0) + 1
        found.append((tag.start(), end, f"{name}-{count[name]}" if count[name] > 1 else name))
    return found


def place_of(page: str, name: str) -> str:
    """The folder of a figure's own page within the site."""
    return f"{FOLDER}/{page.replace('/', '-')}/{name}/"


def moved(figure: str, url: str) -> str:
    """A figure's markup with its addresses as they are from its own page; links open elsewhere."""

    def address(found: re.Match[str]) -> str:
        link = found[2]
        if urlsplit(link).scheme:
            return found[0]
        path, mark, rest = re.match(r"([^?#]*)([?#]?)(.*)", link, re.S).groups()  # type: ignore[union-attr]
        whole = normpath(f"/{url}{path}").lstrip("/") if path else url.rstrip("/")
        slash = "/" if whole and (not path or path.endswith(("/", "."))) else ""
        return f'{found[1]}="{UP}{whole}{slash}{mark}{rest}"'

    figure = re.sub(r'\b(href|src|data-module)="([^"]*)"', address, figure)
    return figure.replace("<a ", '<a target="_blank" rel="noopener" ')


def write(site: Path, page: str, url: str, title: str, text: str) -> str:
    """Writes the pages of a page's figures; returns the page, whose figures then know of them."""
    start, end = text.find("<main"), text.find("</main>")
    policy = POLICY.search(text)
    assert policy is not None
    pieces, at = [], 0
    for begin, until, name in figures(text):
        if not start < begin < end:
            continue
        place = place_of(page, name)
        figure = moved(text[begin:until], url)
        path = site / place / "index.html"
        path.parent.mkdir(parents=True, exist_ok=True)
        made = PAGE.format(
            policy=policy[0], title=title, up=UP, page=url, figure=figure, sheets="<!-- styles -->"
        )
        names = [f"{name}.css" for name in SHEETS]
        names += [name for name in sheets.wanted(site, path, made, "embed.js") if name not in names]
        links = "\n".join(f'<link rel="stylesheet" href="{UP}css/{sheet}">' for sheet in names)
        path.write_text(made.replace("<!-- styles -->", links), encoding="utf-8")
        if checking.first_load(site, place) > MOST:
            shutil.rmtree(path.parent)  # too much for a part of somebody else's page
            continue
        here = text.index(" data-figure", begin) + len(" data-figure")
        pieces += [text[at:here], f' data-embed="{place}"']
        at = here
    return "".join([*pieces, text[at:]])
