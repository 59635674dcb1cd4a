"""The sources of each lesson, as links to their entries on the page Sources.

An entry is an item of a list in guide/pages/sources.md, with an id behind its title; what stands
before its first colon is its name. guide/notes/sources.md says which lesson draws on which. The
three teaching works aren't listed there: the sitemap's columns say what was learned from them.
"""

from __future__ import annotations

import html
import re
from functools import cache
from pathlib import Path

import sitemap

PAGE = sitemap.GUIDE / "pages" / "sources.md"
LISTS = sitemap.GUIDE / "notes" / "sources.md"
# What the columns of the sitemap were learned from.
WORKS = {"steps": "visualized", "lessons": "course", "walkthrough": "lab"}
ENTRY = re.compile(r"^- (.*)$", re.M)
ID = re.compile(r"\{: #([a-z0-9-]+) \}")


def entries(page: Path = PAGE) -> dict[str, str]:
    """The name of each entry by its id; ValueError for an item that has none, or another's."""
    found: dict[str, str] = {}
    for item in ENTRY.findall(page.read_text(encoding="utf-8")):
        ids = ID.findall(item)
        if len(ids) != 1 or ids[0] in found:
            raise ValueError(f"this source needs an id of its own, {{: #name }}: {item[:80]}")
        plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", ID.sub("", item))
        found[ids[0]] = plain.replace("*", "").partition(": ")[0].strip().rstrip(".")
    return found


def listed(lists: Path = LISTS) -> dict[str, tuple[str, ...]]:
    """The ids that a page names by itself, and those of `general`, which no lesson draws on."""
    rows = re.findall(r"^- (general|learn/[a-z0-9-]+): ?(.*)$", lists.read_text("utf-8"), re.M)
    found: dict[str, tuple[str, ...]] = {}
    for page, ids in rows:
        if page in found:
            raise ValueError(f"{page} is twice in {lists.name}")
        found[page] = tuple(filter(None, map(str.strip, ids.split(","))))
    return found


@cache
def of_pages() -> dict[str, tuple[str, ...]]:
    """All sources of each lesson in the order of the page Sources; ValueError for what is wrong."""
    known = sitemap.read()
    return gathered(known, entries(), listed())


def gathered(
    known: sitemap.Sitemap, names: dict[str, str], lists: dict[str, tuple[str, ...]]
) -> dict[str, tuple[str, ...]]:
    for page, ids in lists.items():
        for unknown in [one for one in ids if one not in names]:
            raise ValueError(f"{page} names the source {unknown}, which isn't on the page Sources")
        if page != "general" and page not in known.pages:
            raise ValueError(f"{page} has sources, and isn't in the sitemap")
    order = list(names)
    found: dict[str, tuple[str, ...]] = {}
    for page in known.pages.values():
        if page.page.startswith("learn/"):
            works = {work for column, work in WORKS.items() if page.covers[column]}
            ids = works | {*lists.get(page.page, ())}
            if not ids:
                raise ValueError(f"{page.page} has no source: name one in {LISTS.name}")
            found[page.page] = tuple(sorted(ids, key=order.index))
    used = {one for ids in found.values() for one in ids}
    for name in names:
        if (name in used) == (name in lists.get("general", ())):
            raise ValueError(f"the source {name} is of a lesson, or else general: not both or none")
    return found


def line(page: str, up: str) -> str:
    """The last line of a lesson."""
    names = entries()
    links = [
        f'<a href="{up}sources/#{one}">{html.escape(names[one])}</a>'
        for one in of_pages().get(page, ())
    ]
    return f'<p class="sources">Sources: {"; ".join(links)}.</p>\n' if links else ""
