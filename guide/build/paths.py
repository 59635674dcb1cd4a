"""`@path NAME` on a line of its own: the list of a reading path, made from the sitemap."""

import html

from markdown import Markdown
from markdown.extensions import Extension
from markdown.preprocessors import Preprocessor

import sitemap

LATER = "not written yet"


def listing(path: str) -> list[str]:
    """A list in Markdown: pages that are built as links, the others with a word that says so."""
    known = sitemap.read()
    if path not in known.paths:
        raise ValueError(f"@path {path}: the paths are {', '.join(known.paths)}")
    lines = ['<div class="path" markdown="1">', ""]
    for page, parts in sitemap.stops(known, path):
        about = f' <span class="parts">{html.escape(parts)}</span>' if parts else ""
        name = html.escape(page.name)
        if page.is_built:
            lines.append(f"1. [{name}]({page.page}.md?path={path}){about}")
        else:
            lines.append(f'1. <span class="later">{name} <em>{LATER}</em></span>{about}')
    return [*lines, "", "</div>"]


class Lists(Preprocessor):
    def run(self, lines: list[str]) -> list[str]:
        out = []
        for line in lines:
            out += listing(line.split()[1]) if line.startswith("@path ") else [line]
        return out


class PathsExtension(Extension):
    def extendMarkdown(self, md: Markdown) -> None:
        md.preprocessors.register(Lists(md), "paths", 27)


def makeExtension(**options: object) -> PathsExtension:
    return PathsExtension(**options)
