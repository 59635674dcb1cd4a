"""What a built site must keep: links lead somewhere, nothing leaves the server, no inline code.

The size of a page is what a browser fetches before the reader does anything: the page, and all
that it names or its scripts import, each compressed by itself.
"""

import gzip
import re
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import sitemap

FIRST_PAGE = 250 * 1024  # bytes, compressed
VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "wbr"}


class Problem(Exception):
    """The site can't be used as it is; the message lists why."""


@dataclass
class Found:
    """What one page names."""

    ids: list[str] = field(default_factory=list)
    links: list[str] = field(default_factory=list)  # for the reader to follow
    fetched: list[str] = field(default_factory=list)  # by the browser, unasked
    modules: list[str] = field(default_factory=list)  # of widgets
    widgets: set[str] = field(default_factory=set)  # elements of guide/widgets
    wrong: list[str] = field(default_factory=list)


class Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found = Found()
        self.inline = ""
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attributes}
        found = self.found
        if tag not in VOID:
            self.open.append(tag)
        if "id" in values:
            found.ids.append(values["id"])
        if tag in ("a", "area") and "href" in values:
            found.links.append(values["href"])
        elif "href" in values:
            found.fetched.append(values["href"])
        found.fetched += [values[name] for name in ("src", "poster") if name in values]
        if "data-module" in values:
            found.modules.append(values["data-module"])
            if "widgets/" in values["data-module"]:
                found.widgets.add(tag)
        if tag in ("script", "style") and "src" not in values:
            self.inline = tag
        for name in values:
            if name == "style" or name.startswith("on"):
                found.wrong.append(f"<{tag} {name}=...> is refused by the security policy")
        if tag in ("iframe", "form", "base", "object", "embed"):
            found.wrong.append(f"<{tag}> is refused by the security policy")

    def handle_endtag(self, tag: str) -> None:
        self.inline = ""
        if tag in VOID:
            return
        if not self.open or self.open[-1] != tag:
            self.found.wrong.append(f"</{tag}> closes <{self.open[-1] if self.open else ''}>")
        if tag in self.open:
            while self.open.pop() != tag:
                pass

    def handle_data(self, data: str) -> None:
        if self.inline and data.strip():
            self.found.wrong.append(f"inline <{self.inline}> is refused by the security policy")


def read_page(path: Path) -> Found:
    reader = Reader()
    reader.feed(path.read_text(encoding="utf-8"))
    reader.close()
    return reader.found


def target_of(site: Path, page: Path, link: str) -> Path | None:
    """The file that a link of a page means, None if there is none or it is outside the site."""
    path = unquote(urlsplit(link).path)
    if path.startswith("/"):
        return None  # would not work below another folder
    target = (page.parent / path).resolve() if path else page
    if target.is_dir():
        if not path.endswith(("/", ".")):
            return None  # would be a redirect
        target /= "index.html"
    return target if target.is_file() and target.is_relative_to(site.resolve()) else None


def imports(path: Path) -> list[str]:
    """What a module imports at once; `import()` in its code comes later, on demand."""
    text = re.sub(
        r"/\*.*?\*/|^\s*//[^\n]*$", "", path.read_text(encoding="utf-8"), flags=re.S | re.M
    )
    statement = r"""^\s*(?:import|(?:import|export)\b[^;"'()=]*?\bfrom)\s*["']([^"']+)["']"""
    minified = r"""[;}\s](?:import|(?:import|export)\s*[\w*{}\s,$]*?\bfrom)\s*["']([^"']+)["']"""
    return sorted({*re.findall(statement, text, re.M), *re.findall(minified, text)})


def closure(site: Path, start: list[Path], problems: list[str]) -> set[Path]:
    """Modules and all that they import."""
    seen: set[Path] = set()
    waiting = list(start)
    while waiting:
        path = waiting.pop()
        if path in seen:
            continue
        seen.add(path)
        if path.suffix not in (".js", ".mjs"):
            continue
        for name in imports(path):
            target = (path.parent / name).resolve()
            inside = name.startswith(".") and target.is_relative_to(site.resolve())
            if inside and target.is_file():
                waiting.append(target)
            else:
                problems.append(f"{path.relative_to(site.resolve())} imports {name}: not here")
    return seen


def squeezed(paths: set[Path]) -> int:
    return sum(len(gzip.compress(path.read_bytes(), 9, mtime=0)) for path in paths)


def first_load(site: Path, url: str) -> int:
    """Compressed bytes of a page and of all that it fetches unasked."""
    page = site.resolve() / url / "index.html"
    found = read_page(page)
    named = [target_of(site, page, link) for link in [*found.fetched, *found.modules]]
    return squeezed(closure(site.resolve(), [page, *filter(None, named)], []))


def check(site: Path, known: sitemap.Sitemap) -> list[str]:
    """Holds a built site against the sitemap and the rules; raises ``Problem``, or says sizes."""
    site = site.resolve()
    problems: list[str] = []
    pages = {path: read_page(path) for path in sorted(site.rglob("*.html"))}
    said = []
    sizes = {}
    for path, found in pages.items():
        here = path.relative_to(site).as_posix()
        problems += [f"{here}: {wrong}" for wrong in found.wrong]
        problems += [f"{here}: the id {i} twice" for i in {*found.ids} if found.ids.count(i) > 1]
        for link in found.links:
            parts = urlsplit(link)
            if parts.scheme in ("https", "mailto") or link.startswith("data:"):
                continue
            target = None if parts.scheme or parts.netloc else target_of(site, path, link)
            anchor = unquote(parts.fragment).partition("?")[0]  # behind it: the state of widgets
            if target is None:
                problems.append(f"{here} links to {link}: not in the site")
            elif anchor and anchor not in pages[target].ids:
                problems.append(f"{here} links to {link}: no such place on that page")
        first = [path]
        for link in [*found.fetched, *found.modules]:
            target = target_of(site, path, link) if not urlsplit(link).scheme else None
            if urlsplit(link).scheme == "data":
                continue
            if target is None or urlsplit(link).netloc:
                problems.append(f"{here} fetches {link}: not in the site")
            else:
                first.append(target)
        sizes[here] = squeezed(closure(site, first, problems))
        if sizes[here] > FIRST_PAGE:
            problems.append(f"{here} has {sizes[here]:,} bytes, {FIRST_PAGE:,} are allowed")
    problems += missing(site, known, pages)
    closure(site, list(site.rglob("*.js")), problems)
    if problems:
        raise Problem("\n".join(dict.fromkeys(problems)))
    total = sum(path.stat().st_size for path in site.rglob("*") if path.is_file())
    largest = max(sizes, key=lambda here: sizes[here])
    said.append(f"{len(pages)} pages, {total:,} bytes, every link leads somewhere")
    said.append(f"largest first load: {largest}, {sizes[largest]:,} of {FIRST_PAGE:,} bytes")
    return said


def missing(site: Path, known: sitemap.Sitemap, pages: dict[Path, Found]) -> list[str]:
    """What the sitemap promises and the site doesn't have."""
    problems = []
    for page in known.pages.values():
        path = site / page.url / "index.html"
        if page.is_built and path not in pages:
            problems.append(f"{page.page} is called built, and is not in the site")
        if not page.is_built or path not in pages:
            continue
        listed, shown = set(page.covers["widgets"]), pages[path].widgets
        problems += [f"{page.page} lacks its widget {name}" for name in sorted(listed - shown)]
        problems += [
            f"{page.page} shows {name}, which its row of the sitemap doesn't list"
            for name in sorted(shown - listed)
        ]
    described = {name for page in known.pages.values() for name in page.covers["widgets"]}
    for name in sorted(described ^ set(known.widgets)):
        problems.append(f"{name} is in only one of the sitemap's two lists of widgets")
    return problems
