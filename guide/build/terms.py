"""Terms: the entries of the glossary, and the first use of each on every other page.

In guide/pages/glossary.md, `@term NAME | PAGES | FORMS` before a paragraph makes an entry: its
heading, the paragraph, and the pages where it is taught, as links where they are built. FORMS are
what the term looks like in a text, apart by commas, `?` behind an optional letter; with a capital
they hold as written, else also at the beginning of a sentence. `[[learn/loss]]`, with words of its
own `[[learn/loss|words]]`, is a link where that page is built, and else the words alone; it stands
on pages in guide/pages itself.
"""

import html
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from markdown import Markdown
from markdown.extensions import Extension
from markdown.preprocessors import Preprocessor

import sitemap

SOURCE = sitemap.GUIDE / "pages" / "glossary.md"
LATER = "not written yet"
# Lists and quotations aren't running text, and a link within a link is none.
SKIPPED = {"a", "button", "code", "figure", "h1", "h2", "h3", "h4", "kbd", "math", "nav", "pre"}
SKIPPED |= {"script", "summary", "table", "dt"}
SKIPPED_CLASSES = {"path", "paths", "legend", "ways", "formula", "later"}
UNMARKED = {"glossary", "sources", "stepwise", "lessons", "walkthrough"}
VOID = {"br", "hr", "img", "input", "wbr"}
LINK = re.compile(r"\[\[([a-z0-9/-]+)(#[a-z0-9-]+)?(?:\|([^\]]+))?\]\]")


@dataclass(frozen=True)
class Term:
    """One entry: its place on the glossary's page, where it is taught, and how it looks in text."""

    name: str
    homes: tuple[str, ...]
    forms: tuple[str, ...]
    definition: str

    @property
    def id(self) -> str:
        return re.sub(r"[^a-z0-9]+", "-", self.name.lower()).strip("-")


def read(source: Path = SOURCE) -> list[Term]:
    """The glossary's entries in order; ValueError for one that can't be read."""
    terms = []
    for block in source.read_text(encoding="utf-8").split("\n@term ")[1:]:
        head, _, rest = block.partition("\n")
        cells = [cell.strip() for cell in head.split("|")]
        definition = " ".join(rest.strip().split("\n\n")[0].split())
        if len(cells) != 3 or not cells[0] or not cells[1] or not definition:
            raise ValueError(f"this term of the glossary can't be read: {head}")
        homes, forms = (tuple(filter(None, map(str.strip, c.split(",")))) for c in cells[1:])
        terms.append(Term(cells[0], homes, forms, definition))
    return terms


def plain(definition: str) -> str:
    """A definition without Markdown, for a note beside the text."""
    text = re.sub(r"\[\[[^\]|]+\|([^\]]+)\]\]", r"\1", definition)
    text = re.sub(r"\[([^\]]+)\]\([^)]+\)", r"\1", text)
    return re.sub(r"(\*\*|\*|`)", "", text)


def link(page: str, anchor: str = "", words: str = "") -> str:
    """A link in Markdown to a page that is built; else the words alone."""
    known = sitemap.read().pages
    name = page.split("#")[0]
    if name not in known:
        raise ValueError(f"{name} is not in guide/notes/sitemap.md")
    words = words or known[name].name
    return f"[{words}]({name}.md{anchor})" if known[name].is_built else words


# ---------------------------------------------------------------- the glossary's own page


def taught(homes: tuple[str, ...]) -> str:
    """The line under an entry."""
    known = sitemap.read().pages
    named = []
    for home in homes:
        words = link(home)
        later = home in known and not known[home].is_built
        named.append(f"{words} <em>{LATER}</em>" if later else words)
    return f'<p class="taught" markdown="span">Taught in {", ".join(named)}.</p>'


class Entries(Preprocessor):
    def run(self, lines: list[str]) -> list[str]:
        out: list[str] = []
        pending: tuple[str, ...] | None = None
        begun = False
        for line in [*lines, ""]:
            if line.startswith("@term "):
                name, homes, _ = (cell.strip() for cell in line[6:].split("|"))
                pending = tuple(home.strip() for home in homes.split(","))
                begun = False
                term = Term(name, pending, (), "")
                out += ["", f"### {name} {{: #{term.id} }}", ""]
                continue
            out.append(LINK.sub(lambda m: link(m[1], m[2] or "", m[3] or ""), line))
            if pending is not None and line.strip():
                begun = True
            elif pending is not None and begun:
                out += [taught(pending), ""]
                pending = None
        return out


# ---------------------------------------------------------------- other pages


@cache
def patterns() -> tuple[tuple[Term, re.Pattern[str]], ...]:
    return tuple((term, pattern_of(term.forms)) for term in read() if term.forms)


def pattern_of(forms: tuple[str, ...]) -> re.Pattern[str]:
    """Finds any of the forms as a whole word."""
    parts = []
    for form in sorted(forms, key=len, reverse=True):
        text = re.escape(form).replace(r"\?", "?")
        if form == form.lower():
            text = f"[{form[0]}{form[0].upper()}]{text[len(re.escape(form[0])) :]}"
        parts.append(text)
    return re.compile(rf"(?<![\w-])(?:{'|'.join(parts)})(?![\w-])")


def mark(text: str, page: str, up: str) -> str:
    """A built page with the first use of each term as a link that carries its definition."""
    if page in UNMARKED or "<main" not in text:
        return text
    start = text.index("<main")
    end = text.index("</main>", start)
    left = {term.id: (term, p) for term, p in patterns() if page not in term.homes}
    out = []
    skipping = ""
    depth = 0
    blocks = 0  # only in paragraphs and list items
    for piece in re.split(r"(<[^>]*>)", text[start:end]):
        tag = re.match(r"<(/?)([a-zA-Z][\w-]*)", piece)
        if tag:
            name = tag[2].lower()
            if skipping:
                if name == skipping:
                    depth += -1 if tag[1] else 1
                    skipping = skipping if depth else ""
            elif not tag[1] and name not in VOID and is_skipped(name, piece):
                skipping, depth = name, 1
            elif name in ("p", "li", "dd", "blockquote"):
                blocks += -1 if tag[1] else 1
        elif not skipping and blocks > 0 and piece.strip():
            piece = marked(piece, left, up)
        out.append(piece)
    return text[:start] + "".join(out) + text[end:]


def is_skipped(name: str, tag: str) -> bool:
    classes = re.search(r'\bclass="([^"]*)"', tag)
    return (
        name in SKIPPED
        or name.startswith("mg-")
        or bool(classes and SKIPPED_CLASSES & set(classes[1].split()))
    )


def uses(text: str) -> list[tuple[int, int, Term]]:
    """All terms in a text; what is within a longer one is part of that."""
    spans = [
        (match.start(), match.end(), term)
        for term, pattern in patterns()
        for match in pattern.finditer(text)
    ]
    found: list[tuple[int, int, Term]] = []
    for begin, end, term in sorted(spans, key=lambda span: (span[0], -span[1])):
        if not found or begin >= found[-1][1]:
            found.append((begin, end, term))
    return found


def marked(piece: str, left: dict[str, tuple[Term, re.Pattern[str]]], up: str) -> str:
    """A piece of text with links; what was found is taken out of ``left``."""
    out = []
    at = 0
    for begin, until, term in uses(piece):
        if not left.pop(term.id, None):
            continue
        note = html.escape(plain(term.definition))
        href = f"{up}glossary/#{term.id}"
        out.append(piece[at:begin])
        out.append(f'<a class="term" href="{href}" data-note="{note}">{piece[begin:until]}</a>')
        at = until
    return "".join([*out, piece[at:]])


class TermsExtension(Extension):
    def extendMarkdown(self, md: Markdown) -> None:
        md.preprocessors.register(Entries(md), "terms", 27.5)


def makeExtension(**options: object) -> TermsExtension:
    return TermsExtension(**options)
