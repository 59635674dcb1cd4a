"""Code in pages: quoted from the real source, highlighted, each line with its number.

A page quotes with one line of its own:

    @code ladder/train5.py: def softmax

That is the block beginning at the only line that starts so (indentation apart), up to where its
indentation ends, or, for a comment, up to the next empty line. `.. END` after it quotes up to the
line before the one that starts with END; `.. end` up to the end of the file. A quote that is not
found, or could be several, fails the build: code in a page can't grow stale.
"""

import html
import re
from pathlib import Path

from markdown import Markdown
from markdown.extensions import Extension
from markdown.preprocessors import Preprocessor
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import get_lexer_by_name, get_lexer_for_filename
from pygments.util import ClassNotFound

ROOT = Path(__file__).resolve().parent.parent.parent
QUOTE = re.compile(r"@code\s+([\w./-]+)\s*:\s*(.+?)\s*$")
FENCE = re.compile(r"(?:```|~~~)\s*([\w+-]*)\s*$")


class QuoteError(ValueError):
    """A quote that the source doesn't have, or has more than once."""


def quote(path: str, where: str, root: Path = ROOT) -> tuple[int, list[str]]:
    """Number of the first line (from 1) and the lines that ``where`` means in a source file."""
    source = (root / path).resolve()
    if not source.is_relative_to(root.resolve()) or not source.is_file():
        raise QuoteError(f"{path} is no file of this repository")
    lines = source.read_text(encoding="utf-8").splitlines()
    start, _, until = (part.strip() for part in where.partition(" .. "))
    first = only(lines, start, path)
    if until == "end":
        last = len(lines)
    elif until:
        after = [i for i in range(first + 1, len(lines)) if lines[i].lstrip().startswith(until)]
        if not after:
            raise QuoteError(f"{path}: no line after {start!r} starts with {until!r}")
        last = after[0]
    else:
        last = end_of_block(lines, first)
    while last > first + 1 and not lines[last - 1].strip():
        last -= 1
    return first + 1, lines[first:last]


def only(lines: list[str], start: str, path: str) -> int:
    """Index of the one line that starts so."""
    found = [i for i, line in enumerate(lines) if line.lstrip().startswith(start)]
    if len(found) != 1:
        numbers = f": {', '.join(str(i + 1) for i in found)}" if found else ""
        raise QuoteError(f"{path} has {len(found)} lines that start with {start!r}{numbers}")
    return found[0]


def end_of_block(lines: list[str], first: int) -> int:
    """Index behind the block: its own indented lines, or a paragraph of code."""
    depth = indentation(lines[first])
    if lines[first].rstrip().endswith((":", "(", "[", "{")) and "#" not in lines[first]:
        for i in range(first + 1, len(lines)):
            closing = lines[i].strip()[:1] in tuple(")]}")
            if lines[i].strip() and indentation(lines[i]) <= depth and not closing:
                return i
        return len(lines)
    for i in range(first + 1, len(lines)):
        if not lines[i].strip() or indentation(lines[i]) < depth:
            return i
    return len(lines)


def indentation(line: str) -> int:
    return len(line) - len(line.lstrip())


def place(path: str, number: int, code: list[str]) -> str:
    """Where quoted lines stand."""
    last = number + len(code) - 1
    return f"{path}, line {number}" if last == number else f"{path}, lines {number} to {last}"


def as_html(code: list[str], language: str, *, number: int = 0, path: str = "") -> str:
    """A figure with highlighted code; where it has a source, a caption and numbered lines."""
    try:
        lexer = get_lexer_for_filename(path) if path else get_lexer_by_name(language or "text")
    except ClassNotFound:
        lexer = get_lexer_by_name("text")
    margin = min((indentation(line) for line in code if line.strip()), default=0)
    text = "\n".join(line[margin:] for line in code) + "\n"
    lexer.stripnl = False
    shown = highlight(text, lexer, HtmlFormatter(nowrap=True)).rstrip("\n").split("\n")
    lines = []
    for offset, line in enumerate(shown):
        # What a line is indented by, so that its continuation hangs one step deeper.
        depth = min(12, indentation(code[offset][margin:]) if offset < len(code) else 0)
        which = f' data-line="{number + offset}"' if path else ""
        lines.append(f'<span class="line in{depth}"{which}>{line or " "}\n</span>')
    name = place(path, number, code) if path else ""
    label = f"code of {name}" if path else f"{language or 'text'} code"
    caption = f"<figcaption>{html.escape(name)}</figcaption>" if path else ""
    return (
        f'<figure class="code" data-source="{html.escape(path)}">{caption}'
        f'<pre aria-label="{html.escape(label)}"><code>{"".join(lines)}</code></pre></figure>'
    )


class Quotes(Preprocessor):
    """Puts figures in the place of quotes and of fenced code; opens widgets' tags to Markdown."""

    def run(self, lines: list[str]) -> list[str]:
        out: list[str] = []
        fence: list[str] | None = None
        language = ""
        for line in lines:
            if fence is not None:
                if line.strip() in ("```", "~~~"):
                    out += ["", self.md.htmlStash.store(as_html(fence, language)), ""]
                    fence = None
                else:
                    fence.append(line)
            elif found := FENCE.match(line):
                fence, language = [], found[1]
            elif found := QUOTE.match(line):
                number, code = quote(found[1], found[2])
                figure = as_html(code, "", number=number, path=found[1])
                out += ["", self.md.htmlStash.store(figure), ""]
            else:
                out.append(self.widget(line))
        if fence is not None:
            raise QuoteError("a page has a fence of code that is never closed")
        return out

    def widget(self, line: str) -> str:
        """`<mg-chat>` is a block like any other, and what stands in it is Markdown."""
        found = re.match(r"</?(mg-[a-z0-9-]+)", line)
        if not found:
            return line
        if found[1] not in self.md.block_level_elements:
            self.md.block_level_elements.append(found[1])
        return re.sub(r"^<(mg-[a-z0-9-]+)", r'<\1 markdown="block"', line)


class QuotingExtension(Extension):
    def extendMarkdown(self, md: Markdown) -> None:
        md.preprocessors.register(Quotes(md), "quotes", 28)  # before raw HTML is taken out


def makeExtension(**options: object) -> QuotingExtension:
    return QuotingExtension(**options)
