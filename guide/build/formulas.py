"""TeX in pages becomes MathML when the site is built, so that no script draws formulas.

`$x_1$` stands in a line, `$$ ... $$` on lines of its own; `\\$` is a dollar sign. The TeX stays
beside the formula as its alternative text.
"""

import html
import re
from xml.etree import ElementTree
from xml.etree.ElementTree import Element, SubElement

from latex2mathml.converter import convert
from markdown import Markdown
from markdown.blockprocessors import BlockProcessor
from markdown.extensions import Extension
from markdown.inlinepatterns import InlineProcessor

INLINE = r"(?<![\\$\w])\$(?![\s$])([^$\n]*[^$\s\\])\$(?![\w$])"
BLOCK = re.compile(r"^\$\$\s*(.+?)\s*\$\$\s*$", re.DOTALL)


def mathml(tex: str, display: str) -> str:
    """A <math> element, with its TeX as alternative text."""
    made = convert(tex, display=display)
    # A function's name is a name, close to its bracket and at a distance from other neighbours.
    made = re.sub(r"<mo[^>]*>([a-zA-Z]{2,})</mo>", r"<mi>\1</mi>", made)
    name = r"<mi>[a-zA-Z]{2,}</mi>"
    named = (
        rf"(?<!<msub>)(?<!<munder>){name}|<m(?:sub|under)>{name}<m[in]>\w+</m[in]></m(?:sub|under)>"
    )
    gap = '<mspace width="0.17em"/>'
    made = re.sub(rf"({named})(?=<m(?:i|n|sub|frac)[ >])", rf"\1{gap}", made)
    made = re.sub(rf"(</m(?:i|n|sub|sup|frac)>)(?={named})", rf"\1{gap}", made)
    made = made.replace("<mo>&#x0002F;</mo>", '<mo lspace="0" rspace="0">&#x0002F;</mo>')
    # A sign stands at what it belongs to; only first in its row does a browser see it as a sign.
    before = r"(<mo[^>]*>&#x0(?:003D|2190|002C|0028);</mo>(?:<mspace[^>]*>)?)"
    made = re.sub(rf"{before}<mo>&#x02212;</mo>", r'\1<mo form="prefix">&#x02212;</mo>', made)
    if "\\" in re.sub(r"<[^>]*>", "", made):
        raise ValueError(f"this formula has a command that MathML doesn't know: {tex}")
    return made.replace("<math ", f'<math alttext="{html.escape(tex)}" ', 1)


def joined(page: str) -> str:
    """The page, with no line that begins with the full stop or comma after a formula."""
    within = r'(<math [^>]*display="inline"[^>]*>(?:(?!</math>).)*</math>[,.;:?!)]+)'
    return re.sub(within, r'<span class="joined">\1</span>', page, flags=re.S)


RAISED = dict(zip("0123456789−′″", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻′″", strict=True))
LOWERED = dict(zip("0123456789", "₀₁₂₃₄₅₆₇₈₉", strict=True))
SPACED = set("=+−·×←|")
OPENING = set("([{,;=+−·×←/")


def in_a_line(made: str) -> str:
    """A formula as plain text: x², w₁, 2^3.83, (a + b)/c, √(x + 1)."""
    return " ".join(_line(ElementTree.fromstring(made)).split())


def _group(text: str) -> str:
    """In brackets, unless it is one thing."""
    whole = re.fullmatch(r"√?[^\W\d]\w*|∂\w+|√?[\d.]+|\([^()]*\)", text)
    return text if whole else f"({text})"


def _shifted(text: str, signs: dict[str, str], mark: str) -> str:
    """An exponent or an index: with the signs that there are for it, else behind a mark."""
    text = text.replace(" ", "")
    if all(sign in signs for sign in text):
        return "".join(signs[sign] for sign in text)
    return mark + (text if text.isalpha() or re.fullmatch(r"[\d.]+", text) else f"({text})")


def _line(element: Element) -> str:
    tag = element.tag.rpartition("}")[2]
    parts = list(element)
    if tag in ("mi", "mn", "mtext", "mo"):
        return (element.text or "").strip().replace(chr(0x2223), "|")
    if tag == "mspace":
        return "; " if float(element.get("width", "0em").removesuffix("em")) >= 1 else " "
    if tag == "mfrac":
        above, below = (_group(_line(part)) for part in parts)
        return f"{above}/{below}"
    if tag == "msqrt":
        return f"√{_group(_row(parts))}"
    if tag == "mtable":
        return "; ".join(", ".join(_row(list(cell)) for cell in row) for row in parts)
    if tag == "mover":  # a hat, or the line that stands for a mean
        base, sign = (_line(part) for part in parts)
        return f"{base}_hat" if sign == "^" else f"mean({base})"
    if tag in ("msub", "msup", "munder", "msubsup", "munderover"):
        said = _line(parts[0])
        if tag != "msup":
            said += _shifted(_line(parts[1]), LOWERED, "_")
        if tag in ("msup", "msubsup", "munderover"):
            said += _shifted(_line(parts[-1]), RAISED, "^")
        return said
    return _row(parts)


def _row(parts: list[Element]) -> str:
    """What stands side by side, with spaces as one writes them by hand."""
    said = ""
    for part in parts:
        text = _line(part)
        if text == "; " and said.rstrip()[-1:] == ",":
            text = " "
        elif text in SPACED and said.strip() and said.rstrip()[-1] not in OPENING:
            text = f" {text} "
        elif text == ",":
            text = ", "
        elif _apart(said, text):
            text = f" {text}"
        said += text
    return said


def _apart(said: str, text: str) -> bool:
    """Whether what follows begins something new; d and ∂ belong to what follows them."""
    if text[:1] == "(":
        return said.rpartition(" ")[2][:1] in ("∑", "∏")
    if text[:1] in ("∑", "∏"):
        return said[-1:].isalnum()
    if not said or not text[:1].isalpha():
        return False
    word = re.split(r"[^\w∂]", said)[-1]
    return said[-1] not in "([{ /√∂−" and word != "d" and not word.isdecimal()


class InlineFormula(InlineProcessor):
    def handleMatch(self, m: re.Match[str], data: str) -> tuple[str, int, int]:
        return self.md.htmlStash.store(mathml(m[1], "inline")), m.start(0), m.end(0)


class BlockFormula(BlockProcessor):
    def test(self, parent: Element, block: str) -> bool:
        return BLOCK.match(block) is not None

    def run(self, parent: Element, blocks: list[str]) -> None:
        found = BLOCK.match(blocks.pop(0))
        assert found is not None
        box = SubElement(parent, "div", {"class": "formula"})
        box.text = self.parser.md.htmlStash.store(mathml(found[1], "block"))


class FormulaExtension(Extension):
    def extendMarkdown(self, md: Markdown) -> None:
        md.inlinePatterns.register(InlineFormula(INLINE, md), "formula", 185)
        md.parser.blockprocessors.register(BlockFormula(md.parser), "formula", 95)


def makeExtension(**options: object) -> FormulaExtension:
    return FormulaExtension(**options)
