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
    "things-to-do": "Things to do",
}
ON_ITS_OWN = ("things-to-do",)  # an order of pages that teaches nothing new; it has no page
Sections = dict[str, dict[str, tuple[str, ...]]]  # by path and page


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
    ``none`` those that belong to the whole model or to none of it. ``waits`` has the sections that
    a path leaves out, by path and page; ``returns`` those for which it comes back to a page;
    ``groups`` the headings of a path's list, each with the number that it begins with.
    """

    pages: dict[str, Page]
    paths: dict[str, tuple[str, ...]]
    titles: dict[str, dict[str, str]]
    widgets: dict[str, str]
    stations: dict[str, tuple[str, ...]] = field(default_factory=dict)
    waits: Sections = field(default_factory=dict)
    returns: Sections = field(default_factory=dict)
    groups: dict[str, dict[str, str]] = field(default_factory=dict)

    def asks(self, path: str, at: int, section: str) -> bool:
        """Whether a section of the page at a place of a path is to be read there."""
        page = self.paths[path][at]
        if section in self.waits.get(path, {}).get(page, ()):
            return False
        later = self.returns.get(path, {}).get(page)
        if later is None:
            return True
        return (section in later) == (page in self.paths[path][:at])


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
    waits = sections(text, "leaves out", paths)
    returns = sections(text, "comes back for", paths)
    listed = (waits, returns, groups(text))
    return Sitemap(pages, paths, titles(text), widgets, stations, *listed)


def sections(text: str, words: str, paths: dict[str, tuple[str, ...]]) -> Sections:
    """The sections in the lines with these words."""
    found: Sections = {}
    for path, listed in re.findall(rf"^- ([a-z-]+) {words}: (.*)$", text, re.M):
        for entry in listed.split(","):
            page, _, section = entry.strip().partition("#")
            if page not in paths[path]:
                raise ValueError(f"{page} is not on the path {path}, which {words} a part of it")
            of_path = found.setdefault(path, {})
            of_path[page] = (*of_path.get(page, ()), section)
    return found


def groups(text: str) -> dict[str, dict[str, str]]:
    """The parts of the lessons by their first lesson, the chapters by their first section."""
    parts = dict(re.findall(r"^- from lesson (\d+): (.*)$", text, re.M))
    chapters = re.findall(r"^- (\d) ([\w ]+): ", text, re.M)
    return {"lessons": parts, "stepwise": {f"{n}.1": f"{n} {name}" for n, name in chapters}}


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


def path_url(path: str) -> str:
    """The address of a path's own list, relative to the site's root."""
    return f"#{path}" if path in ON_ITS_OWN else f"{path}/"


def stop_url(sitemap: Sitemap, path: str, at: int) -> str:
    """The address of the page at a place of a path: it says which place where there are two."""
    listed = sitemap.paths[path]
    twice = f"&stop={at + 1}" if listed.count(listed[at]) > 1 else ""
    return f"{sitemap.pages[listed[at]].url}?path={path}{twice}"


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
