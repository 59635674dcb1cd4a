"""A page's source as Markdown alone: what its lines with @ stand for, and no tags of HTML.

What a widget's tag holds for readers without scripts is its text here too. Links are written from
the site's root, code and formulas stay as they are.
"""

import posixpath
import re
from html.parser import HTMLParser

import paths
import quoting
import reference
import sitemap
import terms

PAGES = sitemap.GUIDE / "pages"
HELD = re.compile(r"^(```|~~~).*?^\1[ \t]*$|`[^`\n]+`|\$\$.+?\$\$|\$[^$\n]+\$", re.M | re.S)
ATTRIBUTES = re.compile(r"[ \t]*\{(?::|#)[^{}\n]*\}[ \t]*$|(?<=[)*])\{: #[^{}\n]*\}", re.M)
AROUND = {"strong": "**", "b": "**", "em": "*", "i": "*", "code": "`", "kbd": "`"}
BEFORE = {"sub": "_", "sup": "^"}  # what is lowered or raised
INLINE = {*AROUND, *BEFORE, "a", "mg-say", "span"}


class Tags(HTMLParser):
    """The text of a page without its tags; those that mean something become Markdown."""

    def __init__(self) -> None:
        super().__init__()
        self.out: list[str] = []
        self.skipped = 0  # how many drawings are open
        self.behind: list[str] = []  # what ends the tags that are open

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attributes}
        if tag == "svg":
            self.out.append(f"\n({values['aria-label']})\n" if "aria-label" in values else "")
            self.skipped += 1
        if self.skipped or tag in ("br", "img"):
            self.out.append("\n" if tag == "br" else "")
            return
        begin, end = "\n", "\n"
        if tag in INLINE:
            begin = end = AROUND.get(tag, "")
        if tag in BEFORE:
            begin = BEFORE[tag]
        if tag == "a" and "href" in values:
            begin, end = "[", f"]({values['href']})"
        elif tag == "li":
            begin = (
                f"\n- On the answer {values['data-value']}: " if "data-value" in values else "\n- "
            )
            end = " (the answer)\n" if "data-answer" in values else "\n"
        elif tag in ("td", "th"):
            begin, end = "", " | "
        elif tag == "summary":
            begin, end = "\n\n**", "**\n\n"
        elif tag in ("p", "div", "figure", "details") or tag.startswith("mg-"):
            begin = end = "\n\n"
        if values.get("answer"):
            end = f"\n\nAnswer: {values['answer']}\n\n"
        self.out.append(begin)
        self.behind.append(end)

    def handle_endtag(self, tag: str) -> None:
        if tag == "svg":
            self.skipped -= 1
        elif not self.skipped and self.behind:
            self.out.append(self.behind.pop())

    def handle_data(self, data: str) -> None:
        if not self.skipped:
            self.out.append(data)


def front(text: str) -> tuple[str, str]:
    """A page's description, and the page without the lines that say it."""
    found = re.match(r"---\n(.*?)\n---\n", text, re.S)
    if not found:
        return "", text
    about = re.search(r"^description: (.+)$", found[1], re.M)
    return about[1].strip('"') if about else "", text[found.end() :]


def filled(text: str) -> str:
    """The page with what its lines with @ stand for."""
    out: list[str] = []
    for line in text.split("\n"):
        if line.startswith("@reference "):
            out += reference.lines_of(line.split()[1])
        elif line.startswith(("@path ", "@later ")) or "@minutes " in line:
            out += paths.filled([line])
        elif found := quoting.QUOTE.match(line):
            number, code = quoting.quote(found[1], found[2])
            place = quoting.place(found[1], number, code)
            out += ["", f"{place}:", "", f"```{found[1].rpartition('.')[2]}", *code, "```", ""]
        else:
            out.append(line)
    return "\n".join(terms.Entries(None).run(out))


def from_root(page: str, target: str) -> str:
    """A link of a page as it is written from the site's root."""
    if re.match(r"[a-z]+:", target):
        return target
    path, hash_, anchor = target.partition("#")
    path = path.partition("?")[0]
    if not path:
        path = f"{page}.md"
    else:
        ends = "/" if path.endswith("/") else ""
        path = posixpath.normpath(posixpath.join(posixpath.dirname(page), path)) + ends
    if path.endswith(".md"):
        path = path.removesuffix(".md").removesuffix("index")
        path = f"{path.rstrip('/')}/" if path else "./"
    return f"{path}{hash_}{anchor}"


def markdown(page: str, text: str) -> str:
    """The text of a page as Markdown that reads by itself."""
    held: list[str] = []

    def hold(found: re.Match[str]) -> str:
        held.append(found[0])
        return f"\0{len(held) - 1}\0"

    reader = Tags()
    reader.feed(HELD.sub(hold, filled(front(text)[1])))
    reader.close()
    text = ATTRIBUTES.sub("", "".join(reader.out))
    text = re.sub(r"\]\(([^()\s]+)\)", lambda link: f"]({from_root(page, link[1])})", text)
    text = "\n".join(line.rstrip() for line in text.split("\n"))
    text = re.sub(r"\n{3,}", "\n\n", text).strip() + "\n"
    text = re.sub(r"^(- .*)\n\n(?=- )", r"\1\n", text, flags=re.M)
    return re.sub(r"\0(\d+)\0", lambda found: held[int(found[1])], text)


def page_text(page: str) -> str:
    """The same of a page by its name in the sitemap."""
    return markdown(page, (PAGES / f"{page}.md").read_text(encoding="utf-8"))


def description(page: str) -> str:
    """What a page is about, in one sentence."""
    return front((PAGES / f"{page}.md").read_text(encoding="utf-8"))[0]
