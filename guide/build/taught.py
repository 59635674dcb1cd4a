"""Whether each reading path teaches its words: terms that come up before they are explained.

A term is taught by the first page of the path that is its home in the glossary, and by any page
that sets exactly the term, in one of its forms, in bold or italics and explains it there: this has
to be its first use on the path. Names of links don't count as uses: they say where a thing is
explained. A path need not ask for all sections of a page (``sitemap.waits``).
"""

from dataclasses import dataclass

import running
import sitemap
import terms

# Words whose note on pointing is enough, and why.
NOTED: dict[str, str] = {}


@dataclass(frozen=True)
class Early:
    """A term that a page of a path uses before the path has taught it."""

    path: str
    page: str
    term: str
    text: str

    def __str__(self) -> str:
        return f"{self.path}: {self.page} uses “{self.term}” untaught: … {self.text} …"


def early(known: sitemap.Sitemap, path: str) -> list[Early]:
    """The terms of one path that come too early, each at its first use."""
    left = {term.name: term for term, _ in terms.patterns() if term.name not in NOTED}
    found = []
    for at, page in enumerate(known.paths[path]):
        left = {name: term for name, term in left.items() if page not in term.homes}
        for piece in running.pieces(page):
            if piece.kind == "link" or not known.asks(path, at, piece.section):
                continue
            for begin, end, term in terms.uses(piece.text):
                if not left.pop(term.name, None):
                    continue
                word = piece.text[begin:end]
                if piece.kind == "marked" and word == piece.text.strip(" :.,;?"):
                    continue
                around = piece.text[max(0, begin - 60) : end + 40]
                found.append(Early(path, page, word, around))
    return found
