"""The sitemap: which pages there are, what each one covers, and in which orders they are read.

Its source is the table in guide/notes/sitemap.md.
"""

import re
from dataclasses import dataclass, field
from pathlib import Path

GUIDE = Path(__file__).resolve().parent.parent
SOURCE = GUIDE / "notes" / "sitemap.md"
COLUMNS = ("steps", "lessons", "walkthrough", "widgets", "exercises")
PATHS = {
    "stepwise": "The stepwise path",
    "lessons": "The lessons",
    "walkthrough": "The walkthrough",
    "forty-minutes": "Forty minutes",
}


@dataclass(frozen=True)
class Page:
    """One row of the table: ``covers`` has the entries of each of ``COLUMNS``."""

    page: str
    name: str
    state: str
    covers: dict[str, tuple[str, ...]]

    @property
    def is_built(self) -> bool:
        return self.state == "built"

    @property
    def url(self) -> str:
        """Address of the page, relative to the site's root."""
        return "" if self.page == "index" else f"{self.page}/"


@dataclass(frozen=True)
class Sitemap:
    """All pages by name, the reading paths, titles by number, what each widget is, and the map.

    ``stations`` has the pages of each station of the map, first the one that it leads to; under
    ``none`` those that belong to the whole model or to none of it.
    """

    pages: dict[str, Page]
    paths: dict[str, tuple[str, ...]]
    titles: dict[str, dict[str, str]]
    widgets: dict[str, str]
    stations: dict[str, tuple[str, ...]] = field(default_factory=dict)


def read(source: Path = SOURCE) -> Sitemap:
    """The sitemap; ValueError with the line for what can't be read."""
    text = source.read_text(encoding="utf-8")
    pages: dict[str, Page] = {}
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if not line.startswith("| ") or cells[0] == "page":
            continue
        if len(cells) != 3 + len(COLUMNS) or cells[2] not in ("built", "later"):
            raise ValueError(f"this row of the sitemap can't be read: {line}")
        if cells[0] in pages:
            raise ValueError(f"{cells[0]} is in the sitemap twice")
        entries = (tuple(filter(None, map(str.strip, cell.split(",")))) for cell in cells[3:])
        covers = dict(zip(COLUMNS, entries, strict=True))
        pages[cells[0]] = Page(cells[0], cells[1], cells[2], covers)
    paths = {
        name: tuple(part.strip() for part in listed.split(","))
        for name, listed in re.findall(r"^- ([a-z-]+): (.*)$", text, re.M)
        if name in PATHS
    }
    for name, listed in paths.items():
        for page in listed:
            if page not in pages:
                raise ValueError(f"{page} of the path {name} is not in the table")
    widgets = dict(re.findall(r"^- (mg-[a-z0-9-]+): (.*)$", text, re.M))
    stations = {
        name: tuple(filter(None, map(str.strip, listed.split(","))))
        for name, listed in re.findall(r"^- station (\w+): (.*)$", text, re.M)
    }
    return Sitemap(pages, paths, titles(text), widgets, stations)


def titles(text: str) -> dict[str, dict[str, str]]:
    """What the numbers of the table stand for: steps, lessons and walkthrough parts."""
    steps = {}
    for chapter, _, listed in re.findall(r"^- (\d) ([\w ]+): (.*)$", text, re.M):
        for i, title in enumerate(listed.split(";"), 1):
            steps[f"{chapter}.{i}"] = title.strip()
    chapters = dict(re.findall(r"^- (\d) ([\w ]+): ", text, re.M))
    lists = {}
    for name, heading in (("lessons", "Lessons of"), ("walkthrough", "Parts of")):
        block = text.split(f"\n{heading} ", 1)[1].split("\n\n", 2)[1]
        lists[name] = dict(re.findall(r"^(\d+)\. (.*)$", block, re.M))
    return {"steps": steps, "chapters": chapters, **lists}


def stops(sitemap: Sitemap, path: str) -> list[tuple[Page, str]]:
    """The path's pages in order, each with what is to be read there, numbers and titles.

    A page that is passed twice shows the first time what comes before the next page's part.
    """
    column = {"stepwise": "steps", "lessons": "lessons", "walkthrough": "walkthrough"}.get(path)
    listed = [sitemap.pages[name] for name in sitemap.paths[path]]
    if column is None:
        return [(page, "") for page in listed]
    parts: list[list[str]] = [[] for _ in listed]
    at = 0
    for number in sitemap.titles[column]:
        while at < len(listed) and number not in listed[at].covers[column]:
            at += 1
        if at == len(listed):
            raise ValueError(f"{number} can't be reached in order on the path {path}")
        parts[at].append(f"{number} {sitemap.titles[column][number]}")
    return [(page, " · ".join(part)) for page, part in zip(listed, parts, strict=True)]
