"""Numbers and the lines of code that make them.

guide/notes/lines.md lists for each page the kinds of its numbers, and the line of the ladder that
makes each, as an anchor (``anchors``). What shows such a number has the kind in `data-made`, in the
page's text or in a figure. When the site is built, the line has it too, wherever the page quotes
it, and a template at the end of the page holds the words and the line of each kind. js/kit/made.js
lights them together, or shows the line in a card where no listing has it in sight.
"""

from __future__ import annotations

import html
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import anchors
import formulas
import quoting
import sitemap

LIST = sitemap.GUIDE / "notes" / "lines.md"
PAGES = sitemap.GUIDE / "pages"
ROW = re.compile(r"^\| ([a-z][a-z0-9-]*) \| ([\w.]+): (.+?) \| (.+) \|$")
USED = re.compile(r'\bdata-made="([^"]*)"')


@dataclass(frozen=True)
class Made:
    """A kind of number on a page, and what makes it."""

    page: str
    kind: str
    path: str
    anchor: str
    words: str


def read(source: Path = LIST) -> list[Made]:
    """The list, row by row; ValueError for a row that can't be read."""
    rows: list[Made] = []
    page = ""
    for line in source.read_text(encoding="utf-8").split("\n"):
        if line.startswith("## "):
            page = line[3:].strip()
        elif page and line.startswith("| ") and not line.startswith("| number |"):
            row = ROW.match(line)
            if not row:
                raise ValueError(f"{source.name} has a row that can't be read: {line}")
            rows.append(Made(page, row[1], f"ladder/{row[2]}", row[3], row[4]))
    return rows


def resolve(rows: list[Made], root: Path = quoting.ROOT) -> dict[Made, anchors.Span]:
    """The lines of all rows; ValueError that names every anchor which has lost its line."""
    found, lost = {}, []
    for row in rows:
        path = root / row.path
        try:
            source = path.read_text(encoding="utf-8") if path.is_file() else ""
            found[row] = anchors.find(source, row.anchor)
        except (anchors.AnchorError, SyntaxError) as error:
            lost.append(f"  {row.path}: {row.anchor}, for {row.kind} on {row.page}: {error}")
    if lost:
        raise ValueError("\n".join(["guide/notes/lines.md names lines that aren't there:", *lost]))
    return found


def check(rows: list[Made], pages: Path = PAGES) -> None:
    """ValueError where a page's text has a kind of number that the list doesn't give it."""
    known = {row.page for row in rows}
    unlisted = [f"{page}, which is no page" for page in known - set(sitemap.read().pages)]
    for path in sorted(pages.rglob("*.md")):
        page = path.relative_to(pages).as_posix().removesuffix(".md")
        kinds = {row.kind for row in rows if row.page == page}
        used = {kind for all_ in USED.findall(path.read_text("utf-8")) for kind in all_.split()}
        unlisted += [f"{kind} on {page}, which has no row" for kind in sorted(used - kinds)]
    if unlisted:
        raise ValueError(f"guide/notes/lines.md: {'; '.join(unlisted)}")


@cache
def of_pages() -> dict[str, dict[Made, anchors.Span]]:
    """All rows with their lines, by page; ValueError for what is wrong with them."""
    rows = read()
    check(rows)
    found: dict[str, dict[Made, anchors.Span]] = {}
    for row, span in resolve(rows).items():
        found.setdefault(row.page, {})[row] = span
    return found


def put(text: str, page: str) -> str:
    """A built page with its lines marked, and the template with all of them."""
    mine = of_pages().get(page)
    if not mine:
        return text
    kinds: dict[tuple[str, int], list[str]] = {}
    for row, span in mine.items():
        for number in range(span.first, span.last + 1):
            kinds.setdefault((row.path, number), []).append(row.kind)
    pieces = re.split(r'(<figure class="code" data-source="[^"]*">)', text)
    for i in range(1, len(pieces), 2):
        path = re.findall(r'data-source="([^"]*)"', pieces[i])[0]
        listing, end, rest = pieces[i + 1].partition("</figure>")
        pieces[i + 1] = marked(listing, path, kinds) + end + rest
    told = "".join(told_of(row, span) for row, span in mine.items())
    template = f'<template class="made-lines" data-lines>{told}</template>\n'
    return "".join(pieces).replace("</body>", f"{template}</body>", 1)


def marked(listing: str, path: str, kinds: dict[tuple[str, int], list[str]]) -> str:
    def with_kinds(found: re.Match[str]) -> str:
        made = kinds.get((path, int(found[1])))
        return f'{found[0]} data-made="{" ".join(dict.fromkeys(made))}"' if made else found[0]

    return re.sub(r'(?<= )data-line="(\d+)"', with_kinds, listing)


def told_of(row: Made, span: anchors.Span) -> str:
    """What a card says of a kind: its words, and its line."""
    lines = (quoting.ROOT / row.path).read_text("utf-8").split("\n")[span.first - 1 : span.last]
    words = re.split(r"\$([^$]+)\$", row.words)
    said = "".join(
        formulas.mathml(part, "inline") if i % 2 else html.escape(part)
        for i, part in enumerate(words)
    )
    code = quoting.as_html(lines, "", number=span.first, path=row.path)
    return f'<div data-name="{row.kind}"><p>{said}</p>{code}</div>'
