"""The search's index as plain text: one entry for each section of each page.

An entry also has the words that stand in bold in its section's running text, which are the terms
that are explained there. Formulas are written in a line, so that a power stays a power.
"""

import html
import json
import re
from html.parser import HTMLParser
from pathlib import Path

import formulas
import paths

INLINE = {"a", "abbr", "b", "code", "em", "i", "kbd", "span", "strong", "sub", "sup", "wbr"}
SKIPPED = {"button", "nav", "script", "style", "svg"}
MOST = 4  # words of a term; longer ones in bold are sentences
HEADING = re.compile(r"h[1-6]")
FORMULA = re.compile(r"<math .*?</math>", re.S)
MAIN = re.compile(r"<main\b[^>]*>(.*)</main>", re.S)


class Sections(HTMLParser):
    """The sections of a page: its headings with an id, and what follows each."""

    def __init__(self) -> None:
        super().__init__()
        self.sections: list[dict[str, str]] = []
        self.terms: list[list[str]] = []
        self.into: str | None = None  # "title" within a heading, "text" after it
        self.skipped = 0
        self.figures = 0  # how many widgets are open
        self.bold: list[str] | None = None

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        values = dict(attributes)
        if tag in SKIPPED:
            self.skipped += 1
        elif HEADING.fullmatch(tag) and values.get("id"):
            self.sections.append({"id": str(values["id"]), "tag": tag, "title": "", "text": ""})
            self.terms.append([])
            self.into = "title"
        elif tag.startswith("mg-"):
            self.figures += 1
        elif tag in ("strong", "b") and not self.figures and self.into == "text":
            self.bold = []
        if tag not in INLINE:
            self.add(" ")

    def handle_endtag(self, tag: str) -> None:
        if tag in SKIPPED:
            self.skipped -= 1
        elif HEADING.fullmatch(tag) and self.into == "title":
            self.into = "text"
        elif tag.startswith("mg-"):
            self.figures -= 1
        elif tag in ("strong", "b") and self.bold is not None:
            term = " ".join("".join(self.bold).split()).rstrip(".:,")
            self.bold = None
            if 0 < len(term.split()) <= MOST:
                self.terms[-1].append(term)
        if tag not in INLINE:
            self.add(" ")

    def handle_data(self, data: str) -> None:
        self.add(data)
        if self.bold is not None:
            self.bold.append(data)

    def add(self, text: str) -> None:
        if self.into and not self.skipped:
            self.sections[-1][self.into] += text


def in_plain_text(page: str) -> str:
    """A page's HTML with its formulas as text."""
    return FORMULA.sub(lambda found: html.escape(formulas.in_a_line(found[0])), page)


def of_page(url: str, page: str) -> list[dict[str, object]]:
    """The entries of one built page; its first heading names it."""
    found = MAIN.search(page)
    reader = Sections()
    reader.feed(in_plain_text(found[1] if found else "").replace(paths.LATER, ""))
    reader.close()
    entries: list[dict[str, object]] = []
    name = ""
    for section, terms in zip(reader.sections, reader.terms, strict=True):
        title, text = (" ".join(section[part].split()) for part in ("title", "text"))
        first = section["tag"] == "h1"
        name = title if first else name
        entry: dict[str, object] = {"location": url if first else f"{url}#{section['id']}"}
        entry |= {"title": title, "page": name, "text": text}
        entries.append(entry | ({"terms": terms} if terms else {}))
    return entries


def write(site: Path) -> None:
    """The index of all pages, in the order of their addresses."""
    entries = []
    for path in sorted(site.rglob("index.html"), key=lambda path: path.parent.as_posix()):
        url = path.parent.relative_to(site).as_posix()
        entries += of_page("" if url == "." else f"{url}/", path.read_text(encoding="utf-8"))
    (site / "search.json").write_text(json.dumps(entries, ensure_ascii=False), encoding="utf-8")
