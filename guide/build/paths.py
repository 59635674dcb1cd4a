"""The reading paths as the pages show them, made from the sitemap.

`@path NAME` on a line of its own becomes the list of a path, `@later NAME` the table of what it
leaves out; `foot` is what stands at the end of every page of a path: before, next, and how far one
has come.
"""

import html
import math
from collections.abc import Iterator

from markdown import Markdown
from markdown.extensions import Extension
from markdown.preprocessors import Preprocessor

import running
import sitemap
import timing

LATER = "not written yet"


def seconds(known: sitemap.Sitemap, path: str, at: int) -> float:
    """How long the page at a place of the path takes: what is to be read of it there."""
    return timing.seconds(known.paths[path][at], lambda name: known.asks(path, at, name))


def minutes(known: sitemap.Sitemap, path: str, at: int) -> int:
    """The same in whole minutes."""
    return max(1, round(seconds(known, path, at) / 60))


def total(known: sitemap.Sitemap, path: str) -> int:
    """How long the path takes, in whole minutes."""
    places = range(len(known.paths[path]))
    return math.ceil(sum(seconds(known, path, at) for at in places) / 60)


def listing(path: str) -> list[str]:
    """A list in Markdown: pages that are built as links, the others with a word that says so."""
    known = sitemap.read()
    if path not in known.paths:
        raise ValueError(f"@path {path}: the paths are {', '.join(known.paths)}")
    groups = known.groups.get(path, {})
    lines = [f'<div class="path" data-path="{path}" markdown="1">', ""]
    for at, (page, parts) in enumerate(sitemap.stops(known, path)):
        number = parts.split(" ")[0]
        if number in groups:
            lines += ["", f"### {groups[number]}", ""]
        name = html.escape(page.name)
        if page.is_built:
            parts = " · ".join(
                filter(None, (parts, f"{minutes(known, path, at)}\N{NO-BREAK SPACE}min"))
            )
        about = f' <span class="parts">{html.escape(parts)}</span>' if parts else ""
        if page.is_built:
            query = sitemap.stop_url(known, path, at).partition("?")[2].replace("&", "&amp;")
            lines.append(f"1. [{name}]({page.page}.md?{query}){about}")
        else:
            lines.append(f'1. <span class="later">{name} <em>{LATER}</em></span>{about}')
    return [*lines, "", "</div>"]


def later(path: str) -> list[str]:
    """A table in Markdown: the sections of each page that the path leaves for later."""
    known = sitemap.read()
    lines = ["| page | what can wait |", "|---|---|"]
    for page, left in known.waits[path].items():
        named = dict(running.headings(page))
        if missing := [section for section in left if section not in named]:
            raise ValueError(f"{path} leaves out {page}#{missing[0]}, which isn't there")
        titles = ", ".join(f"*{named[section]}*" for section in left)
        lines.append(f"| [{known.pages[page].name}]({page}.md) | {titles} |")
    return lines


def foot(known: sitemap.Sitemap, page: sitemap.Page, up: str) -> str:
    """What comes before and after the page on each reading path, as far as it is written."""
    rows = []
    for path in sitemap.PATHS:
        listed = known.paths[path]
        built = [i for i, name in enumerate(listed) if known.pages[name].is_built]
        for i, at in enumerate(built):
            if listed[at] != page.page:
                continue
            rows.append(row(known, path, built, i, up))
    if not rows:
        return ""
    return f'<nav class="paths" aria-label="Reading paths">{"".join(rows)}</nav>'


def row(known: sitemap.Sitemap, path: str, built: list[int], i: int, up: str) -> str:
    """One place of one path."""
    at = built[i]
    page = known.paths[path][at]
    links = [f'<a href="{up}{sitemap.path_url(path)}">{sitemap.PATHS[path]}</a>']
    about = f"{i + 1} of {len(built)} · {minutes(known, path, at)} min"
    links.append(f'<span class="place">{about}</span>')
    for label, j in (("Before", i - 1), ("Next", i + 1)):
        if 0 <= j < len(built):
            name = html.escape(known.pages[known.paths[path][built[j]]].name)
            href = html.escape(up + sitemap.stop_url(known, path, built[j]))
            on = ' class="on"' if label == "Next" else ""
            links.append(f'<span{on}>{label}: <a href="{href}">{name}</a></span>')
    if i == len(built) - 1:
        links.append(f"<span>{end(path, up)}</span>")
    names = [name for name, _ in running.headings(page)]
    waits = " ".join(name for name in names if not known.asks(path, at, name))
    leaves = f' data-waits="{waits}"' if waits else ""
    return f'<p data-path="{path}" data-stop="{at + 1}"{leaves}>{"".join(links)}</p>'


def end(path: str, up: str) -> str:
    """What stands in the place of the next page when there is none."""
    if path in sitemap.ON_ITS_OWN or "and-then" not in dict(running.headings(path)):
        return "The path ends here."
    address = f"{up}{sitemap.path_url(path)}#and-then"
    return f'The path ends here. <a href="{address}">What to do now</a>'


def filled(lines: list[str]) -> Iterator[str]:
    """A page's lines with what stands for those of this module."""
    known = sitemap.read()
    for line in lines:
        if line.startswith("@path "):
            yield from listing(line.split()[1])
        elif line.startswith("@later "):
            yield from later(line.split()[1])
        else:
            for path in sitemap.PATHS:
                mark = f"@minutes {path}@"
                line = line.replace(mark, str(total(known, path))) if mark in line else line
            yield line


class Lists(Preprocessor):
    def run(self, lines: list[str]) -> list[str]:
        return list(filled(lines))


class PathsExtension(Extension):
    def extendMarkdown(self, md: Markdown) -> None:
        md.preprocessors.register(Lists(md), "paths", 27)


def makeExtension(**options: object) -> PathsExtension:
    return PathsExtension(**options)
