"""Words in the colour of what they name: queries, keys, gradients and so on.

guide/notes/colours.md says which words name which kind, and on which pages they are coloured: where
they are emphasised, and in a section without that at their first use. In the formulas of
these pages the letters of the kinds are coloured throughout. The colours are those of the legend on
the page About this guide.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import sitemap
import terms

SOURCE = sitemap.GUIDE / "notes" / "colours.md"
EMPHASIS = {"em", "strong", "b", "i"}
BLOCKS = {"p", "li", "dd", "blockquote"}


@dataclass(frozen=True)
class Kind:
    """What has a colour: its class in css/controls.css, its words, its letter in formulas."""

    name: str
    words: tuple[str, ...]
    letter: str

    @property
    def pattern(self) -> re.Pattern[str]:
        words = sorted(self.words, key=len, reverse=True)
        return re.compile(rf"(?<![\w-])(?:{'|'.join(map(re.escape, words))})(?![\w-])")


@dataclass
class Use:
    """A word that could be coloured: where it is, and how it stands there."""

    piece: int
    begin: int
    until: int
    kind: str
    is_emphasised: bool
    is_linked: bool


def split(cell: str) -> tuple[str, ...]:
    return tuple(filter(None, map(str.strip, cell.split(","))))


def read(source: Path = SOURCE) -> tuple[dict[str, Kind], dict[str, tuple[str, ...]]]:
    """The kinds by name, and those of each page; ValueError for what isn't known."""
    text = source.read_text(encoding="utf-8")
    kinds = {}
    for name, words, letter in re.findall(r"^\| ([a-z]+) \| ([^|]+) \| ([a-z]?) ?\|$", text, re.M):
        if name != "kind":
            kinds[name] = Kind(name, split(words), letter)
    pages: dict[str, tuple[str, ...]] = {}
    known = sitemap.read().pages
    for page, listed in re.findall(r"^- (learn/[a-z0-9-]+): (.*)$", text, re.M):
        pages[page] = split(listed)
        if page not in known or not set(pages[page]) <= set(kinds):
            raise ValueError(f"{source.name}: {page} isn't a page, or {listed} aren't all kinds")
    return kinds, pages


@cache
def shipped() -> tuple[dict[str, Kind], dict[str, tuple[str, ...]]]:
    return read()


def mark(text: str, page: str) -> str:
    """A built page with its words and letters in colour."""
    kinds, pages = shipped()
    wanted = [kinds[name] for name in pages.get(page, ())]
    if not wanted:
        return text
    start = text.index("<main")
    end = text.index("</main>", start)
    main = in_formulas(in_words(text[start:end], wanted), wanted)
    return text[:start] + main + text[end:]


def in_formulas(main: str, wanted: list[Kind]) -> str:
    letters = {kind.letter: kind.name for kind in wanted if kind.letter}
    return re.sub(
        r"<mi>([a-z])</mi>",
        lambda m: f'<mi class="tinted {letters[m[1]]}">{m[1]}</mi>' if m[1] in letters else m[0],
        main,
    )


def in_words(main: str, wanted: list[Kind]) -> str:
    pieces = re.split(r"(<[^>]*>)", main)
    sections = found_in(pieces, wanted)
    chosen = []
    for uses in sections:
        for kind in wanted:
            mine = [use for use in uses if use.kind == kind.name]
            for use in [use for use in mine if use.is_emphasised] or mine[:1]:
                if not use.is_linked:  # a link has the colour of links
                    chosen.append(use)
    begun: dict[int, int] = {}  # by piece: where the last colour in it begins
    for use in sorted(chosen, key=lambda use: (use.piece, -use.begin, -use.until)):
        if use.until > begun.get(use.piece, use.until):
            continue
        begun[use.piece] = use.begin
        text = pieces[use.piece]
        word = f'<span class="tinted {use.kind}">{text[use.begin : use.until]}</span>'
        pieces[use.piece] = text[: use.begin] + word + text[use.until :]
    return "".join(pieces)


def found_in(pieces: list[str], wanted: list[Kind]) -> list[list[Use]]:
    """The words of each section of a page; only in running text, and not within figures."""
    sections: list[list[Use]] = [[]]
    skipping, depth = "", 0
    blocks = emphasis = 0
    link = ""
    for i, piece in enumerate(pieces):
        tag = re.match(r"<(/?)([a-zA-Z][\w-]*)", piece)
        if not tag:
            if not skipping and blocks:
                sections[-1] += in_piece(i, piece, wanted, emphasis > 0, link == "plain")
            continue
        name, step = tag[2].lower(), -1 if tag[1] else 1
        if name == "h2" and step > 0:
            sections.append([])
        if skipping:
            depth += step if name == skipping else 0
            skipping = skipping if depth else ""
        elif name == "a":
            link = "" if step < 0 else "term" if 'class="term"' in piece else "plain"
        elif step > 0 and name not in terms.VOID and terms.is_skipped(name, piece):
            skipping, depth = name, 1
        elif name in BLOCKS:
            blocks += step
        elif name in EMPHASIS:
            emphasis += step
    return sections


def in_piece(
    i: int, piece: str, wanted: list[Kind], is_emphasised: bool, is_linked: bool
) -> list[Use]:
    matches = [(kind.name, kind.pattern.search(piece)) for kind in wanted]
    return [
        Use(i, match.start(), match.end(), name, is_emphasised, is_linked)
        for name, match in matches
        if match
    ]
