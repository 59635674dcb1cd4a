"""The running text of a page, from its Markdown: what a reader of it reads from top to bottom.

Figures, exercises, code, formulas, tables and headings are left out, as are the lists that are ways
to other pages. ``pieces`` cuts the rest by section, and says which words are emphasised and which a
link; of a table it keeps the cells that are bold: what such a cell names, its row explains.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

import sitemap

PAGES = sitemap.GUIDE / "pages"
# Phrases that set a figure's state are words, and questions are text.
WIDGET = re.compile(r"<(mg-(?!say\b)[a-z0-9-]+)\b[^>]*>.*?</\1>", re.S)
FIGURE = re.compile(r"<(mg-(?!say\b|predict\b)[a-z0-9-]+)\b[^>]*>.*?</\1>", re.S)
LINE_OF_BUILD = re.compile(r"^@.*$", re.M)
# What isn't read as a text, whatever is counted or looked for.
UNREAD = [
    re.compile(r"\A---\n.*?\n---\n", re.S),
    re.compile(r"<!--.*?-->", re.S),
    re.compile(r"<details.*?</details>", re.S),
    re.compile(r'<ul class="ways">.*?</ul>', re.S),
    re.compile(r"^(```|~~~).*?^\1$", re.M | re.S),
    re.compile(r"\$\$.*?\$\$", re.S),
    LINE_OF_BUILD,
    re.compile(r"\{:[^}]*\}"),
]
NOT_WORDS = [re.compile(r"(?<!\\)\$[^$\n]+?(?<!\\)\$"), re.compile(r"`[^`\n]*`")]
HEADING = re.compile(r"^ *#+ .*$", re.M)
ROW = re.compile(r"^\|.*$", re.M)
CELL = re.compile(r"(?<=\| )\*\*[^*|]+\*\*(?= \|)")
LINK = re.compile(r"\[\[(?:[^\]|]+\|)?([^\]]+)\]\]|\[([^\]]+)\]\([^)]*\)")
BOLD_LINK = re.compile(r"\[\*\*([^\]*]+)\*\*\](\([^)]*\))")
MARKED = re.compile(r"\*\*(.+?)\*\*|(?<!\*)\*([^\s*][^*]*?)\*(?!\*)", re.S)
ANCHOR = re.compile(r"<a\b[^>]*>(.*?)</a>", re.S)
EMPHASIS = re.compile(r"</?(?:em|i)>")
STRONG = re.compile(r"</?(?:strong|b)>")


@dataclass(frozen=True)
class Piece:
    """Some words in a row: ``kind`` is plain, marked (bold or italic) or link."""

    section: str  # the heading's id; empty before the first
    text: str
    kind: str


def slug(heading: str) -> str:
    """The id that a heading gets."""
    if own := re.search(r"\{:[^}]*#([\w-]+)", heading):
        return own[1]
    words = re.sub(r"[^\w\s-]", "", LINK.sub(lambda m: m[1] or m[2], heading)).strip().lower()
    return re.sub(r"[-\s]+", "-", words)


def parts(page: str) -> Iterator[tuple[str, str]]:
    """A page's Markdown by its headings of second rank, in front of the first without a name."""
    text = (PAGES / f"{page}.md").read_text(encoding="utf-8")
    held: list[str] = []

    def hold(found: re.Match[str]) -> str:  # a comment in a program is no heading
        held.append(found[0])
        return f"\0{len(held) - 1}\0"

    text = re.sub(r"^```.*?^```$", hold, text, flags=re.M | re.S)
    text = WIDGET.sub(hold, text)
    split = re.split(r"^## (.+)$", text, flags=re.M)
    for name, body in zip(["", *split[1::2]], split[::2], strict=True):
        while "\0" in body:
            body = re.sub(r"\0(\d+)\0", lambda found: held[int(found[1])], body)
        yield name, body


def sections(page: str) -> Iterator[tuple[str, str]]:
    """The same with the ids of the headings."""
    for name, body in parts(page):
        yield slug(name) if name else "", body


def headings(page: str) -> list[tuple[str, str]]:
    """The headings of second rank: ids and words."""
    return [(slug(name), name.partition("{:")[0].strip()) for name, _ in parts(page) if name]


@cache
def pieces(page: str) -> tuple[Piece, ...]:
    """The running text in order."""
    found = []
    for section, body in sections(page):
        for gone in (FIGURE, *UNREAD, *NOT_WORDS, HEADING):
            body = gone.sub(" ", body)
        body = ROW.sub(lambda row: " ".join(CELL.findall(row[0])), body)
        body = BOLD_LINK.sub(r"**[\1]\2**", body)
        body = STRONG.sub("**", EMPHASIS.sub("*", body))
        body = re.sub(r"<(?!/?a\b)[^>]*>", " ", body)
        at = 0
        for mark in MARKED.finditer(body):
            found += linked(section, body[at : mark.start()])
            found.append(Piece(section, unlinked(mark[1] or mark[2]), "marked"))
            at = mark.end()
        found += linked(section, body[at:])
    return tuple(piece for piece in found if piece.text.strip())


def unlinked(text: str) -> str:
    return " ".join(ANCHOR.sub(r"\1", LINK.sub(lambda m: m[1] or m[2], text)).split())


def linked(section: str, text: str) -> Iterator[Piece]:
    text = ANCHOR.sub(r"[\1](a)", text)
    at = 0
    for link in LINK.finditer(text):
        yield Piece(section, " ".join(text[at : link.start()].split()), "plain")
        yield Piece(section, " ".join((link[1] or link[2]).split()), "link")
        at = link.end()
    yield Piece(section, " ".join(text[at:].split()), "plain")
